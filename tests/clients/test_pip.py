"""pip, and uv where it is installed, against a mirror that the real command made and real servers serve."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.clients.conftest import Serve
from tests.clients.programs import warm_python
from tests.clients.servers import Served
from tests.fake_index import FakeIndex
from tests.mirror import clean_environment
from tests.missing import unable

SPELLINGS = ["zope-event", "Zope.Event", "zope_event", "ZOPE.event"]

JSON = "application/vnd.pypi.simple.v1+json"
PIP_ACCEPT = f"{JSON}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"


class Ended(NamedTuple):
    """How a client ended."""

    status: int
    output: str


def pip(served: Served, command: str, *arguments: str | Path) -> Ended:
    """Run pip with this index alone, and without any configuration or cache."""
    isolated = ["--isolated", "--disable-pip-version-check", "--no-cache-dir", "--no-input", "--no-color"]
    told = ["-m", "pip", command, *isolated, "--index-url", served.url, *arguments]
    status, *output = warm_python(Path(sys.executable), told, _environment(PIP_CONFIG_FILE="/dev/null"))
    return Ended(status, "".join(output))


def uv(served: Served, folder: Path, *arguments: str | Path) -> Ended:
    """Run uv's pip with this index alone; skip where there is no uv."""
    program = shutil.which("uv")
    if program is None:
        unable("uv is not installed")
    head = [program, "pip", "install", "--no-config", "--no-cache", "--python", sys.executable]
    environment = _environment(UV_PYTHON_DOWNLOADS="never", UV_CACHE_DIR=str(folder / "uv"))
    command = [*head, "--index-url", served.url, *map(str, arguments)]
    process = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=False,
    )
    return Ended(process.returncode, process.stdout)


def _environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in clean_environment().items() if not name.startswith("UV_")}
    return clean | more


def resolved(served: Served, folder: Path, *requirements: str) -> dict[str, str]:
    """Return the versions that pip would install, by name."""
    report = folder / "report.json"
    ended = pip(
        served, "install", "--dry-run", "--ignore-installed", "--quiet", "--report", report, *requirements
    )
    assert ended.status == 0, ended.output
    found = json.loads(report.read_text("utf-8"))["install"]
    return {entry["metadata"]["name"]: entry["metadata"]["version"] for entry in found}


def modules(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the modules in a folder, and their versions."""
    for path in sorted(folder.glob("*.py")):
        yield path.stem, path.read_text("utf-8").partition("= ")[2].strip("'\n")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_pip_installs_under_every_spelling(served: Served, tmp_path: Path, spelling: str) -> None:
    ended = pip(served, "install", "--target", tmp_path, spelling)
    assert ended.status == 0, ended.output
    assert dict(modules(tmp_path)) == {"Zope_Event": "5.1"}


@pytest.mark.parametrize(
    ("spelling", "index"), [("zope_event", 0), ("Zope.Event", 1)], ids=["wheel", "sdist"]
)
def test_pip_downloads_what_upstream_has(
    served: Served, upstream: FakeIndex, tmp_path: Path, spelling: str, index: int
) -> None:
    kind = ["--only-binary", "--no-binary"][index]
    ended = pip(served, "download", "--no-deps", kind, ":all:", "--dest", tmp_path, f"{spelling}==5.0")
    assert ended.status == 0, ended.output
    file = upstream.files("zope-event")[index]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {file.filename: file.content}


def test_pip_installs_dependencies(served: Served, tmp_path: Path) -> None:
    ended = pip(served, "install", "--target", tmp_path, "application")
    assert ended.status == 0, ended.output
    assert dict(modules(tmp_path)) == {"Application": "2.0", "Zope_Event": "5.1", "yanked_later": "1.0"}


def test_pip_installs_an_sdist(served: Served, tmp_path: Path) -> None:
    ended = pip(served, "install", "--target", tmp_path, "Sdist_Only")
    assert ended.status == 0, ended.output
    assert dict(modules(tmp_path)) == {"sdist_only": "0.5"}
    assert ("GET", "/sdist-only/sdist_only-0.5.tar.gz", 200) in [entry[:3] for entry in served.logged()]


def test_pip_reads_json_where_the_server_can_tell(served: Served, tmp_path: Path) -> None:
    assert resolved(served, tmp_path, "zope.event") == {"Zope.Event": "5.1"}
    page, *_ = served.logged()
    expected = JSON if served.name != "http.server" else "text/html"
    assert page[:3] == ("GET", "/zope-event/", 200)
    assert page.content_type == (expected if served.name != "http.server" else "-")
    assert served.get("zope-event/", {"Accept": PIP_ACCEPT}).content_type == expected


def test_pip_resolves_from_core_metadata_alone(served: Served, tmp_path: Path) -> None:
    found = resolved(served, tmp_path, "application")
    assert found == {"Application": "2.0", "Zope.Event": "5.1", "yanked-later": "1.0"}
    wheels = [
        "/application/application-2.1-py3-none-any.whl",
        "/application/application-2.0-py3-none-any.whl",
        "/zope-event/zope_event-5.1-py3-none-any.whl",
        "/yanked-later/yanked_later-1.0-py3-none-any.whl",
    ]
    asked = [entry.path for entry in served.logged() if not entry.path.endswith("/")]
    assert sorted(asked[:4]) == sorted(f"{wheel}.metadata" for wheel in wheels)
    # An older pip fetches what it chose even in a dry run; what it did not choose, none does.
    assert set(asked[4:]) <= set(wheels[1:])


def test_pip_does_not_choose_a_yanked_version(served: Served, tmp_path: Path) -> None:
    assert resolved(served, tmp_path, "yanked-later") == {"yanked-later": "1.0"}


def test_pip_takes_a_yanked_version_that_is_pinned_and_tells_why_it_was_yanked(
    served: Served, tmp_path: Path
) -> None:
    ended = pip(served, "install", "--target", tmp_path, "yanked-later==1.1")
    assert ended.status == 0, ended.output
    assert "Reason for being yanked: eats <files> & disks" in ended.output
    assert dict(modules(tmp_path)) == {"yanked_later": "1.1"}


def test_pip_obeys_requires_python(served: Served, tmp_path: Path) -> None:
    assert resolved(served, tmp_path, "tomorrow") == {"tomorrow": "3.0"}
    ended = pip(served, "install", "--target", tmp_path, "tomorrow==4.0")
    assert ended.status == 1
    assert "4.0 Requires-Python >=99" in ended.output


def test_pip_knows_no_project_that_is_not_mirrored(served: Served, tmp_path: Path) -> None:
    ended = pip(served, "install", "--target", tmp_path, "not-mirrored")
    assert ended.status == 1
    assert "No matching distribution found for not-mirrored" in ended.output


def test_pip_refuses_a_file_that_was_tampered_with(serve: Serve, tree_copy: Path, tmp_path: Path) -> None:
    filename = "zope_event-5.1-py3-none-any.whl"
    path = tree_copy / "zope-event" / filename
    path.write_bytes(path.read_bytes().replace(b"5.1", b"6.6"))
    with serve(tree_copy) as served:
        ended = pip(served, "install", "--target", tmp_path / "target", "zope.event")
    assert ended.status == 1
    assert "DO NOT MATCH THE HASHES" in ended.output
    assert hashlib.sha256(path.read_bytes()).hexdigest() in ended.output
    assert not (tmp_path / "target").exists()


def test_pip_refuses_core_metadata_that_was_tampered_with(
    serve: Serve, tree_copy: Path, tmp_path: Path
) -> None:
    path = tree_copy / "application/application-2.0-py3-none-any.whl.metadata"
    path.write_bytes(path.read_bytes() + b"Requires-Dist: tomorrow\n")
    with serve(tree_copy) as served:
        ended = pip(served, "install", "--dry-run", "--ignore-installed", "application")
        paths = [entry.path for entry in served.logged()]
    assert ended.status == 1
    assert "/application/application-2.0-py3-none-any.whl.metadata" in paths
    assert "/tomorrow/" not in paths


def test_a_mirror_below_a_path_serves_as_well(serve: Serve, tree_copy: Path, tmp_path: Path) -> None:
    """Links are relative: the tree may lie under any path of a site."""
    site = tmp_path / "site"
    (site / "python").mkdir(parents=True)
    tree_copy.rename(site / "python/simple")
    with serve(site) as served:
        below = Served(served.name, f"{served.url}python/simple/", tmp_path / "unused")
        ended = pip(below, "install", "--target", tmp_path / "target", "application")
    assert ended.status == 0, ended.output
    assert {"Application", "Zope_Event"} < dict(modules(tmp_path / "target")).keys()


def test_uv_installs(served: Served, tmp_path: Path) -> None:
    ended = uv(served, tmp_path, "--target", tmp_path / "target", "application", "sdist.only", "tomorrow")
    assert ended.status == 0, ended.output
    assert dict(modules(tmp_path / "target")) == {
        "Application": "2.0",
        "Zope_Event": "5.1",
        "sdist_only": "0.5",
        "tomorrow": "3.0",
        "yanked_later": "1.0",
    }
    pages = [entry for entry in served.logged() if entry.path.endswith("/")]
    assert {page.content_type for page in pages} == {JSON if served.name != "http.server" else "-"}
