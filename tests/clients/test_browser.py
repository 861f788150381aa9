"""People look at the pages, too: in a real browser they are what they say, with links that work.

Pictures of them are kept in the folder that PYPIMIRROR_SCREENSHOTS names, or among pytest's temporary files.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pypimirror.model import Listed, NormalizedName
from pypimirror.pages import PageTotals, Style, root_html
from tests.clients import servers
from tests.clients.browser import Tab
from tests.clients.servers import Served
from tests.distributions import make_wheel
from tests.fake_index import FakeIndex
from tests.mirror import Mirror, anchors

TRAP = "<img src=x onerror=alert(1)> href=https://evil.example.org/ <script>document.title = 'taken'</script>"
LONG = "a-project-with-a-name-that-is-longer-than-anybody-would-like-to-type-and-has-no-end-in-sight"

# What can be seen, as a person would read it off.
ANCHORS = "[...document.querySelectorAll('a')].map(each => [each.getAttribute('href'), each.textContent])"
VISIBLE = (
    "[...document.querySelectorAll('a')].filter(each => each.checkVisibility()).map(each => each.textContent)"
)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
COLORS = "(style => [style.color, style.backgroundColor])(getComputedStyle(document.body))"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    """A mirror with all that pages can show, at an address that it is told of."""
    with FakeIndex() as index:
        for number in range(3):
            index.add("Zope.Event", f"{number}.0", requires_python=">=3.8,<4")
        index.add("Zope.Event", "2.1", yanked=TRAP)
        for tags in ("cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64", "cp39-cp39-macosx_11_0_arm64"):
            _, wheel = make_wheel("Zope.Event", "2.0")
            index.add_file("Zope.Event", f"zope_event-2.0-{tags}.whl", wheel)
        index.project("Zope.Event").status = "archived"
        index.project("Zope.Event").status_reason = TRAP
        for name in ("zope.interface", "six", "Products.CMFPlone", LONG):
            index.add(name, "1.0")
        made = Mirror(tmp_path_factory.mktemp("seen"), index.url, base_url="https://pypi.example.org/")
        made.update()
        yield made


@pytest.fixture(scope="module")
def served(mirror: Mirror, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with servers.http_server(mirror.root, tmp_path_factory.mktemp("http.server")) as served:
        yield served


def test_a_browser_finds_its_way(mirror: Mirror, served: Served, tab: Tab) -> None:
    tab.open(served.url)
    links = tab.run(ANCHORS)
    assert [text for _, text in links] == [text for _, text, _ in anchors(mirror.root / "index.html")]
    (href,) = [href for href, text in links if text == "Zope.Event"]
    tab.open(served.url + href)
    assert tab.run("document.querySelector('h1').textContent") == "Zope.Event"
    files = tab.run(ANCHORS)
    assert [text for _, text in files] == [
        text for _, text, _ in anchors(mirror.root / "zope-event/index.html")
    ]
    for file, text in files:
        assert (
            served.ask(href + file.partition("#")[0]).body == (mirror.root / "zope-event" / text).read_bytes()
        )


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("path", ["", "zope-event/", f"{LONG}/"], ids=["root", "project", "long"])
def test_a_page_fits_and_is_quiet(
    served: Served, tab: Tab, pictures: Path, path: str, width: int, *, is_dark: bool
) -> None:
    tab.show(width=width, is_dark=is_dark)
    tab.open(served.url + path)
    tab.keep(pictures / f"{path.strip('/')[:20] or 'root'}-{width}-{'dark' if is_dark else 'light'}.png")
    assert tab.run(OVERFLOW) == 0
    assert tab.run("innerWidth") == width
    text, back = (brightness(color) for color in tab.run(COLORS))
    assert (text > back) == is_dark
    assert contrast(text, back) > 7
    assert tab.complaints == []
    assert {urlsplit(url).netloc for url in tab.requested} == {urlsplit(served.url).netloc}
    assert len(tab.requested) == 1


def brightness(color: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    channels = [int(part) / 255 for part in color.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: float, other: float) -> float:
    low, high = sorted((one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("path", "selector"),
    [
        ("", "a"),
        ("zope-event/", "a"),
        ("zope-event/", "td + td"),
        ("zope-event/", "i"),
        ("zope-event/", "th"),
    ],
)
def test_everything_can_be_read(served: Served, tab: Tab, path: str, selector: str, *, is_dark: bool) -> None:
    tab.show(width=1280, is_dark=is_dark)
    tab.open(served.url + path)
    of_text = tab.run(f"getComputedStyle(document.querySelector('{selector}')).color")
    of_page = tab.run("getComputedStyle(document.body).backgroundColor")
    assert contrast(brightness(of_text), brightness(of_page)) > 4.5


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_the_search_field_can_be_seen(served: Served, tab: Tab, *, is_dark: bool) -> None:
    """WCAG 2.2, 1.4.11: what one types into has an edge that stands out by three to one."""
    tab.show(width=1280, is_dark=is_dark)
    tab.open(served.url)
    edge = tab.run("getComputedStyle(document.querySelector('input')).borderTopColor")
    back = tab.run("getComputedStyle(document.body).backgroundColor")
    assert contrast(brightness(edge), brightness(back)) > 3


def test_a_project_page_tells_what_there_is(served: Served, tab: Tab) -> None:
    tab.show(width=1280, is_dark=False)
    tab.open(f"{served.url}zope-event/")
    read = tab.run("document.body.innerText")
    assert "4 versions, 10 files, " in read
    assert "last upload 2024-01-02" in read
    assert "pip install --index-url https://pypi.example.org/ zope-event\n" in read
    assert "wheel for Linux x86-64 (glibc 2.17), Python 3.12" in read
    assert f"archived: do not expect new releases. Reason given: {TRAP}" in read
    rows = tab.run("[...document.querySelectorAll('tr')].map(row => row.innerText.split('\\t'))")
    assert rows[0] == ["File", "Type", "Size", "Uploaded", "Python"]
    assert rows[1][0].strip() == f"zope_event-2.1.tar.gz\nYanked: {TRAP}"
    assert [row[0] for row in rows[3:7]] == [
        "zope_event-2.0.tar.gz",
        "zope_event-2.0-py3-none-any.whl",
        "zope_event-2.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "zope_event-2.0-cp39-cp39-macosx_11_0_arm64.whl",
    ]
    assert rows[4][1:] == ["wheel for any system, Python 3", rows[4][2], "2024-01-02", ">=3.8,<4"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("zope", ["Zope.Event", "zope.interface"]),
        ("ZOPE_ev", ["Zope.Event"]),
        ("cmf prod", ["Products.CMFPlone"]),
        ("no-such-thing", []),
    ],
)
def test_the_field_finds_a_name_as_one_types(served: Served, tab: Tab, typed: str, found: list[str]) -> None:
    tab.open(served.url)
    everything = tab.run(VISIBLE)
    tab.run("document.querySelector('input').focus()")
    tab.type(typed)
    assert tab.run(VISIBLE) == found
    assert tab.run("document.querySelector('output').textContent") == f"{len(found)} found"
    for _ in typed:
        tab.press("Backspace")
    tab.settle()
    assert tab.run(VISIBLE) == everything
    assert tab.run("document.querySelector('output').textContent") == ""
    assert tab.complaints == []


def test_enter_opens_the_first_that_was_found(served: Served, tab: Tab) -> None:
    tab.open(served.url)
    tab.run("document.querySelector('input').focus()")
    tab.type("interf")
    tab.wait_for_page(lambda: tab.press("Enter"))
    assert tab.run("location.pathname") == "/zope-interface/"


def test_the_field_keeps_up_with_20000_names(tab: Tab, pictures: Path, tmp_path: Path) -> None:
    """Counted, not timed: a key changes few elements, and what is out of sight is not laid out."""
    names = [
        f"{first}-{second}-{number}" for first in "abcdefghij" for second in "klmno" for number in range(400)
    ]
    listed = [Listed(NormalizedName(name), name, None) for name in sorted(names)]
    look = Style(is_styled=True, most_projects=50_000, most_files=1000)
    page = b"".join(root_html(listed, PageTotals(20_000, 40_000, 123_456_789_012), look))
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/index.html").write_bytes(page)
    (tmp_path / "log").mkdir()
    with servers.http_server(tmp_path / "tree", tmp_path / "log") as served:
        tab.show(width=1280, is_dark=False)
        tab.open(served.url)
        assert tab.run("document.querySelectorAll('a').length") == 20_000
        tab.run(
            "globalThis.changes = 0; new MutationObserver(all => { changes += all.length })"
            ".observe(document.body, {subtree: true, attributes: true});"
            "document.querySelector('input').focus()"
        )
        changed: list[Any] = []
        for typed, found in (("c", 2000), ("-", 2000), ("m", 400), ("-", 400), ("3", 111), ("9", 11)):
            tab.run("changes = 0")
            tab.type(typed)
            assert tab.run(VISIBLE + ".length") == found
            changed.append(tab.run("changes"))
        assert changed[0] < 500
        assert sum(changed[1:]) < 2000
        tab.keep(pictures / "search.png")
        tab.run("document.querySelector('input').select()")
        tab.press("Backspace")
        tab.settle()
        last = "getComputedStyle(document.querySelector('ul:last-of-type'))"
        assert tab.run(f"{last}.contentVisibility") == "auto"


def test_the_policy_lets_nothing_else_run(mirror: Mirror, tab: Tab, tmp_path: Path) -> None:
    """Somebody who gets markup into a page gets no script, style, picture, form or frame with it."""
    injected = (
        "<script>globalThis.taken = 1</script><style>body{color:red}</style>"
        "<img src='x.png' onerror='taken=2'>"
        "<iframe src='six/'></iframe><base href='https://evil.example.org/'>"
    )
    (tmp_path / "tree").mkdir()
    for path in ("index.html", "zope-event/index.html"):
        page = (mirror.root / path).read_text("utf-8").replace("<h1>", f"{injected}<h1>")
        (tmp_path / "tree" / path).parent.mkdir(exist_ok=True)
        (tmp_path / "tree" / path).write_text(page, "utf-8")
    (tmp_path / "log").mkdir()
    with servers.http_server(tmp_path / "tree", tmp_path / "log") as served:
        for path in ("", "zope-event/"):
            tab.open(served.url + path)
            assert tab.run("globalThis.taken === undefined")
            assert tab.run(COLORS)[0] != "rgb(255, 0, 0)"
            assert tab.run("document.baseURI") == served.url + path
            assert all("Content Security Policy" in each for each in tab.complaints)
            assert len(tab.complaints) >= 4
            tab.show(width=1280, is_dark=False)
