"""People look at the pages, too: in a real browser they are what they say, with links that work."""

import re
import subprocess
from pathlib import Path

from tests.clients.conftest import program
from tests.clients.servers import Served
from tests.mirror import anchors
from tests.missing import unable

_QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

_LINK = re.compile(r'<a href="([^"]+)"[^>]*>([^<]*)</a>')


def seen(url: str, folder: Path) -> str:
    """Return a page as a browser has it after reading it."""
    chromium = program("chromium") or unable("Chromium is not installed")
    command = [chromium, *_QUIET, f"--user-data-dir={folder}", "--dump-dom", url]
    ended = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=True,
    )
    return ended.stdout.decode()


def test_a_browser_finds_its_way(served: Served, tree: Path, tmp_path: Path) -> None:
    root = seen(served.url, tmp_path / "profile")
    links = _LINK.findall(root)
    assert [text for _, text in links] == [text for _, text, _ in anchors(tree / "index.html")]
    (href,) = [href for href, text in links if text == "Zope.Event"]
    page = seen(served.url + href, tmp_path / "profile")
    assert "<h1>Links for zope-event</h1>" in page
    files = _LINK.findall(page)
    assert [text for _, text in files] == [text for _, text, _ in anchors(tree / "zope-event/index.html")]
    for file, text in files:
        assert served.ask(href + file.partition("#")[0]).body == (tree / "zope-event" / text).read_bytes()
