"""What a page may say is bounded, and what it costs grows with its length alone."""

import json
import time
import tracemalloc
from collections.abc import Callable

import pytest

from pypimirror.errors import BadPageError
from pypimirror.model import NormalizedName, ProjectPage
from pypimirror.simple import Demands, parse_project_page

JSON = "application/vnd.pypi.simple.v1+json"
URL = "https://index.example.org/simple/demo/"
DEMO = NormalizedName("demo")


def html(content: str) -> ProjectPage:
    return parse_project_page(content.encode(), "text/html", URL, DEMO, Demands(end=False))


def in_json(**keys: object) -> ProjectPage:
    page = {"meta": {"api-version": "1.0"}, "name": "demo", "files": []} | keys
    return parse_project_page(json.dumps(page).encode(), JSON, URL, DEMO)


@pytest.mark.parametrize(
    ("content", "reason"),  # made when it is their turn, as they are long
    [
        (lambda: "<a name=x>" * 200_001, "more than 200,000 links"),
        (lambda: "<a href=x></a>" * 200_001, "more than 200,000 links"),
        (lambda: "<br>" * 2_000_001, "more than 2,000,000 elements"),
        (lambda: "<b>" * 100_000 + "<i></p></i>" * 100_000, "too deep"),
        (lambda: "<base href='/" + "x" * 5000 + "/'><a href=demo-1.0.zip>", "own address is too long"),
        (
            lambda: "<base href='/" + "x" * 5_000_000 + "/'>" + "<a href=demo-1.0.zip>" * 2000,
            "longer than 1,048,576",
        ),
        (lambda: "<a " + " ".join(f"a{n}" for n in range(300_000)) + ">", "longer than 1,048,576"),
        (lambda: "<div>" * 900 + "</p>" * 1_000_000, "longer than 1,048,576"),
        (
            lambda: (
                "<base href='/"
                + "x" * 1900
                + "/'>"
                + "".join(f"<a href=demo-{n}.zip>" for n in range(20_000))
            ),
            "longer than 33,554,432 characters together",
        ),
    ],
)
def test_html_that_is_too_much(content: Callable[[], str], reason: str) -> None:
    with pytest.raises(BadPageError, match=reason):
        html(content())


def test_json_that_is_too_much() -> None:
    with pytest.raises(BadPageError, match="more than 1,000,000 values"):
        in_json(versions=["1"] * 1_000_001)
    with pytest.raises(BadPageError, match="more than 200,000 files"):
        in_json(files=[{"filename": "demo-1.0.zip", "url": "x"}] * 200_001)


def test_anchors_that_nobody_closes_are_not_within_each_other() -> None:
    assert len(html("".join(f"<p><a href=demo-1.{n}.zip>x" for n in range(3000))).files) == 3000
    assert len(html("".join(f"<a href=demo-1.{n}.zip>x<br>\n" for n in range(3000))).files) == 3000


def test_of_the_refused_the_first_are_told_and_the_rest_counted() -> None:
    files = [{"filename": f"demo-{n}.zip", "url": "ftp://x/y"} for n in range(50)]
    page = in_json(files=files)
    assert (len(page.refused), page.more_refused, len(page.unusable)) == (20, 30, 50)


def test_a_file_with_too_long_an_address_is_refused_by_itself() -> None:
    for length in (2000, 3000, 100_000):
        page = html(f'<a href="{"x" * length}/demo-1.0.zip">x</a><a href=demo-2.0.zip>x</a>')
        assert ([f.filename for f in page.files], set(page.unusable)) == (["demo-2.0.zip"], {"demo-1.0.zip"})


def test_an_address_of_a_page_is_bounded() -> None:
    with pytest.raises(BadPageError) as told:
        parse_project_page(b"<a href=demo-1.0.zip>", "text/html", URL + "x" * 2000, DEMO)
    assert told.value.reason == "its own address is too long"


def test_what_means_nothing_in_an_index_is_not_kept() -> None:
    junk = "y" * 500_000
    content = "".join(
        f'<a href="demo-1.{n}.zip" class="{junk}" data-x="{junk}">x</a>' for n in range(20)
    ).encode()
    tracemalloc.start()
    page = parse_project_page(content, "text/html", URL, DEMO, Demands(end=False))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(page.files) == 20
    assert peak < 2 * len(content)


def _seconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(3):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best


@pytest.mark.parametrize(
    "part",
    [
        '<a href="demo-1.{n}.zip#a=b&c=d">x</a>',
        '<a href="../x/{n}">x</a>',
        "<h1>{n}</h1>",
        "</html>{n}<",
        "<!-- {n} </html> -->",
        '<a href="demo-1.0.zip" data-yanked="&amp;&amp;{n}">x</a>',
        "<b></p></i>{n}</b>",
    ],
)
def test_twice_the_page_takes_twice_the_time(part: str) -> None:
    def of(count: int) -> Callable[[], object]:
        content = "<title>demo</title>" + "".join(part.format(n=n) for n in range(count))
        return lambda: html(content)

    assert _seconds(of(4_000)) < 3 * _seconds(of(2_000)) + 0.05
