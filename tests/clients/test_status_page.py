"""The status page in a real browser: on a phone and a desk, by day and by night, under its own policy."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.clients import servers
from tests.clients.browser import Tab
from tests.clients.servers import Served
from tests.fake_index import FakeIndex
from tests.mirror import Mirror

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
PICTURES = "[...document.querySelectorAll('svg')].map(each => each.getBoundingClientRect().width)"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A mirror with a status page, behind http.server."""
    folder = tmp_path_factory.mktemp("told")
    with FakeIndex() as index:
        for name in ("six", "a-project-with-a-name-that-is-too-long-for-a-phone-and-has-no-end"):
            index.add(name, "1.0", extra_size=5000)
        mirror = Mirror(folder, index.url, status_page=True)
        mirror.update()
        index.add("six", "2.0")
        mirror.update()
    with servers.http_server(mirror.root, folder) as served:
        yield served


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_it_fits_each_screen(page: Served, tab: Tab, pictures: Path, width: int, colours: str) -> None:
    tab.show(width=width, is_dark=colours == "dark")
    tab.open(f"{page.url}status.html")
    tab.keep(pictures / f"status-{width}-{colours}.png")
    assert tab.run("innerWidth") == width
    assert tab.run(OVERFLOW) == 0
    assert tab.run(BACKGROUND) == {"light": "rgb(246, 247, 249)", "dark": "rgb(18, 22, 28)"}[colours]
    widths = tab.run(PICTURES)
    assert len(widths) == 6
    assert all(250 < round(each) <= width for each in widths)
    assert tab.complaints == []


def test_its_policy_is_in_force_and_it_asks_for_nothing_else(page: Served, tab: Tab) -> None:
    page.logged()
    tab.open(f"{page.url}status.html")
    assert "In pictures" in tab.run("[...document.querySelectorAll('h2')].map(each => each.textContent)")
    assert tab.complaints == []
    assert {urlsplit(url).path for url in tab.requested} == {"/status.html"}
    assert {logged.path for logged in page.logged()} <= {"/status.html", "/favicon.ico"}
