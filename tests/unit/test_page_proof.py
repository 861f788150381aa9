"""Whose page it is: what proves it, and what shows that it is none."""

import json

import pytest

from pypimirror.errors import BadPageError
from pypimirror.filenames import is_file_of, is_of_another
from pypimirror.model import NormalizedName, ProjectPage
from pypimirror.simple import parse_project_page

JSON = "application/vnd.pypi.simple.v1+json"
LIST = "https://index.example.org/simple/"
URL = f"{LIST}foo-bar/"
NAME = NormalizedName("foo-bar")
FILE = '<a href="foo_bar-1.0.tar.gz">x</a>'


def read(body: str, url: str = URL, name: NormalizedName = NAME) -> ProjectPage:
    return parse_project_page(f"<html>{body}</html>".encode(), "text/html", url, name)


@pytest.mark.parametrize(
    "title",
    [
        "Links for foo-bar",
        "Links for Foo.Bar",
        "foo_bar",
        "Simple index: foo-bar",
        "foo-bar - Links",
        "root/pypi: simple list (including inherited indices) for foo-bar",
        "root/pypi: links for foo-bar",
        "Directory listing for /simple/foo-bar/",
        "Index of /simple/foo-bar/",
        "Index of /pypi/simple/Foo.Bar",
        "Package Index: foo-bar",
        "All versions of foo-bar",
    ],
)
@pytest.mark.parametrize("tag", ["title", "h1", "h3"])
def test_titles_of_indexes_name_the_project(title: str, tag: str) -> None:
    page = read(f"<{tag}>{title}</{tag}><a href='../'>..</a>")
    assert (page.project, page.files) == (NAME, ())


@pytest.mark.parametrize(
    "title",
    [
        "Links for foo",
        "Links for foo-bar-baz",
        "Sign in to foo-bar",
        "foo-bar is down",
        "Welcome",
        "",
        "Log in",
        "Index of /simple/",
    ],
)
def test_other_titles_do_not(title: str) -> None:
    with pytest.raises(BadPageError):
        read(f"<title>{title}</title><h1>{title}</h1><a href='/forgot'>Forgot your password?</a>")


@pytest.mark.parametrize(
    "body",
    [
        "<a href='/users/password/new'>Forgot your password?</a>",
        "<form><input type=password></form>",
        f"<form><input type='Password'></form>{FILE}",
        f"<form><input autocomplete='current-password'></form>{FILE}",
        "<a href='/a'>a</a><a href='/b'>b</a><a href='x.txt'>x</a>",
        "<a href='foo-1.0.tar.gz'>another project's</a>",
    ],
)
def test_a_login_page_is_no_page(body: str) -> None:
    with pytest.raises(BadPageError, match="no page of the project foo-bar"):
        read(body)


def test_a_file_proves_it() -> None:
    assert read(FILE).project == NAME
    assert read('<a href="ftp://x.example.org/foo.bar-1.0.zip">x</a>').project == NAME
    assert read('<a rel="download" href="https://x.example.org/foo-bar-1.0.zip">x</a>').project == NAME


def test_a_version_of_the_api_proves_it() -> None:
    assert read('<meta name="pypi:repository-version" content="1.0">').project == NAME


@pytest.mark.parametrize(
    ("url", "is_own"),
    [
        (URL, True),
        (URL[:-1], True),
        (f"{URL}index.html", True),
        (f"{URL}index.htm?x=1", True),
        (f"{LIST}Foo.Bar/", True),
        (f"{LIST}foo%2Dbar//", True),
        ("https://cdn.example.org/x/foo-bar/index.html", True),
        (f"{LIST}login", False),
        (f"{LIST}users/sign_in", False),
        (f"{URL}login", False),
        (LIST, False),
        ("https://index.example.org", False),
        (f"{LIST}foo/", False),
        (f"{LIST}?next=/simple/foo-bar/", False),
    ],
)
def test_only_the_project_s_own_address_proves(url: str, is_own: bool) -> None:
    expected = NAME if is_own else None
    page = read(f"<h1>Links for foo-bar</h1>{FILE}", url)
    assert (page.project, len(page.files)) == (expected, 1)
    content = b'{"meta":{"api-version":"1.0"},"name":"Foo.Bar","files":[]}'
    assert parse_project_page(content, JSON, url, NAME).project == expected


def test_a_page_of_nothing() -> None:
    assert read("<p>empty</p>") == ProjectPage(files=(), links=())
    with pytest.raises(BadPageError):
        read("<p>empty</p>", f"{LIST}login")


def test_files_of_other_projects_are_passed_over_where_no_title_names_the_project() -> None:
    other = '<a href="foo-1.0.tar.gz">x</a>'
    page = read(FILE + other)
    assert [file.filename for file in page.files] == ["foo_bar-1.0.tar.gz"]
    assert page.skipped == ("1 of another project by its name ('foo-1.0.tar.gz')",)
    assert page.unusable == {"foo-1.0.tar.gz"}
    assert len(read(f"<h1>Links for foo-bar</h1>{FILE}{other}").files) == 2


def test_json_without_a_name_proves_nothing() -> None:
    files = [{"filename": name, "url": name} for name in ("foo-bar-1.0.zip", "other-1.0.zip")]
    content = json.dumps({"meta": {"api-version": "1.0"}, "files": files}).encode()
    page = parse_project_page(content, JSON, URL, NAME)
    assert (page.project, [file.filename for file in page.files]) == (None, ["foo-bar-1.0.zip"])


@pytest.mark.parametrize(
    ("filename", "project", "is_one", "is_other"),
    [
        ("foo-1.0.tar.gz", "foo", True, False),
        ("Foo.Bar-1.0.zip", "foo-bar", True, False),
        ("foo_bar-1.0-py3-none-any.whl", "foo-bar", True, False),
        ("foo_bar-1.0-1-py3-none-any.whl", "foo-bar", True, False),
        ("foo_bar-1.0-py2.7.egg", "foo-bar", True, False),
        ("foo-1.0.win32-py2.7.exe", "foo", True, False),
        ("foo-1.0-2.noarch.rpm", "foo", True, False),
        ("foo-2004-beta.zip", "foo", True, False),
        ("foo-bar-1.0.tar.gz", "foo", False, False),
        ("foo-bar-1.0-py3-none-any.whl", "foo", False, False),
        ("foo-2-1.0.tar.gz", "foo", False, False),
        ("foo-beta.tar.gz", "foo", False, False),
        ("foo_bar-1.0-py3-none-any.whl", "foo", False, True),
        ("foobar-1.0.zip", "foo", False, True),
        ("foo.zip", "foo", False, True),
        ("login.zip", "foo", False, True),
    ],
)
def test_whose_file_it_is(filename: str, project: str, is_one: bool, is_other: bool) -> None:
    assert (is_file_of(filename, project), is_of_another(filename, project)) == (is_one, is_other)
