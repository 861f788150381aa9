"""The links of the project list, resolved as browsers do: a project lies directly below the list."""

import pytest

from pypimirror.errors import BadPageError
from pypimirror.model import ListEntry
from pypimirror.simple import parse_project_list

LIST = "https://index.example.org/a/simple/"


def entries(body: str, url: str = LIST, asked: str | None = None) -> list[ListEntry]:
    return list(parse_project_list([f"<html>{body}</html>".encode()], "text/html", url, asked=asked or url))


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("six/", f"{LIST}six/"),
        ("six", f"{LIST}six"),
        ("./six/", f"{LIST}six/"),
        ("/a/simple/six/", f"{LIST}six/"),
        ("../simple/six/", f"{LIST}six/"),
        ("six/index.html", f"{LIST}six/index.html"),
        ("/a/simple/six/index.htm", f"{LIST}six/index.htm"),
        ("https://index.example.org/a/simple/six/", f"{LIST}six/"),
        ("http://index.example.org:8080/a/simple/six/", f"{LIST}six/"),
        ("//INDEX.example.org/a/simple/six/", f"{LIST}six/"),
        ("six/#x", f"{LIST}six/"),
        ("six/?format=html", f"{LIST}six/?format=html"),
        ("%73ix/", f"{LIST}six/"),
    ],
)
def test_projects(href: str, url: str) -> None:
    assert entries(f'<a href="{href}">six</a>') == [ListEntry("six", url=url)]


@pytest.mark.parametrize(
    "href",
    [
        *("", "#top", "?C=N;O=D", "./", "../", "../../", "/", "/a/", "/a/simple/", "/a/simple", "index.html"),
        *(
            "https://other.example.org/a/simple/six/",
            "/six/",
            "/b/simple/six/",
            "six/six/",
            "six/1.0/index.html",
        ),
        *("mailto:six", "javascript:six", "ftp://index.example.org/a/simple/six/", "//[x/six/", "../six/"),
        *("robots.txt", "style.css", "favicon.ico", "six-1.0.zip", "six-1.0.tbz", "list.json"),
    ],
)
def test_no_projects(href: str) -> None:
    assert entries(f'<a href="{href}">six</a>') == []


def test_the_name_as_shown() -> None:
    assert [e.name for e in entries('<a href="zope-event/">Zope.Event</a><a href="Foo.Bar/">x</a>')] == [
        "Zope.Event",
        "Foo.Bar",
    ]


@pytest.mark.parametrize(
    ("base", "href", "count"),
    [
        ("https://index.example.org/a/simple/", "six/", 1),
        ("/a/", "simple/six/", 1),
        ("/elsewhere/", "six/", 0),
        ("https://other.example.org/a/simple/", "six/", 0),
        ("https://[x/", "six/", 1),
    ],
)
def test_a_base(base: str, href: str, count: int) -> None:
    assert len(entries(f'<base href="{base}"><a href="{href}">six</a>')) == count


@pytest.mark.parametrize("url", [f"{LIST}index.html", LIST[:-1] + "/?x=1"])
def test_other_addresses_of_a_list(url: str) -> None:
    assert entries('<a href="six/">six</a>', url, asked=LIST) == [ListEntry("six", url=f"{LIST}six/")]


def test_a_list_without_its_slash() -> None:
    assert entries('<a href="simple/six/">six</a>', LIST[:-1]) == [ListEntry("six", url=f"{LIST}six/")]


def test_a_list_at_the_root() -> None:
    found = entries('<a href="six/">six</a>', "https://index.example.org")
    assert found == [ListEntry("six", url="https://index.example.org/six/")]


@pytest.mark.parametrize(
    "url", ["https://index.example.org/login", f"{LIST}login/", "https://index.example.org/"]
)
def test_a_list_that_leads_elsewhere_is_none(url: str) -> None:
    with pytest.raises(BadPageError, match="set index_url"):
        entries('<a href="six/">six</a>', url, asked=LIST)


@pytest.mark.parametrize(
    "body",
    [
        "<form><input name=user><input type=password></form>",
        "<title>Sign in</title>",
        "<h1>Please log in</h1>",
        "<title>404 Not Found</title>",
    ],
)
def test_a_login_page_is_no_list(body: str) -> None:
    with pytest.raises(BadPageError, match="no project list"):
        entries(f'{body}<a href="forgot/">a</a><a href="about/">b</a><a href="help/">c</a>')
