"""What eight hostile pages take at once: all of them come in a run that may not have more than 700 MB."""

import contextlib
import gzip
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.hostile_index import BODIES, HTML, JSON, PAGES, Built, entry, page
from tests.mirror import COMMAND, Ended, Mirror, clean_environment
from tests.missing import unable

LIMIT = 700_000_000
GROUPS = Path("/sys/fs/cgroup/memory")
PAGES_AT_ONCE = 8

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems hold no process to a limit")


@pytest.fixture
def limited() -> Iterator[Callable[[], None]]:
    """What to call in a process: with all that it starts it may have so much."""
    group = GROUPS / f"pypimirror-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        unable("only root may hold a group of processes to so much memory")
    try:
        (group / "memory.limit_in_bytes").write_text(str(LIMIT))
        yield lambda: _join(group)
    finally:
        _remove(group)


def _remove(group: Path) -> None:
    """Remove a group, which may have a process in it that is just ending."""
    for _ in range(50):
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.1)


def _join(group: Path) -> None:
    (group / "cgroup.procs").write_text(str(os.getpid()))


def run(mirror: Mirror, limited: Callable[[], None]) -> Ended:
    ended = subprocess.run(
        [COMMAND, mirror.config, "-U"],
        env=clean_environment(),
        preexec_fn=limited,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def check(mirror: Mirror, ended: Ended, *statuses: int) -> None:
    assert ended.status in statuses, ended
    assert len(mirror.listed("good")) == 2
    for word in ("MemoryError", "a bug", "was ended by"):
        assert word not in ended.stderr + mirror.log
    mirror.check_links()


@pytest.mark.parametrize("workers", [1, PAGES_AT_ONCE])
def test_eight_pages_of_all_kinds_fit(
    index: FakeIndex, tmp_path: Path, limited: Callable[[], None], workers: int
) -> None:
    index.add("good", "1.0")
    cases = [case for case in (PAGES | BODIES).values() if isinstance(case.script, Built)]
    assert len(cases) >= PAGES_AT_ONCE
    for number, case in enumerate(cases):
        assert isinstance(case.script, Built)
        index.add(f"bad-{number}", "1.0")
        case.script.build()
        index.fault(f"/simple/bad-{number}/", case)
    mirror = Mirror(tmp_path, index.url, workers=workers, timeout=30)
    check(mirror, run(mirror, limited), 3)


def json_page(name: str) -> bytes:
    """Return a page that is as long as one may be, with nothing wrong in it."""
    url = f"/files/{'y' * 150}"
    return page(*(entry(f"{name}-1.{n}.zip", url=f"{url}/{n}") for n in range(54_000)), name=name)


def html_page(name: str) -> bytes:
    """Return the same in HTML, with a character that makes text of all of it four times as long."""
    start = f"<html><head><title>Links for {name}</title></head><body>\U0001f40d"
    anchor = f'<a href="/files/{"y" * 200}/{name}-1.%d.zip#sha256={"a" * 64}">x</a>\n'
    return (start + "".join(anchor % n for n in range(52_000)) + "</body></html>").encode()


@pytest.mark.parametrize(("make", "content_type"), [(json_page, JSON), (html_page, HTML)])
def test_eight_of_the_largest_pages_fit(
    index: FakeIndex,
    tmp_path: Path,
    limited: Callable[[], None],
    make: Callable[[str], bytes],
    content_type: str,
) -> None:
    index.add("good", "1.0")
    first = make("bad-0")
    for number in range(PAGES_AT_ONCE):
        name = f"bad-{number}"
        index.add(name, "1.0")
        content = first.replace(b"bad-0", name.encode())
        assert 15_000_000 < len(content) < 1 << 24
        packed = gzip.compress(content, 1)
        headers = {"Content-Encoding": "gzip"}
        index.fault(f"/simple/{name}/", faults.Body(packed, content_type, headers=headers))
    mirror = Mirror(tmp_path, index.url, workers=PAGES_AT_ONCE, timeout=30, filename_matches="good*")
    check(mirror, run(mirror, limited), 0)
