"""The status page in a real browser: on a phone and a desk, by day and by night, under its own policy."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import servers
from tests.clients.browser import QUIET
from tests.clients.conftest import program
from tests.clients.servers import Served
from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.missing import unable

_FRAME = """\
<!DOCTYPE html><title>measuring</title>
<iframe src="status.html" style="width: {width}px; height: 900px; border: 0"></iframe>
<script>
window.onload = () => {{
  const page = document.querySelector("iframe").contentDocument;
  const style = page.defaultView.getComputedStyle(page.body);
  const widths = [...page.querySelectorAll("svg")].map(each => each.getBoundingClientRect().width);
  const found = [page.documentElement.scrollWidth, style.backgroundColor, widths.map(Math.round)];
  document.title = JSON.stringify(found);
}};
</script>
"""


@pytest.fixture
def page(index: FakeIndex, tmp_path: Path) -> Iterator[Served]:
    """A mirror with a status page, behind http.server."""
    for name in ("six", "a-project-with-a-name-that-is-too-long-for-a-phone-and-has-no-end"):
        index.add(name, "1.0", extra_size=5000)
    mirror = Mirror(tmp_path, index.url, status_page=True)
    mirror.update()
    index.add("six", "2.0")
    mirror.update()
    for width in (390, 1280):
        (mirror.root / f"frame-{width}.html").write_text(_FRAME.format(width=width))
    with servers.http_server(mirror.root, tmp_path) as served:
        yield served


def browse(url: str, folder: Path, *more: str) -> tuple[str, str]:
    """Return a page as a browser has it, and what it says of it."""
    chromium = program("chromium") or unable("Chromium is not installed")
    command = [chromium, *QUIET, f"--user-data-dir={folder}", "--enable-logging=stderr", *more]
    ended = subprocess.run(
        [*command, url], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True
    )
    return ended.stdout.decode(), ended.stderr.decode()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_it_fits_each_screen(page: Served, tmp_path: Path, width: int, colours: str) -> None:
    more = ["--force-dark-mode"] if colours == "dark" else []
    shot = f"--screenshot={tmp_path}/status-{width}-{colours}.png"
    browse(f"{page.url}status.html", tmp_path / "profile", *more, shot, f"--window-size={width},2000")
    assert list(tmp_path.glob("*.png"))
    text, said = browse(
        f"{page.url}frame-{width}.html", tmp_path / "profile", *more, "--window-size=1400,900", "--dump-dom"
    )
    found = re.search(r"<title>\[(\d+),\"(.*?)\",\[(.*?)\]\]</title>", text)
    assert found, text
    assert int(found[1]) <= width
    assert found[2] == {"light": "rgb(246, 247, 249)", "dark": "rgb(18, 22, 28)"}[colours]
    pictures = [int(each) for each in found[3].split(",")]
    assert len(pictures) == 6
    assert all(250 < each <= width for each in pictures)
    assert "CONSOLE" not in said, said


def test_its_policy_is_in_force_and_it_asks_for_nothing_else(page: Served, tmp_path: Path) -> None:
    text, said = browse(f"{page.url}status.html", tmp_path / "profile", "--dump-dom")
    assert "<h2>In pictures</h2>" in text
    assert "CONSOLE" not in said, said
    assert {logged.path for logged in page.logged()} <= {"/status.html", "/favicon.ico"}
