import html.parser
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from pypimirror.model import Digest, File, HeldFile, Listed, NormalizedName, ProjectPage
from pypimirror.pages import PublishedProject, full_html, project_html, project_json, root_html, root_json
from pypimirror.simple import parse_project_list, parse_project_page
from tests.strategies import held_projects, html_texts, normalized_names, spellings, texts

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
ROOT_URL = "https://mirror.example.org/simple/"
URL = f"{ROOT_URL}demo/"
DEMO = NormalizedName("demo")
SHA256 = "ab" * 32
HOSTILE = "\"><script>alert('1')</script>&amp;{{ 7 * 7 }}</html>"


def held_of(filename: str = "demo-1.0.zip", *, metadata: str | None = None, **fields: Any) -> HeldFile:
    file = File(**({"filename": filename, "url": "https://files.example.org/x", "version": "1.0"} | fields))
    return HeldFile(file=file, sha256=SHA256, size=5, metadata=metadata)


def project_of(*files: HeldFile, **fields: Any) -> PublishedProject:
    return PublishedProject(name=DEMO, files=files, **fields)


def json_of(project: PublishedProject) -> dict[str, Any]:
    page: dict[str, Any] = json.loads(project_json(project))
    return page


def json_file(**fields: Any) -> dict[str, Any]:
    (file,) = json_of(project_of(held_of(**fields)))["files"]
    assert isinstance(file, dict)
    return file


class Anchor(NamedTuple):
    """An anchor as a client sees it."""

    attributes: dict[str, str | None]
    text: str


class Seen(NamedTuple):
    """A page as a client sees it."""

    anchors: list[Anchor]
    meta: dict[str, str]
    tags: Counter[str]


class _Parser(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen = Seen([], {}, Counter())
        self._anchor: Anchor | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.tags[tag] += 1
        attributes = dict(attrs)
        assert len(attributes) == len(attrs)
        if tag == "a":
            self._anchor = Anchor(attributes, "")
        elif tag == "meta" and "name" in attributes:
            self.seen.meta[attributes["name"] or ""] = attributes["content"] or ""

    def handle_data(self, data: str) -> None:
        if self._anchor:
            self._anchor = self._anchor._replace(text=self._anchor.text + data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            assert self._anchor
            self.seen.anchors.append(self._anchor)
            self._anchor = None


def by_standard_library(content: bytes) -> Seen:
    parser = _Parser()
    parser.feed(content.decode())
    parser.close()
    return parser.seen


def by_lxml(content: bytes) -> Seen:
    root = etree.HTML(content.decode())
    anchors = [
        Anchor({str(k): str(v) for k, v in a.attrib.items()}, "".join(str(text) for text in a.itertext()))
        for a in root.iter("a")
    ]
    meta = {str(m.get("name")): str(m.get("content")) for m in root.iter("meta") if m.get("name")}
    return Seen(anchors, meta, Counter(str(element.tag) for element in root.iter()))


@pytest.fixture(params=[by_standard_library, by_lxml])
def look(request: pytest.FixtureRequest) -> Callable[[bytes], Seen]:
    """How an HTML page is read: by either parser."""
    look: Callable[[bytes], Seen] = request.param
    return look


Look = Callable[[bytes], Seen]

EVERYTHING = held_of(
    digests=(Digest("md5", "cd" * 16), Digest("sha256", SHA256)),
    requires_python='>=3.8, <4 & "x"',
    yanked=HOSTILE,
    upload_time="2024-01-02T03:04:05.678901Z",
    provenance="https://index.example.org/p?a=1&b=2",
    core_metadata=(Digest("sha256", "ee" * 32),),
    size=5,
    metadata="ef" * 32,
)


def test_a_whole_html_page() -> None:
    page = project_html(project_of(EVERYTHING, status="archived", status_reason="a < b")).decode()
    assert page == (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="pypi:repository-version" content="1.4">\n'
        '<meta name="pypi:project-status" content="archived">\n'
        '<meta name="pypi:project-status-reason" content="a &lt; b">\n'
        "<title>Links for demo</title>\n</head>\n<body>\n<h1>Links for demo</h1>\n"
        f'<a href="demo-1.0.zip#sha256={SHA256}"'
        ' data-requires-python="&gt;=3.8, &lt;4 &amp; &#34;x&#34;"'
        f' data-core-metadata="sha256={"ef" * 32}"'
        ' data-yanked="&#34;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;'
        '&amp;amp;{{ 7 * 7 }}&lt;/html&gt;"'
        ' data-provenance="https://index.example.org/p?a=1&amp;b=2">demo-1.0.zip</a><br>\n'
        "</body>\n</html>"
    )


def test_a_whole_json_page() -> None:
    assert json_of(project_of(EVERYTHING, status="archived", status_reason="a < b")) == {
        "meta": {"api-version": "1.4"},
        "name": "demo",
        "files": [
            {
                "filename": "demo-1.0.zip",
                "url": "demo-1.0.zip",
                "hashes": {"md5": "cd" * 16, "sha256": SHA256},
                "size": 5,
                "requires-python": '>=3.8, <4 & "x"',
                "core-metadata": {"sha256": "ef" * 32},
                "yanked": HOSTILE,
                "upload-time": "2024-01-02T03:04:05.678901Z",
                "provenance": "https://index.example.org/p?a=1&b=2",
            }
        ],
        "versions": ["1.0"],
        "project-status": {"status": "archived", "reason": "a < b"},
    }


# SERVING.md, section 1


def test_item_08_one_anchor_a_project(look: Look) -> None:
    page = b"".join(
        root_html(
            [
                Listed(NormalizedName("six"), "six", None),
                Listed(NormalizedName("zope-interface"), "Zope.Interface", None),
            ]
        )
    )
    assert look(page).anchors == [
        Anchor({"href": "six/"}, "six"),
        Anchor({"href": "zope-interface/"}, "Zope.Interface"),
    ]
    assert page.startswith(b"<!DOCTYPE html>\n")


@pytest.mark.parametrize("text", ["a\0b", "a\x01b", "a\x1bb", "a\x7fb", "a\x85b", "a\ufdd0b", "a\uffffb"])
def test_item_08_valid_html_has_no_control_characters(text: str) -> None:
    held = held_of(yanked=text, requires_python=text)
    page = project_html(project_of(held, status="archived", status_reason=text)).decode()
    assert text[1] not in page


@pytest.mark.parametrize(
    "page", [project_html(project_of()), b"".join(root_html([])), b"".join(full_html([]))]
)
def test_item_09_version_of_the_api(page: bytes, look: Look) -> None:
    assert look(page).meta == {"pypi:repository-version": "1.4"}


@pytest.mark.parametrize(
    "filename", ["demo-1.0.zip", "a b.zip", "x;y=1?&#%2f.zip", "\u00e4\u6f22.zip", "a<b>\"'.zip", "c:x.zip"]
)
def test_item_10_the_text_is_the_last_component_of_the_address(filename: str, look: Look) -> None:
    (anchor,) = look(project_html(project_of(held_of(filename)))).anchors
    path, _, _ = (anchor.attributes["href"] or "").partition("#")
    assert anchor.text == unquote(path) == filename
    assert re.fullmatch(r"[A-Za-z0-9_.~%-]+", path)


def test_item_11_one_sha256_in_the_fragment(look: Look) -> None:
    digests = (Digest("blake2b", "cd" * 64), Digest("md5", "cd" * 16))
    (anchor,) = look(project_html(project_of(held_of(digests=digests)))).anchors
    assert anchor.attributes == {"href": f"demo-1.0.zip#sha256={SHA256}"}


@pytest.mark.parametrize("filename", ["demo-1.0.zip", "demo-1.0-py3-none-any.whl"])
def test_item_12_requires_python(filename: str, look: Look) -> None:
    page = project_html(project_of(held_of(filename, requires_python='>=3.8,<4 & "x"')))
    assert b'data-requires-python="&gt;=3.8,&lt;4 &amp; &#34;x&#34;"' in page
    assert look(page).anchors[0].attributes["data-requires-python"] == '>=3.8,<4 & "x"'


@pytest.mark.parametrize("yanked", ["", "why", HOSTILE])
def test_item_13_yanked(yanked: str, look: Look) -> None:
    assert (
        look(project_html(project_of(held_of(yanked=yanked)))).anchors[0].attributes["data-yanked"] == yanked
    )


def test_item_13_not_yanked() -> None:
    assert b"data-yanked" not in project_html(project_of(held_of()))


def test_item_14_core_metadata(look: Look) -> None:
    page = project_html(project_of(held_of(metadata="ef" * 32)))
    assert look(page).anchors[0].attributes["data-core-metadata"] == f"sha256={'ef' * 32}"


def test_item_14_no_core_metadata_that_is_not_there() -> None:
    assert b"metadata" not in project_html(project_of(held_of(core_metadata=())))


def test_item_15_no_signatures() -> None:
    project = project_of(EVERYTHING)
    assert b"gpg-sig" not in project_html(project) + project_json(project)


def test_item_16_provenance_is_an_https_address(look: Look) -> None:
    address = "https://index.example.org/p?a=1&b=2"
    (anchor,) = look(project_html(project_of(held_of(provenance=address)))).anchors
    assert anchor.attributes["data-provenance"] == address


@pytest.mark.parametrize("status", ["archived", "quarantined", "deprecated"])
def test_item_17_project_status(status: str, look: Look) -> None:
    page = project_html(project_of(status=status, status_reason=HOSTILE))
    assert look(page).meta == {
        "pypi:repository-version": "1.4",
        "pypi:project-status": status,
        "pypi:project-status-reason": HOSTILE,
    }


def test_item_17_nothing_special(look: Look) -> None:
    assert look(project_html(project_of())).meta == {"pypi:repository-version": "1.4"}


def test_item_18_html_is_frozen(look: Look) -> None:
    (anchor,) = look(project_html(project_of(EVERYTHING))).anchors
    known = {"href", "data-requires-python", "data-yanked", "data-core-metadata", "data-provenance"}
    assert set(anchor.attributes) == known


def test_item_19_no_private_keys_but_our_own() -> None:
    page = json_of(project_of(EVERYTHING))
    root = json.loads(b"".join(root_json([Listed(DEMO, "Demo", "page:0123")])))
    assert page["meta"] == root["meta"] == {"api-version": "1.4"}
    assert not [key for key in (*page, *root, *page["files"][0]) if key.startswith("_")]
    assert root["projects"] == [{"name": "Demo", "_pypimirror": "page:0123"}]


@pytest.mark.parametrize(
    ("projects", "shown"),
    [
        ([], []),
        ([Listed(DEMO, "Demo", None)], [{"name": "Demo"}]),
        (
            [Listed(DEMO, HOSTILE, None), Listed(NormalizedName("x"), "X", None)],
            [{"name": HOSTILE}, {"name": "X"}],
        ),
    ],
)
def test_item_20_root_page(projects: list[Listed], shown: list[dict[str, str]]) -> None:
    assert json.loads(b"".join(root_json(projects))) == {"meta": {"api-version": "1.4"}, "projects": shown}


def test_item_21_project_page() -> None:
    assert json_of(project_of()) == {
        "meta": {"api-version": "1.4"},
        "name": "demo",
        "files": [],
        "versions": [],
    }


@pytest.mark.parametrize("reason", [None, HOSTILE])
def test_item_21_project_status(reason: str | None) -> None:
    status = {"status": "archived"} | ({"reason": reason} if reason else {})
    assert json_of(project_of(status="archived", status_reason=reason))["project-status"] == status


def test_item_22_versions() -> None:
    files = [
        ("a.zip", "1.10"),
        ("b.zip", "1.9"),
        ("c.zip", "1.9"),
        ("d.zip", None),
        ("e.zip", "2.0rc1"),
        ("f.zip", "old"),
    ]
    page = json_of(project_of(*(held_of(name, version=version) for name, version in files)))
    assert page["versions"] == ["old", "1.9", "1.10", "2.0rc1"]


def test_item_23_a_file_with_nothing_said() -> None:
    assert json_file() == {
        "filename": "demo-1.0.zip",
        "url": "demo-1.0.zip",
        "hashes": {"sha256": SHA256},
        "size": 5,
    }


@pytest.mark.parametrize(("yanked", "said"), [("", True), ("why", "why")])
def test_item_23_yanked(yanked: str, said: object) -> None:
    assert json_file(yanked=yanked)["yanked"] == said


@pytest.mark.parametrize("filename", ["a b.zip", "x;y=1?&#%2f.zip", "c:x.zip", "\u00e4.zip"])
def test_item_23_addresses(filename: str) -> None:
    url = json_file(filename=filename)["url"]
    assert re.fullmatch(r"[A-Za-z0-9_.~%-]+", url)
    assert unquote(url) == filename


def test_item_23_size_is_that_of_the_file_held() -> None:
    assert json_file(size=None)["size"] == 5


def test_item_24_no_dist_info_metadata() -> None:
    assert b"dist-info-metadata" not in project_json(project_of(EVERYTHING))


def test_item_25_nothing_is_null() -> None:
    files = (held_of(), EVERYTHING)
    for project in (project_of(), project_of(*files), project_of(status="archived")):
        assert b"null" not in project_json(project)


# Order, and the other pages


def test_files_are_sorted_by_version_and_name() -> None:
    files = [
        held_of("b.zip", version="1.10"),
        held_of("z.zip", version="1.9"),
        held_of("c.zip", version=None),
        held_of("a.zip", version="1.10"),
        held_of("d.zip", version="2.0.dev1"),
    ]
    shown = [file["filename"] for file in json_of(project_of(*files))["files"]]
    assert shown == ["c.zip", "z.zip", "a.zip", "b.zip", "d.zip"]


def test_versions_of_another_spelling_do_not_depend_on_the_order() -> None:
    files = [
        held_of(f"{number}.zip", version=version)
        for number, version in enumerate(["1.0", "v1", "1", "1.0.0"])
    ]
    pages = {project_json(project_of(*order)) for order in itertools.permutations(files)}
    assert len(pages) == 1


def test_digests_do_not_depend_on_the_order() -> None:
    digests = (Digest("md5", "cd" * 16), Digest("sha256", SHA256), Digest("sha512", "cd" * 64))
    pages = {project_json(project_of(held_of(digests=order))) for order in itertools.permutations(digests)}
    assert len(pages) == 1


def test_full_html(look: Look) -> None:
    projects = [
        PublishedProject(name=NormalizedName("a"), files=(held_of("b b.zip"), held_of("a.zip"))),
        PublishedProject(name=NormalizedName("b"), files=()),
        PublishedProject(name=NormalizedName("c"), files=(held_of("<c>.zip"),)),
    ]
    assert look(b"".join(full_html(projects))).anchors == [
        Anchor({"href": f"a/a.zip#sha256={SHA256}"}, "a.zip"),
        Anchor({"href": f"a/b%20b.zip#sha256={SHA256}"}, "b b.zip"),
        Anchor({"href": f"c/%3Cc%3E.zip#sha256={SHA256}"}, "<c>.zip"),
    ]


def test_a_long_root_page_comes_in_blocks() -> None:
    projects = [Listed(NormalizedName(f"p{number:05}"), f"P{number:05}", None) for number in range(10_000)]
    blocks = list(root_html(iter(projects)))
    assert len(blocks) > 1
    assert max(map(len, blocks)) < 1 << 20
    entries = parse_project_list(blocks, HTML, ROOT_URL)
    assert [entry.name for entry in entries] == [project.display_name for project in projects]


# Properties


_STATUSES = st.none() | st.sampled_from(["archived", "quarantined", "deprecated"])


@st.composite
def _projects(draw: st.DrawFn, text: st.SearchStrategy[str]) -> PublishedProject:
    status = draw(_STATUSES)
    reason = None if status is None else draw(st.none() | text)
    return project_of(*draw(held_projects(text=text)), status=status, status_reason=reason)


def as_read(project: PublishedProject, *, is_html: bool) -> ProjectPage:
    """Say what a reader of the project's page has to see."""
    return ProjectPage(
        files=tuple(sorted((_as_read(held, is_html=is_html) for held in project.files), key=_name)),
        status=project.status,
        status_reason=project.status_reason,
        project=project.name,
        links=() if is_html else None,
    )


def _as_read(held: HeldFile, *, is_html: bool) -> File:
    digests = {} if is_html else dict(held.file.digests)
    return msgspec.structs.replace(
        held.file,
        url=held.file.filename,
        digests=tuple(sorted(Digest(a, v) for a, v in (digests | {"sha256": held.sha256}).items())),
        size=None if is_html else held.size,
        core_metadata=None if held.metadata is None else (Digest("sha256", held.metadata),),
        upload_time=None if is_html else held.file.upload_time,
    )


def _name(file: File) -> str:
    return file.filename


def read(content: bytes, content_type: str) -> ProjectPage:
    """Read a page back; files by name, with the last component of their address."""
    page = parse_project_page(content, content_type, URL, DEMO)
    for file in page.files:
        assert file.url.startswith(URL)
    local = (msgspec.structs.replace(f, url=unquote(f.url.removeprefix(URL))) for f in page.files)
    return msgspec.structs.replace(page, files=tuple(sorted(local, key=_name)))


@settings(deadline=None)
@given(_projects(texts()))
def test_json_is_read_as_it_was_rendered(project: PublishedProject) -> None:
    assert read(project_json(project), JSON) == as_read(project, is_html=False)


@settings(deadline=None)
@given(_projects(html_texts()))
def test_html_is_read_as_it_was_rendered(project: PublishedProject) -> None:
    assert read(project_html(project), HTML) == as_read(project, is_html=True)


@settings(deadline=None)
@given(_projects(texts()))
def test_no_text_makes_markup(project: PublishedProject) -> None:
    page = project_html(project)
    for seen in (by_standard_library(page), by_lxml(page)):
        assert set(seen.tags) <= {"html", "head", "meta", "title", "body", "h1", "a", "br"}
        assert [anchor.text for anchor in seen.anchors] == [
            file["filename"] for file in json_of(project)["files"]
        ]
        assert seen.tags["meta"] == 2 + (project.status is not None) + bool(project.status_reason)
        for anchor in seen.anchors:
            assert set(anchor.attributes) <= {
                "href",
                "data-requires-python",
                "data-core-metadata",
                "data-yanked",
                "data-provenance",
            }


@settings(deadline=None)
@given(_projects(html_texts()))
def test_both_parsers_see_the_same(project: PublishedProject) -> None:
    page = project_html(project)
    one, other = by_standard_library(page), by_lxml(page)
    assert (one.anchors, one.meta) == (other.anchors, other.meta)


@settings(deadline=None)
@given(_projects(html_texts()))
def test_both_representations_list_the_same_files(project: PublishedProject) -> None:
    files = json_of(project)["files"]
    assert [(f["filename"], f["url"], f["hashes"]["sha256"], f.get("requires-python")) for f in files] == [
        (
            anchor.text,
            *(anchor.attributes["href"] or "").split("#sha256="),
            anchor.attributes.get("data-requires-python"),
        )
        for anchor in by_standard_library(project_html(project)).anchors
    ]


@settings(deadline=None)
@given(_projects(texts()), st.data())
def test_any_order_gives_the_same_bytes(project: PublishedProject, data: st.DataObject) -> None:
    turned = msgspec.structs.replace(project, files=tuple(data.draw(st.permutations(project.files))))
    assert project_html(turned) == project_html(project)
    assert project_json(turned) == project_json(project)
    assert b"".join(full_html([turned])) == b"".join(full_html([project]))


@settings(deadline=None)
@given(_projects(texts()))
def test_versions_are_those_of_the_files(project: PublishedProject) -> None:
    versions = json_of(project)["versions"]
    assert len(versions) == len(set(versions))
    assert set(versions) == {held.file.version for held in project.files} - {None}


@settings(deadline=None)
@given(st.lists(normalized_names(), max_size=5, unique=True), st.data())
def test_root_pages_are_read_as_they_were_rendered(names: list[NormalizedName], data: st.DataObject) -> None:
    projects = [Listed(name, data.draw(spellings(name)), None) for name in sorted(names)]
    for chunks, content_type in ((root_html(projects), HTML), (root_json(projects), JSON)):
        entries = parse_project_list(chunks, content_type, ROOT_URL)
        assert [entry.name for entry in entries] == [project.display_name for project in projects]
