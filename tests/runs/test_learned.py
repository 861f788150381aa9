"""What was learned of an address holds for that address alone, and what is seen outranks it."""

from collections.abc import Callable

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.index_pages import PageOptions, project_html, project_json
from tests.mirror import Mirror

MakeMirror = Callable[..., Mirror]

JSON, HTML = "application/vnd.pypi.simple.v1+json", "text/html"
LIST, PAGE = "/simple/", "/simple/six/"
ROOT = b"<html><head><title>Simple index</title></head><body>%b</body></html>"


def options(index: FakeIndex) -> PageOptions:
    return PageOptions(
        api_version="1.0",
        serials=False,
        core_metadata=False,
        files_url=f"{index.origin}/files",
        serial_comment=False,
    )


def html_of(index: FakeIndex, name: str) -> faults.Body:
    """Return a project's page as older indexes write it."""
    page = project_html(index.project(name), options(index))
    return faults.Body(page.replace(b'name="pypi:repository-version"', b'name="generator"'), HTML)


def json_of(index: FakeIndex, name: str) -> faults.Body:
    return faults.Body(project_json(index.project(name), options(index)), JSON)


@pytest.fixture(autouse=True)
def projects(index: FakeIndex) -> None:
    index.serials = False
    for name in ("attrs", "six"):
        index.add(name, "1.0")


# -- JSON used to come ---------------------------------------------------------------------------


def test_a_project_in_html_works_beside_one_in_json(index: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror()
    index.formats = ("html",)
    index.fault("/simple/attrs/", faults.Redirect("/elsewhere/attrs/"))
    index.fault("/elsewhere/attrs/", json_of(index, "attrs"))
    index.fault(PAGE, html_of(index, "six"))
    for _ in range(3):
        mirror.update()
        assert len(mirror.listed("six")) == len(mirror.listed("attrs")) == 2


def test_an_html_root_works_beside_pages_in_json(index: FakeIndex, make_mirror: MakeMirror) -> None:
    links = b"".join(b'<a href="%b/">%b</a>' % (name, name) for name in (b"attrs", b"six"))
    index.fault(LIST, faults.Body(ROOT % links, HTML))
    mirror = make_mirror()
    for _ in range(3):
        mirror.update()
        assert mirror.projects() == ["attrs", "six"]


def test_html_where_json_used_to_come_is_trouble_until_a_full_check(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    mirror = make_mirror()
    mirror.update()
    index.fault(PAGE, html_of(index, "six"))
    assert mirror.run("-U").status == 3
    assert mirror.run("-I").status == 0
    mirror.update()


# -- where the list's links lead -------------------------------------------------------------------


def test_the_links_of_the_list_are_followed(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.fault(LIST, faults.Body(ROOT % b'<a href="attrs/index.html">attrs</a><a href="Six/">Six</a>', HTML))
    index.fault("/simple/attrs/index.html", json_of(index, "attrs"))
    index.fault("/simple/Six/", json_of(index, "six"))
    index.fault("/simple/attrs/", faults.Status(404))
    index.fault(PAGE, faults.Status(404))
    mirror = make_mirror()
    mirror.update()
    assert len(mirror.listed("six")) == len(mirror.listed("attrs")) == 2
    index.clear()
    assert mirror.run("-U", "--project", "six").status == 0
    assert index.paths() == ["/simple/Six/"]


def test_the_usual_address_is_asked_where_the_link_of_the_list_leads_nowhere(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.fault(LIST, faults.Body(ROOT % b'<a href="attrs/">attrs</a><a href="Six/">Six</a>', HTML))
    index.fault("/simple/Six/", faults.Status(404))
    mirror = make_mirror()
    mirror.update()
    assert len(mirror.listed("six")) == 2


def test_another_index_is_not_asked_at_the_addresses_of_the_old_one(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.fault(LIST, faults.Body(ROOT % b'<a href="attrs/">attrs</a><a href="Six/">Six</a>', HTML))
    index.fault("/simple/Six/", json_of(index, "six"))
    mirror = make_mirror()
    mirror.update()
    with FakeIndex() as other:
        for name in ("attrs", "six"):
            other.add(name, "1.0")
        mirror.index_url = other.url
        mirror.configure(package_matches="attrs six")
        mirror.update()
        assert {path for path in other.paths() if "/simple/" in path} == {"/simple/attrs/", PAGE}


# -- folders without files --------------------------------------------------------------------------


APACHE = b"""<html><head><title>Index of /simple/empty</title></head>
<body><h1>Index of /simple/empty</h1><a href="/simple/">Parent Directory</a></body></html>"""
PLAIN = b"""<html><head><title>Directory listing for /simple/empty/</title></head>
<body><ul></ul></body></html>"""
BARE = b"<html><body></body></html>"
NGINX = b'<html><head><title>Links for empty</title></head><body><a href="../">../</a></body></html>'


@pytest.mark.parametrize("page", [APACHE, PLAIN, BARE, NGINX])
def test_an_empty_folder_is_the_same_whatever_server_lists_it(
    index: FakeIndex, make_mirror: MakeMirror, page: bytes
) -> None:
    index.formats = ("html",)
    index.add_project("empty")
    index.fault("/simple/empty/", faults.Body(page, HTML))
    mirror = make_mirror()
    for _ in range(2):
        mirror.update()
        assert mirror.projects() == ["attrs", "empty", "six"]
        assert mirror.listed("empty") == set()
