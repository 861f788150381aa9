"""The tutorial, from its first command to its last, on this machine, against an index on loopback."""

import contextlib
import shutil
from pathlib import Path

from tests.clients import servers
from tests.documents import TOP, blocks
from tests.fake_index import FakeIndex
from tests.machine import Machine
from tests.missing import unable

PAGE = TOP / "docs/tutorial.md"


def test_every_command(index: FakeIndex, tmp_path: Path) -> None:
    programs = {name: shutil.which(name) for name in ("nginx", "curl")}
    for name, program in programs.items():
        if program is None:
            unable(f"{name} is not installed")
    fill(index)
    port = servers.free_port()
    machine = Machine(tmp_path / "machine", index, port=port)
    mirror = machine.mirror()
    said = {}
    with contextlib.ExitStack() as running:
        for block in blocks(PAGE, "sh"):
            said[block.text] = machine.run(block.text)
            if "--dry-run" in block.text:
                assert mirror.names() == set()
            if "systemctl reload nginx" in block.text:
                configuration = (machine.folder / "etc/nginx/conf.d/pypimirror.conf").read_text()
                served = servers.nginx_as_configured(
                    str(programs["nginx"]), configuration, machine.folder, port
                )
                running.enter_context(served)
    mirror.check_links()
    assert {path for path in mirror.names() if path.endswith(".whl")} == {
        "click/click-8.0.0-py3-none-any.whl",
        "flask/flask-3.0.0-py3-none-any.whl",
        "idna/idna-3.4-py3-none-any.whl",
        "requests/requests-2.32.0-py3-none-any.whl",
        "rich/rich-13.7.0-py3-none-any.whl",
    }
    assert any("complete   yes" in text for text in said.values())
    (installed,) = [text for command, text in said.items() if command.endswith("install requests\n")]
    assert f"Looking in indexes: http://127.0.0.1:{port}/" in installed
    assert "Successfully installed idna-3.4 requests-2.32.0" in installed
    assert machine.run("crontab() { :; }; cat /etc/cron.d/pypimirror").count("*/6 * * * * pypimirror ") == 1


def fill(index: FakeIndex) -> None:
    """Let the index have what the tutorial asks for, and a wheel for nobody there."""
    index.add("requests", "2.32.0", requires_dist=["idna>=2.5,<4"])
    index.add("rich", "13.7.0")
    index.add("idna", "3.4")
    index.add("flask", "3.0.0", requires_dist=["click"])
    index.add("click", "8.0.0")
    index.add("click", "8.1.0", tag="cp27-cp27m-win32", sdist=False)


def test_the_readme_installs_it_for_cron(index: FakeIndex, tmp_path: Path) -> None:
    fill(index)
    machine = Machine(tmp_path / "machine", index, port=servers.free_port())
    (machine.folder / "etc/requirements.txt").write_text("requests\n")
    commands = [block.text for block in blocks(TOP / "README.md", "sh")]
    first = next(i for i, text in enumerate(commands) if text.startswith("useradd"))
    machine.run(commands[first])
    config = machine.folder / "etc/pypimirror.cfg"
    assert "#expect_mirror = False" in config.read_text()
    # The page leaves it to the reader what to mirror: here it is its other example.
    (team,) = [block.text for block in blocks(TOP / "README.md", "ini") if "requirements" in block.text]
    machine.run(f"cat > /etc/pypimirror.cfg <<'EOF'\n{team.replace('3.12', '3.11')}EOF")
    said = [machine.run(command) for command in commands[first + 1 :]]
    assert "complete   yes" in said[0]
    assert "server {" in (machine.folder / "etc/nginx/conf.d/pypimirror.conf").read_text()
    assert {path.partition("/")[0] for path in machine.mirror().names()} == {"requests", "idna"}
    with config.open("a") as file:
        file.write("expect_mirror = True\n")
    (line,) = [block.text for block in blocks(TOP / "README.md", "") if "* * * *" in block.text]
    machine.run(line.split("pypimirror ", 1)[1])
