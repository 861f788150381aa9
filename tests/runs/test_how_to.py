"""How-to pages whose commands move and copy mirrors: they run as they stand there."""

import re
import shutil
from pathlib import Path

import pytest

from tests import faults
from tests.clients import servers
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


def test_two_mirrors_are_served_side_by_side(machine: Machine) -> None:
    nginx = shutil.which("nginx")
    if nginx is None:
        unable("nginx is not installed")
    etc = machine.folder / "etc"
    (etc / "pypimirror").mkdir()
    (etc / "pypimirror/web.txt").write_text("six\n")
    for block in blocks(HOW_TO / "several-mirrors.md", "ini"):
        name = block.text.splitlines()[0].rpartition("/")[2]
        machine.run(f"cat > /etc/pypimirror/{name} <<'EOF'\n{block.text}EOF")
    for command in commands("several-mirrors.md"):
        machine.run(command)
    port = servers.free_port()
    printed = [
        re.sub(r"(?m)^(    listen .*)\b80;", rf"\g<1>{port};", each.read_text())
        for each in etc.glob("nginx/conf.d/*")
    ]
    assert len(printed) == 2
    with servers.nginx_as_configured(nginx, "\n".join(printed), machine.folder, port):
        for name in ("web", "science"):
            page = machine.folder / "srv/pypi" / name / "index.html"
            page.parent.mkdir()
            page.write_text(name)
            where = f"--resolve {name}.example.org:{port}:127.0.0.1 http://{name}.example.org:{port}/"
            assert machine.run(f"curl --silent --noproxy '*' {where}") == name


def test_a_mirror_outlives_the_program(machine: Machine) -> None:
    before = machine.mirror().tree()
    remove, leave, clear = commands("uninstalling.md")
    machine.run(remove)
    machine.run(leave)
    assert machine.mirror().tree() == before
    machine.run(clear)
    assert not machine.mirror().root.exists()
