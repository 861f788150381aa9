"""What the printed configurations make of nginx and Apache, request by request (SERVING.md, section 5)."""

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import servers
from tests.clients.conftest import require_apache, require_nginx
from tests.clients.servers import Served
from tests.fake_index import FakeIndex

JSON, HTML = "application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html"
LATEST_JSON, LATEST_HTML = (kind.replace("v1", "latest") for kind in (JSON, HTML))
PIP = f"{JSON}, {HTML}; q=0.1, text/html; q=0.01"
PAGES = "max-age=60, must-revalidate"
FILES = "public, max-age=31536000, immutable"
WHEEL = "zope-event/zope_event-5.1-py3-none-any.whl"


@pytest.fixture(scope="module")
def one_tree(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree in which one project has no JSON page, and one file is signed."""
    copied = shutil.copytree(tree, tmp_path_factory.mktemp("one") / "a tree", symlinks=True)
    (copied / "sdist-only/index.v1_json").unlink()
    (copied / f"{WHEEL}.provenance").write_text("{}")
    (copied / f"{WHEEL}.asc").write_text("-----BEGIN PGP SIGNATURE-----")
    return copied


@pytest.fixture(
    scope="module",
    params=[
        *("nginx", "nginx-prefix", "nginx-changing"),
        *("location", "location-prefix", "location-changing"),
        *("Apache", "Apache-prefix", "htaccess"),
    ],
)
def site(
    request: pytest.FixtureRequest, one_tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The tree behind each server, at its root and below a path."""
    server, _, variant = request.param.partition("-")
    folder = tmp_path_factory.mktemp(request.param)
    prefix = "/python/simple" if variant == "prefix" else ""
    options = "replace_changed_files = True\n" if variant == "changing" else ""
    if server in ("nginx", "location"):
        serving = servers.nginx(
            require_nginx(),
            one_tree,
            folder,
            prefix=prefix,
            options=options,
            is_location=server == "location",
        )
    else:
        is_htaccess = server == "htaccess"
        serving = servers.apache(require_apache(), one_tree, folder, prefix=prefix, is_htaccess=is_htaccess)
    with serving as served:
        served.name = request.param
        yield served


def is_htaccess(site: Served) -> bool:
    return site.name == "htaccess"


def is_a_whole_host(site: Served) -> bool:
    return not site.name.startswith(("location", "htaccess"))


def location(site: Served, path: str, **headers: str) -> str:
    """Return where a redirect leads to, below the address."""
    reply = site.ask(path, headers)
    assert reply.status == 301, path
    target = reply.headers["Location"]
    base = site.url if "://" in target else "/" + site.url.split("/", 3)[3]
    assert target.startswith(base)
    return target.removeprefix(base)


@pytest.mark.parametrize("path", ["", "zope-event/", "run/", "index-html/"])
@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (PIP, JSON),
        (f"{JSON}, */*;q=0.1", JSON),
        (JSON, JSON),
        (JSON.upper(), JSON),
        (LATEST_JSON, JSON),
        (f"text/html, {JSON};q=0.001", JSON),
        (f"{JSON};q=0", "text/html"),
        (f"{JSON}; q=0.0, text/html", "text/html"),
        (f"{JSON};q=0.000,{HTML}", HTML),
        (HTML, HTML),
        (LATEST_HTML, HTML),
        (f"{HTML};q=0, text/html", "text/html"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("text/html", "text/html"),
        ("*/*", "text/html"),
        ("application/json", "text/html"),
        ("application/vnd.pypi.simple.v2+json", "text/html"),
        (None, "text/html"),
    ],
)
def test_the_accept_header_chooses_the_page(
    site: Served, path: str, accept: str | None, expected: str
) -> None:
    for method in ("GET", "HEAD"):
        reply = site.ask(path, {"Accept": accept} if accept else {}, method)
        expected = "text/html" if is_htaccess(site) and expected == HTML else expected
        assert (reply.status, reply.content_type) == (200, expected)
        assert "accept" in reply.vary
        assert reply.headers["Cache-Control"] == PAGES
        if method == "GET":
            assert reply.body.startswith(b"{" if expected == JSON else b"<!DOCTYPE html>")
        else:
            assert reply.body == b""


@pytest.mark.parametrize(
    ("form", "accept", "expected"),
    [
        (JSON, "text/html", JSON),
        (JSON.replace("+", "%2B"), "text/html", JSON),
        (LATEST_JSON, "*/*", JSON),
        ("text/html", PIP, "text/html"),
        (HTML, PIP, HTML),
        ("", PIP, JSON),
    ],
)
def test_format_wins_over_accept(site: Served, form: str, accept: str, expected: str) -> None:
    reply = site.ask(f"zope-event/?format={form}", {"Accept": accept})
    expected = "text/html" if is_htaccess(site) and expected == HTML else expected
    assert (reply.status, reply.content_type) == (200, expected)


def test_a_missing_json_page_gives_the_html_page(site: Served) -> None:
    reply = site.ask("sdist-only/", {"Accept": PIP})
    assert reply.status == 200
    assert reply.content_type in ("text/html", HTML)
    assert b"sdist_only-0.5.tar.gz" in reply.body


@pytest.mark.parametrize("accept", [PIP, HTML, "text/html"])
@pytest.mark.parametrize(
    "path", ["not-mirrored/", "not-mirrored", "six/none-1.0.zip", "zope-event/none.whl", "robots.txt"]
)
def test_what_is_not_there_is_404(site: Served, path: str, accept: str) -> None:
    assert site.ask(path, {"Accept": accept}).status == 404


@pytest.mark.parametrize("name", ["zope-event", "run", "x" * 60])
def test_a_name_without_its_slash_leads_to_the_page(site: Served, name: str) -> None:
    assert location(site, name, Accept=PIP) == f"{name}/"


@pytest.mark.parametrize(
    ("spelled", "normalized"),
    [
        ("ZOPE.Event", "zope-event"),
        ("zope_event", "zope-event"),
        ("zope-_.event", "zope-event"),
        ("ZOPE-EVENT", "zope-event"),
        ("products.cmfplone", "products-cmfplone"),
        ("a.b.c", "a-b-c"),
        ("A-b_c", "a-b-c"),
        ("INDEX-HTML", "index-html"),
        ("RUN", "run"),
    ],
)
@pytest.mark.parametrize("accept", [PIP, HTML, "*/*"])
def test_other_spellings_lead_to_the_page(site: Served, spelled: str, normalized: str, accept: str) -> None:
    if not is_a_whole_host(site):  # which can't make letters small: there are links, under the names as shown
        assert site.ask(f"{spelled}/").status == 404
        return
    assert location(site, f"{spelled}/", Accept=accept) == f"{normalized}/"
    assert location(site, spelled, Accept=accept) == f"{normalized}/"


@pytest.mark.parametrize("shown", ["Zope.Event", "Products.CMFPlone", "A__b--c"])
def test_names_as_shown_are_there(site: Served, shown: str) -> None:
    reply = site.ask(f"{shown}/", {"Accept": PIP})
    assert (reply.status, reply.content_type) == (200, JSON)
    assert location(site, shown) == f"{shown}/"


@pytest.mark.parametrize("path", ["index.html", "zope-event/index.html"])
def test_pages_may_be_asked_for_by_name(site: Served, path: str) -> None:
    reply = site.ask(path)
    assert (reply.status, reply.content_type) == (200, "text/html")
    reply = site.ask(path.replace("html", "v1_json"))
    assert (reply.status, reply.content_type) == (200, JSON)


def test_files_come_as_they_are(site: Served, upstream: FakeIndex) -> None:
    cached = PAGES if "changing" in site.name else FILES
    for file in upstream.files("zope-event"):
        reply = site.ask(
            f"zope-event/{file.filename}", {"Accept-Encoding": "gzip, deflate, br", "Accept": "*/*"}
        )
        assert (reply.status, reply.body) == (200, file.content)
        assert reply.content_type == "application/octet-stream"
        assert reply.headers["Content-Encoding"] is None
        assert reply.headers["Cache-Control"] == cached
        assert reply.headers["Content-Length"] == str(len(file.content))


@pytest.mark.parametrize(
    ("suffix", "content_type", "cached"),
    [
        (".metadata", "text/plain", FILES),
        (".provenance", "application/json", PAGES),
        (".asc", "text/plain", PAGES),
    ],
)
def test_companions_have_their_types(site: Served, suffix: str, content_type: str, cached: str) -> None:
    reply = site.ask(WHEEL + suffix, {"Accept-Encoding": "gzip"})
    assert (reply.status, reply.content_type) == (200, content_type)
    assert reply.headers["Content-Encoding"] is None
    assert reply.headers["Cache-Control"] == (PAGES if "changing" in site.name else cached)


def test_head_of_a_file(site: Served, upstream: FakeIndex) -> None:
    reply = site.ask(WHEEL, method="HEAD")
    assert (reply.status, reply.body) == (200, b"")
    assert int(reply.headers["Content-Length"]) == len(upstream.files("zope-event")[2].content)


@pytest.mark.parametrize(
    ("asked", "part"),
    [("bytes=0-9", slice(0, 10)), ("bytes=-20", slice(-20, None)), ("bytes=30-", slice(30, None))],
)
def test_ranges_of_a_file(site: Served, upstream: FakeIndex, asked: str, part: slice) -> None:
    whole = site.ask(WHEEL)
    content = whole.body
    assert whole.headers["Accept-Ranges"] == "bytes"
    reply = site.ask(WHEEL, {"Range": asked})
    assert (reply.status, reply.body) == (206, content[part])
    assert site.ask(WHEEL, {"Range": f"bytes={len(content)}-"}).status == 416


@pytest.mark.parametrize("encoding", [None, "gzip"])
@pytest.mark.parametrize("accept", [PIP, HTML, "text/html"])
@pytest.mark.parametrize("path", ["", "zope-event/"])
def test_an_unchanged_page_is_304(site: Served, path: str, accept: str, encoding: str | None) -> None:
    headers = {"Accept": accept} | ({"Accept-Encoding": encoding} if encoding else {})
    first = site.ask(path, headers)
    plain = gzip.decompress(first.body) if first.headers["Content-Encoding"] == "gzip" else first.body
    assert plain == site.ask(path, {"Accept": accept}).body
    for name, validator in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")):
        again = site.ask(path, headers | {name: first.headers[validator]})
        assert (again.status, again.body) == (304, b"")


def test_large_pages_travel_packed(site: Served) -> None:
    if is_htaccess(site):  # which can't keep the ETag of what is packed
        assert site.ask("", {"Accept": PIP, "Accept-Encoding": "gzip"}).headers["Content-Encoding"] is None
        return
    reply = site.ask("", {"Accept": PIP, "Accept-Encoding": "gzip"})
    assert reply.headers["Content-Encoding"] == "gzip" or len(reply.body) < 1000
    page = site.ask("zope-event/", {"Accept": PIP, "Accept-Encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"
    assert "accept-encoding" in page.vary


@pytest.mark.parametrize("accept", ["*/*", PIP])
@pytest.mark.parametrize(
    "path",
    [
        ".pypimirror",
        ".pypimirror/",
        ".pypimirror/state.sqlite",
        ".pypimirror/pypimirror.log",
        "%2epypimirror/state.sqlite",
        "/.pypimirror/state.sqlite",
        "zope-event/../.pypimirror/state.sqlite",
        "zope-event/%2e%2e/.pypimirror/state.sqlite",
        "./.pypimirror/state.sqlite",
        ".htaccess",
        "zope-event/.hidden",
    ],
)
def test_dot_files_are_hidden(site: Served, one_tree: Path, path: str, accept: str) -> None:
    assert (one_tree / ".pypimirror/state.sqlite").is_file()
    assert site.ask(path, {"Accept": accept}).status in (403, 404)


@pytest.mark.parametrize(
    "path", ["etc/passwd", "../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "run/../../etc/passwd"]
)
def test_nothing_outside_is_served(site: Served, path: str) -> None:
    assert site.ask(path).status in (400, 403, 404)


def test_a_path_is_served_alone(site: Served) -> None:
    origin = Served(site.name, "/".join(site.url.split("/")[:3]) + "/", Path())
    if not site.name.endswith("prefix"):
        assert origin.ask("zope-event/").status == 200
        return
    assert origin.ask("zope-event/").status == 404
    assert origin.ask("python/simple").headers["Location"].endswith("/python/simple/")
    assert origin.ask("python/simpler/").status == 404


@pytest.mark.parametrize("server", ["nginx", "Apache"])
@pytest.mark.parametrize("prefix", ["", "/python/simple"])
def test_the_way_to_the_upstream_can_be_opened(
    one_tree: Path, tmp_path_factory: pytest.TempPathFactory, server: str, prefix: str
) -> None:
    """By taking away the comments, as the printed text says."""
    folder = tmp_path_factory.mktemp(server)

    def opened(text: str) -> str:
        return text.replace("# return 302", "return 302").replace("#Rewrite", "Rewrite")

    if server == "nginx":
        serving = servers.nginx(require_nginx(), one_tree, folder, prefix=prefix, edit=opened)
    else:
        serving = servers.apache(require_apache(), one_tree, folder, prefix=prefix, edit=opened)
    with serving as site:
        reply = site.ask("not-mirrored/", {"Accept": PIP})
        assert (reply.status, reply.headers["Location"]) == (
            302,
            "https://index.example.org/simple/not-mirrored/",
        )
        assert site.ask("zope-event/", {"Accept": PIP}).content_type == JSON
        assert location(site, "zope_EVENT/") == "zope-event/"
        assert location(site, "Not_Mirrored/") == "not-mirrored/"
        assert site.ask("zope-event/none.whl").status == 404
        assert site.ask(".pypimirror/state.sqlite").status == 404
