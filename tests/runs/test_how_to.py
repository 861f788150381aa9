"""How-to pages whose commands move and copy mirrors: they run as they stand there."""

import re
import shutil
from pathlib import Path

import pytest

from tests import faults
from tests.clients import servers
from tests.clients.conftest import require_apache, require_nginx
from tests.documents import TOP, blocks
from tests.fake_index import FakeIndex
from tests.machine import Machine
from tests.missing import unable

HOW_TO = TOP / "docs/how-to"


@pytest.fixture
def machine(index: FakeIndex, tmp_path: Path) -> Machine:
    for program in ("rsync", "flock", "curl"):
        if shutil.which(program) is None:
            unable(f"{program} is not installed")
    for name in ("six", "attrs", "Zope.Event"):
        index.add(name, "1.0")
    machine = Machine(tmp_path / "machine", index)
    machine.install()
    # From here on a download would fail the run.
    index.fault("/files/*", faults.Status(500), times=None)
    return machine


def commands(page: str) -> list[str]:
    return [block.text for block in blocks(HOW_TO / page, "sh")]


def downloads(index: FakeIndex) -> list[str]:
    return [request.path for request in index.requests if request.path.startswith("/files/")]


def test_a_mirror_crosses_an_air_gap(index: FakeIndex, machine: Machine) -> None:
    for gone in ("attrs", "zope-event"):
        for command in commands("air-gap.md"):
            machine.run(command)
        inside = machine.mirror("srv/inside")
        assert inside.tree() == machine.mirror().tree()
        assert inside.links() == machine.mirror().links()
        assert not (inside.root / ".pypimirror").exists()
        index.remove(gone)
        machine.run("pypimirror /etc/pypimirror.cfg -U --allow-removals")
    (file,) = (machine.folder / "mnt/disk/pypi/six").glob("*.whl")
    file.write_bytes(b"bad")
    with pytest.raises(AssertionError, match=r"six-1\.0"):
        machine.run(next(command for command in commands("air-gap.md") if "hashlib" in command))


def test_no_run_begins_while_somebody_copies_under_the_lock(machine: Machine) -> None:
    """Pages tell to hold the lock by the command flock."""
    update = "pypimirror /etc/pypimirror.cfg -U && status=0 || status=$?; [ $status = 5 ]"
    machine.run(f"flock /srv/pypi/.pypimirror/lock sh -c '{update}'")
    assert any("flock /srv/pypi/.pypimirror/lock rsync" in command for command in commands("air-gap.md"))


def test_a_mirror_is_restored_with_and_without_its_state(index: FakeIndex, machine: Machine) -> None:
    save, restore, restore_without = commands("backup.md")
    before = machine.mirror().tree()
    machine.run(save)
    for command in (restore, restore_without):
        machine.run("rm -rf /srv/pypi /etc/pypimirror.cfg; mkdir /srv/pypi")
        if command == restore_without:
            machine.run(restore)
        del index.requests[:]
        machine.run(command)
        assert machine.mirror().tree() == before
        assert downloads(index) == []


def test_a_mirror_is_moved(index: FakeIndex, machine: Machine) -> None:
    before = machine.mirror().tree()
    del index.requests[:]
    said = [machine.run(command) for command in commands("moving.md")]
    assert machine.mirror("mnt/new").tree() == before
    assert downloads(index) == []
    assert any("fetch 0" in text or "nothing" in text or "up to date" in text for text in said)


@pytest.fixture
def two_mirrors(machine: Machine) -> Machine:
    """Two mirrors on one machine, as the page configures them."""
    machine.run("mkdir /etc/pypimirror && echo six > /etc/pypimirror/web.txt")
    for block in blocks(HOW_TO / "several-mirrors.md", "ini"):
        name = block.text.splitlines()[0].rpartition("/")[2]
        machine.run(f"cat > /etc/pypimirror/{name} <<'EOF'\n{block.text}EOF")
    for name in ("web", "science"):
        page = machine.folder / "srv/pypi" / name / "numpy/index.html"
        page.parent.mkdir(parents=True)
        page.write_text(f"html of {name}")
        page.with_name("index.v1_json").write_text(f"json of {name}")
    return machine


JSON = "Accept: application/vnd.pypi.simple.v1+json"


def answers(machine: Machine, host: str, port: int, path: str) -> list[str]:
    """Return what a server says, as text and as JSON."""
    where = f"--resolve {host}:{port}:127.0.0.1 http://{host}:{port}{path}"
    curl = f"curl --silent --noproxy '*' {where}"
    return [machine.run(curl), machine.run(f"{curl} --header '{JSON}'")]


def under_one_name(machine: Machine) -> None:
    for name in ("web", "science"):
        machine.run(
            f"sed -i 's,^base_url.*,base_url = http://www.example.org/{name}/,' /etc/pypimirror/{name}.cfg"
        )


def test_two_mirrors_are_served_side_by_side(two_mirrors: Machine) -> None:
    nginx, port = require_nginx(), servers.free_port()
    for command in commands("several-mirrors.md"):
        two_mirrors.run(command)
    printed = [
        re.sub(r"(?m)^(    listen .*)\b80;", rf"\g<1>{port};", each.read_text())
        for each in (two_mirrors.folder / "etc/nginx/conf.d").iterdir()
    ]
    assert len(printed) == 2
    with servers.nginx_as_configured(nginx, "\n".join(printed), two_mirrors.folder, port):
        for name in ("web", "science"):
            said = answers(two_mirrors, f"{name}.example.org", port, "/numpy/")
            assert said == [f"html of {name}", f"json of {name}"]


def test_two_mirrors_are_served_under_one_name_by_nginx(two_mirrors: Machine) -> None:
    nginx, port = require_nginx(), servers.free_port()
    under_one_name(two_mirrors)
    for command in commands("several-mirrors.md"):
        two_mirrors.run(command)
    (block,) = [each.text for each in blocks(HOW_TO / "several-mirrors.md", "") if "server {" in each.text]
    block = block.replace("80;", f"{port};").replace("pypi.example.org", "www.example.org")
    block = block.replace("/etc/nginx", f"{two_mirrors.folder}/etc/nginx")
    with servers.nginx_as_configured(nginx, block, two_mirrors.folder, port):
        for name in ("web", "science"):
            said = answers(two_mirrors, "www.example.org", port, f"/{name}/numpy/")
            assert said == [f"html of {name}", f"json of {name}"]
        assert "404" in answers(two_mirrors, "www.example.org", port, "/numpy/")[0]
    assert "conflicting server name" not in (two_mirrors.folder / "error.log").read_text()


def test_two_mirrors_are_served_under_one_name_by_apache(two_mirrors: Machine) -> None:
    apache = require_apache()
    under_one_name(two_mirrors)
    for command in commands("several-mirrors.md"):
        two_mirrors.run(command)
    with servers.apache_of_others(apache, two_mirrors.folder / "srv/pypi", two_mirrors.folder) as port:
        for name in ("web", "science"):
            said = answers(two_mirrors, "www.example.org", port, f"/{name}/numpy/")
            assert said == [f"html of {name}", f"json of {name}"]


def test_a_mirror_outlives_the_program(machine: Machine) -> None:
    before = machine.mirror().tree()
    remove, leave, clear = commands("uninstalling.md")
    machine.run(remove)
    machine.run(leave)
    assert machine.mirror().tree() == before
    machine.run(clear)
    assert not machine.mirror().root.exists()
