"""Real installers against a mirror of what a few requirements need: none misses anything, wherever it is."""

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import needs
from tests.clients import servers
from tests.clients.programs import CLIENTS, of_its_own, run, warm_python
from tests.clients.servers import Served
from tests.fake_index import FakeIndex
from tests.index_pages import normalize
from tests.mirror import Ended, Mirror
from tests.missing import unable

PLATFORMS = {
    "manylinux_2_17_x86_64": "x86_64-manylinux_2_28",
    "macosx_11_0_arm64": "aarch64-apple-darwin",
    "win_amd64": "x86_64-pc-windows-msvc",
}
"""What pip and uv call the platforms that are mirrored."""
ENVIRONMENTS = list(zip(needs.PYTHONS, PLATFORMS, strict=True))
TEAM = {
    "package_matches": None,
    "package_excludes": needs.EXCLUDED,
    "requirements": "requirements.txt",
    "dependencies": True,
    "python_versions": " ".join(needs.PYTHONS),
    "platforms": "linux_x86_64 macosx_arm64 win_amd64",
}

MORE: Sequence[dict[str, object]] = (
    {},
    {"dependency_versions": "all"},
    {"prereleases": "if-needed"},
    {"python_versions": None, "platforms": None},
    {"file_types": "wheel sdist", "glibc": "2.17", "yanked": False, "workers": 1},
)
"""What makes no difference to who installs."""
SEEDS = int(os.environ.get("PYPIMIRROR_SOAK", "0")) // 3 or len(MORE)


class Sides(NamedTuple):
    """An index, what is asked for on it, and the mirror of that."""

    upstream: FakeIndex
    drawn: needs.Drawn
    mirror: Mirror


def mirrored(folder: Path, seed: int, *, size: int, roots: int, **options: object) -> Iterator[Sides]:
    """Draw an index, and mirror what some roots on it need."""
    folder.mkdir(exist_ok=True)
    with FakeIndex() as index:
        drawn = needs.draw(index, seed, size=size, roots=roots)
        (folder / "requirements.txt").write_text("\n".join(drawn.roots + drawn.by_sdists))
        mirror = Mirror(folder, index.url, **(TEAM | options))
        assert mirror.run("-U") == Ended(0, "", "")
        index.remove(needs.EXCLUDED)  # as nobody can have it from the mirror, either
        yield Sides(index, drawn, mirror)


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    """An index of 300 projects, and a mirror of what ten of them need."""
    yield from mirrored(tmp_path_factory.mktemp("needs"), 1, size=300, roots=8)


@pytest.fixture(scope="module")
def served(sides: Sides, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The mirror, behind a web server."""
    with servers.http_server(sides.mirror.root, tmp_path_factory.mktemp("http.server")) as running:
        yield running


def environment(name: str) -> Path:
    """Return the folder of a client; skip, or in CI fail, where it is missing."""
    (client,) = (each for each in CLIENTS if each.name == name)
    if client.why_missing:
        unable(client.why_missing)
    return client.environment


def by_uv(
    url: str, folder: Path, python: str, platform: str, requirements: Sequence[str]
) -> dict[str, str] | str:
    """Return the versions that uv would install; or what it says, where it finds no way."""
    folder.mkdir(exist_ok=True)
    head = [environment("uv") / "bin/uv", "pip", "install", "--dry-run", "--no-config", "--no-cache"]
    where = ["--target", folder / "target", "--python", sys.executable, "--index-url", url]
    target = ["--python-version", python, "--python-platform", PLATFORMS[platform]]
    status, output = run([*head, *where, *target, *requirements], folder, {"UV_PYTHON_DOWNLOADS": "never"})
    return dict(re.findall(r"^ \+ (\S+?)==(\S+)", output, re.MULTILINE)) if status == 0 else output


def by_pip(url: str, folder: Path, requirements: Sequence[str], *options: str) -> dict[str, str] | str:
    """Return the versions that pip would install; or what it says, where it finds no way."""
    folder.mkdir(exist_ok=True)
    isolated = ["--isolated", "--disable-pip-version-check", "--no-cache-dir", "--no-input"]
    head = ["-m", "pip", "install", "--dry-run", "--ignore-installed", *isolated, "--index-url", url]
    report = ["--quiet", "--report", folder / "report.json", "--target", folder / "target"]
    python = environment("pip") / "bin/python"
    status, *output = warm_python(python, [*head, *report, *options, *requirements], of_its_own(folder))
    if status:
        return "".join(output)
    found = json.loads((folder / "report.json").read_text("utf-8"))["install"]
    return {normalize(each["metadata"]["name"]): each["metadata"]["version"] for each in found}


def test_what_nobody_needs_is_not_mirrored(sides: Sides) -> None:
    held = set(sides.mirror.projects())
    assert 100 < len(held) < 300
    assert needs.MISSING not in held
    assert needs.EXCLUDED not in held
    log = sides.mirror.log
    assert f"{needs.EXCLUDED} is not mirrored, as package_excludes leaves it out: " in log
    assert f"{needs.MISSING} is not mirrored, as upstream has no such project: " in log
    sides.mirror.check_links()


@pytest.mark.parametrize(("python", "platform"), ENVIRONMENTS)
def test_uv_misses_nothing(sides: Sides, served: Served, tmp_path: Path, python: str, platform: str) -> None:
    for number, root in enumerate(sides.drawn.roots + sides.drawn.by_sdists):
        here, there = (
            by_uv(url, tmp_path / f"{number}-{side}", python, platform, [root])
            for side, url in (("mirror", served.url), ("upstream", sides.upstream.url))
        )
        assert isinstance(here, dict), here
        assert here == there


@pytest.mark.parametrize(("python", "platform"), ENVIRONMENTS)
def test_pip_misses_nothing(sides: Sides, served: Served, tmp_path: Path, python: str, platform: str) -> None:
    options = [
        "--only-binary=:all:",
        "--implementation=cp",
        "--python-version",
        python,
        "--platform",
        platform,
    ]
    here, there = (
        by_pip(url, tmp_path / side, sides.drawn.roots, *options)
        for side, url in (("mirror", served.url), ("upstream", sides.upstream.url))
    )
    assert isinstance(here, dict), here
    assert here == there


def test_pip_and_uv_install_all_at_once_and_build_sdists(
    sides: Sides, served: Served, tmp_path: Path
) -> None:
    asked = sides.drawn.roots + sides.drawn.by_sdists
    for number, client in enumerate(each for each in CLIENTS if each.name in {"pip", "uv"}):
        (folder := tmp_path / str(number)).mkdir()
        ended = client.install(environment(client.name), served, folder, asked)
        assert ended.status == 0, ended.output
        assert len(ended.versions) > 20


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_resolver_says_the_same_from_the_mirror_as_from_upstream(tmp_path: Path, seed: int) -> None:
    options = MORE[seed % len(MORE)]
    for sides in mirrored(tmp_path, seed, size=40, roots=3, **options):
        asked = sides.drawn.roots + sides.drawn.by_sdists
        with servers.http_server(sides.mirror.root, tmp_path) as served:
            for python, platform in ENVIRONMENTS:
                here, there = (
                    by_uv(url, tmp_path / f"{python}-{side}", python, platform, asked)
                    for side, url in (("mirror", served.url), ("upstream", sides.upstream.url))
                )
                assert isinstance(here, dict), here
                assert here == there
