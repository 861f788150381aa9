"""Pages as servers really send them, through the command: what is published, kept and told."""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import faults
from tests.distributions import make_sdist
from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.synced import Synced

MakeMirror = Callable[..., Mirror]

JSON = "application/vnd.pypi.simple.v1+json"
LIST, PAGE = "/simple/", "/simple/demo/"
LOGIN = faults.Body(
    b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>"
    b'<a href="/users/password/new">Forgot your password?</a></body></html>',
    "text/html; charset=utf-8",
)


@pytest.fixture
def html(index: FakeIndex) -> FakeIndex:
    """An index of HTML pages that say no API version, as old servers have them."""
    index.formats = ("html",)
    index.serials = False
    for version in ("1.0", "2.0"):
        index.add("demo", version, wheel=False)
    index.add("other", "1.0", wheel=False)
    return index


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synced]:
    """A mirror of `demo`, whose two files are held, of such an index."""
    with FakeIndex(formats=("html",), serials=False) as index:
        for version in ("1.0", "2.0"):
            index.add("demo", version, wheel=False)
        index.add("other", "1.0", wheel=False)
        yield Synced(tmp_path_factory.mktemp("synced"), index, package_matches="demo")


def links(*lines: str, head: str = "", end: str = "</body></html>") -> bytes:
    body = "".join(f"{line}<br/>\n" for line in lines)
    return f"<!DOCTYPE html><html><head>{head}</head><body>\n{body}{end}".encode()


def link(version: str, fragment: str = "", attributes: str = "") -> str:
    name = f"demo-{version}.tar.gz"
    return f'<a href="../../files/demo/{name}{fragment}" {attributes}>{name}</a>'


def page(index: FakeIndex, *lines: str, content_type: str = "text/html", **parts: str) -> None:
    """Let the project's page be these lines."""
    index.clear_faults()
    index.fault(PAGE, faults.Body(links(*lines, **parts), content_type))


def sha256_of(index: FakeIndex, version: str) -> str:
    (file,) = [f for f in index.files("demo") if version in f.filename]
    return hashlib.sha256(file.content).hexdigest()


def both(mirror: Mirror) -> bool:
    return {"demo-1.0.tar.gz", "demo-2.0.tar.gz"} <= mirror.listed("demo")


# -- digests never fail open --------------------------------------------------------------------

FORMS = [
    "#egg=demo-1.0&sha256={}",
    "#subdirectory=x&sha256={}&egg=demo",
    "#sha256%3D{}",
    "#egg%3Ddemo%26sha256%3D{}",
    "#SHA256={}",
    "#md5=d41d8cd98f00b204e9800998ecf8427e&sha256={}",
]


@pytest.mark.parametrize("form", FORMS)
def test_a_tampered_file_is_not_published(html: FakeIndex, make_mirror: MakeMirror, form: str) -> None:
    mirror = make_mirror(package_matches="demo")
    page(html, link("1.0", form.format("ab" * 32)), link("2.0", f"#sha256={sha256_of(html, '2.0')}"))
    ended = mirror.run("-U")
    assert ended.status == 3
    assert mirror.listed("demo") == {"demo-2.0.tar.gz"}


@pytest.mark.parametrize("form", FORMS[:-1])
def test_the_right_file_is(html: FakeIndex, make_mirror: MakeMirror, form: str) -> None:
    mirror = make_mirror(package_matches="demo")
    page(html, link("1.0", form.format(sha256_of(html, "1.0"))))
    mirror.update()
    assert mirror.listed("demo") == {"demo-1.0.tar.gz"}
    assert "without a digest" not in mirror.log


def test_a_file_listed_twice_has_the_digest_that_one_of_its_links_has(
    html: FakeIndex, make_mirror: MakeMirror
) -> None:
    mirror = make_mirror(package_matches="demo")
    page(html, link("1.0"), link("1.0", f"#sha256={'ab' * 32}"))
    assert mirror.run("-U").status == 3
    assert mirror.listed("demo") == set()


def test_two_digests_that_differ_are_a_conflict(html: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="demo")
    right = sha256_of(html, "1.0")
    page(html, link("1.0", f"#sha256={right}"), link("1.0", f"#sha256={'ab' * 32}"), link("2.0"))
    mirror.run("-U")
    assert mirror.listed("demo") == {"demo-2.0.tar.gz"}
    assert "demo-1.0.tar.gz" in mirror.log


# -- absence is proven ----------------------------------------------------------------------------


@pytest.mark.parametrize("patterns", ["*", "demo other"])
@pytest.mark.parametrize(
    "fault",
    [
        LOGIN,
        faults.Redirect("/login"),
        faults.Redirect("/users/sign_in?next=/simple/demo/"),
        faults.Body(links(), "text/html"),
        faults.Body(b"<html><form><input type=password name=p></form></html>", "text/html"),
        faults.Body(
            links('<a href="../../files/x/elsewhere-1.0.tar.gz">elsewhere-1.0.tar.gz</a>'), "text/html"
        ),
    ],
    ids=["login", "redirect", "redirect deep", "empty", "form", "another project"],
)
def test_what_proves_nothing_removes_nothing(
    html: FakeIndex, make_mirror: MakeMirror, fault: faults.Fault, patterns: str
) -> None:
    mirror = make_mirror(package_matches=patterns)
    mirror.update()
    before = mirror.tree()
    html.fault("/simple/?*", fault)
    html.fault("/login", LOGIN)
    html.fault("/users/*", LOGIN)
    ended = mirror.run("-U")
    mirror.age(25)
    later = mirror.run("-U")
    assert mirror.tree() == before
    assert later.status in (3, 4), (ended, later)
    html.clear_faults()
    mirror.age(25)  # no pause lasts longer
    mirror.update()
    assert mirror.tree() == before


@pytest.mark.parametrize("fault", [LOGIN, faults.Redirect("/login")], ids=["answered", "redirected"])
def test_a_login_page_in_place_of_the_list_is_no_list(
    html: FakeIndex, make_mirror: MakeMirror, fault: faults.Fault
) -> None:
    page = faults.Body(
        links('<a href="/login">Log in</a>', '<a href="/help">Help</a>', '<a href="register/">Register</a>'),
        "text/html",
    )
    html.fault("/login", page)
    html.fault(LIST, fault if isinstance(fault, faults.Redirect) else page)
    ended = make_mirror().run("-U")
    assert ended.status == 4


def test_a_title_that_names_the_project_proves_a_page_without_files(
    html: FakeIndex, make_mirror: MakeMirror
) -> None:
    mirror = make_mirror()
    mirror.update()
    page(html, head="<title>Links for Demo</title>")
    mirror.update()
    assert mirror.listed("demo") == set()
    assert mirror.listed("other")


@pytest.mark.parametrize("charset", ["us-ascii", "utf-8", "cp1252", "no-such-charset", "koi8-r"])
@pytest.mark.parametrize("junk", [b"\xff", b"\x81", b"\0", b"\xed\xa0\x80"])
def test_one_odd_byte_hides_nothing_behind_it(synced: Synced, charset: str, junk: bytes) -> None:
    mirror = synced.again()
    before = mirror.tree()
    filler = b"<p>" + b"x" * 70_000 + junk + b"x" * 70_000 + b"</p>"
    content = links(link("1.0")).replace(b"</body></html>", filler + links(link("2.0")))
    synced.upstream.fault(PAGE, faults.Body(content, f"text/html; charset={charset}"))
    ended = mirror.run("-U")
    assert both(mirror)
    assert ended.status in (0, 3, 4)
    assert ended.status == 0 or mirror.tree() == before


@pytest.mark.parametrize(
    "opening", ["<!-- ", "<textarea>", "<script>", "<style>", "<title>", '<a href="', "<xmp>", "<plaintext>"]
)
def test_what_swallows_the_links_behind_it_removes_nothing(synced: Synced, opening: str) -> None:
    mirror = synced.again()
    before = mirror.tree()
    page(synced.upstream, link("1.0"), opening, link("2.0"))
    mirror.run("-U")
    assert mirror.tree() == before


@pytest.mark.parametrize(
    "entry",
    [
        '<a href="ftp://example.org/demo-3.0.tar.gz">demo-3.0.tar.gz</a>',
        '<a href="file:///demo-3.0.tar.gz">demo-3.0.tar.gz</a>',
        '<a href="demo-3.0.tar.gz#sha256=xyz">demo-3.0.tar.gz</a>',
        '<a href="demo-3.0.rpm">demo-3.0.rpm</a>',
        '<a href="/help/">Help</a>',
    ],
)
def test_one_bad_link_keeps_nothing_but_itself(synced: Synced, entry: str) -> None:
    mirror = synced.again()
    page(synced.upstream, link("2.0"), entry)
    ended = mirror.run("-U")
    assert mirror.listed("demo") == {"demo-2.0.tar.gz"}
    assert ended.status in (0, 3)


@pytest.mark.parametrize(
    "content", [b"<pre>%s</pre>", b"%s", b"<html><body>%s</body></html><!--" + b"x" * 2000 + b"-->"]
)
def test_complete_pages_without_their_end_add_and_remove(
    html: FakeIndex, make_mirror: MakeMirror, content: bytes
) -> None:
    mirror = make_mirror()
    html.fault(PAGE, faults.Body(content % link("1.0").encode(), "text/html"))
    mirror.update()
    assert mirror.listed("demo") == {"demo-1.0.tar.gz"}
    html.clear_faults()
    html.fault(PAGE, faults.Body(content % link("2.0").encode(), "text/html"))
    mirror.update()
    assert mirror.listed("demo") == {"demo-2.0.tar.gz"}


def test_an_empty_project_fails_nothing(html: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror()
    html.fault(PAGE, faults.Body(links(), "text/html"))
    mirror.update()
    mirror.age(25)
    mirror.update()
    assert mirror.listed("other")


# -- JSON, entry by entry -----------------------------------------------------------------------------


def json_page(index: FakeIndex, odd: dict[str, Any], project: str = "demo", **keys: Any) -> bytes:
    files = [
        {
            "filename": file.filename,
            "url": f"../../files/{project}/{file.filename}",
            "hashes": {"sha256": hashlib.sha256(file.content).hexdigest()},
        }
        for file in index.files(project)
    ]
    files[0] |= odd
    document = {"meta": {"api-version": "1.1"}, "name": project, "files": files} | keys
    return json.dumps(document).encode()


ODD: list[dict[str, Any]] = [
    {"size": 0},
    {"size": "many"},
    {"requires-python": []},
    {"requires-python": 3},
    {"yanked": 0},
    {"yanked": None},
    {"upload-time": 17},
    {"upload-time": "yesterday"},
    {"core-metadata": 1},
    {"core-metadata": []},
    {"dist-info-metadata": "sha256=1"},
    {"provenance": {}},
    {"gpg-sig": "yes"},
]


OF_A_PAGE: list[dict[str, Any]] = [
    {"project-status": []},
    {"versions": [None]},
    {"versions": "1.0"},
    {"meta": {"api-version": 1.0}},
    {"meta": {"api-version": 1}},
    {"alternate-locations": 7},
]


def test_an_optional_field_of_a_wrong_type_costs_itself(index: FakeIndex, make_mirror: MakeMirror) -> None:
    """Each is one of another project, so that one run meets all of them."""
    names = [f"demo-{number}" for number in range(len(ODD) + len(OF_A_PAGE))]
    for name in names:
        for version in ("1.0", "2.0"):
            index.add(name, version, wheel=False)
    for name, odd in zip(names, ODD, strict=False):
        sized = {"size": float(len(index.files(name)[0].content))} | odd
        index.fault(f"/simple/{name}/", faults.Body(json_page(index, sized, name), JSON))
    for name, keys in zip(names[len(ODD) :], OF_A_PAGE, strict=True):
        content = b"\xef\xbb\xbf" + json_page(index, {}, name, **keys)
        index.fault(f"/simple/{name}/", faults.Body(content, JSON))
    mirror = make_mirror()
    mirror.update()
    for name, odd in zip(names, [*ODD, *OF_A_PAGE], strict=True):
        assert len(mirror.listed(name)) == 2, odd


UNUSABLE: list[dict[str, Any]] = [
    {"url": None},
    {"url": 7},
    {"url": "ftp://example.org/x"},
    {"filename": None},
    {"filename": ["x"]},
    {"hashes": {"sha256": "xyz"}},
    {"hashes": {"sha256": None}},
    {"hashes": "sha256"},
    {"size": -1},
]


def test_an_entry_that_can_not_be_used_costs_itself(index: FakeIndex, make_mirror: MakeMirror) -> None:
    names = [f"demo-{number}" for number in range(len(UNUSABLE))]
    for name in names:
        for version in ("1.0", "2.0"):
            index.add(name, version, wheel=False)
    mirror = make_mirror()
    mirror.update()
    for name, odd in zip(names, UNUSABLE, strict=True):
        index.touch(name)
        index.fault(f"/simple/{name}/", faults.Body(json_page(index, odd, name), JSON))
    ended = mirror.run("-U")
    assert ended.status in (0, 3)
    for name, odd in zip(names, UNUSABLE, strict=True):
        # What is held stays: its entry is there, and only can't be used.
        assert len(mirror.listed(name)) == 2, odd


def test_a_digest_that_is_null_beside_a_good_one_is_none(index: FakeIndex, make_mirror: MakeMirror) -> None:
    (file,) = index.add("demo", "1.0", wheel=False)
    digest = hashlib.sha256(file.content).hexdigest()
    content = json_page(index, {"hashes": {"md5": None, "sha256": digest}})
    index.fault(PAGE, faults.Body(content, JSON))
    mirror = make_mirror()
    mirror.update()
    assert mirror.listed("demo") == {file.filename}


def test_a_page_of_another_project_is_trouble(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("demo", "1.0", wheel=False)
    index.fault(PAGE, faults.Body(json_page(index, {}, name="other"), JSON))
    mirror = make_mirror()
    assert mirror.run("-U").status == 3


def test_our_page_stays_valid_whatever_upstream_says(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("demo", "1.0", wheel=False, upload_time="2024-01-02 03:04:05")
    index.add("demo", "2.0", wheel=False, upload_time="99999-01-02T03:04:05Z")
    index.add("demo", "3.0", wheel=False, upload_time="2024-01-02T05:04:05+02:00")
    mirror = make_mirror()
    mirror.update()
    written = json.loads((mirror.root / "demo/index.v1_json").read_bytes())
    times = {file["filename"]: file.get("upload-time") for file in written["files"]}
    assert times["demo-2.0.tar.gz"] is None
    assert times["demo-3.0.tar.gz"] in ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05.000000Z")
    assert times["demo-1.0.tar.gz"] is None


# -- addresses -----------------------------------------------------------------------------------------


def test_addresses_are_sent_as_installers_send_them(index: FakeIndex, make_mirror: MakeMirror) -> None:
    filename, content = make_sdist("demo", "1.0+local.1")
    digest = hashlib.sha256(content).hexdigest()
    index.add_file("demo", filename, content, url=f"../../files/demo/{filename}")
    html = links(f'<a href="../../files/demo/{filename}#sha256={digest}">{filename}</a>')
    index.fault(PAGE, faults.Body(html, "text/html"))
    mirror = make_mirror()
    mirror.update()
    assert mirror.listed("demo") == {filename}
    assert any("%2B" in path for path in index.downloads())
