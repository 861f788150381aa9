import html
import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypimirror.errors import BadPageError
from pypimirror.model import Digest, File, Link, ListEntry, NormalizedName, ProjectPage
from pypimirror.simple import download_url, parse_links, parse_project_list, parse_project_page
from tests.strategies import project_names

HTML = "application/vnd.pypi.simple.v1+html"
LIST = "https://index.example.org/simple/"
URL = f"{LIST}demo/"
DEMO = NormalizedName("demo")
SHA256 = "ab" * 32


def read(content: str | bytes, content_type: str = "text/html; charset=utf-8", url: str = URL) -> ProjectPage:
    raw = content.encode() if isinstance(content, str) else content
    return parse_project_page(raw, content_type, url, DEMO)


def page_of(*lines: str, head: str = "") -> ProjectPage:
    body = "\n".join(lines)
    return read(f"<!DOCTYPE html>\n<html><head>{head}</head>\n<body>\n{body}\n</body></html>\n")


def link(attributes: str = "", href: str = "demo-1.0.zip") -> str:
    return f'<a href="{href}" {attributes}>demo-1.0.zip</a><br/>'


def html_page(**fields: Any) -> ProjectPage:
    return ProjectPage(**({"links": (), "project": DEMO} | fields))


def file_of(attributes: str = "", href: str = "demo-1.0.zip") -> File:
    (file,) = page_of(link(attributes, href)).files
    return file


def demo(**fields: Any) -> File:
    return File(**({"filename": "demo-1.0.zip", "url": f"{URL}demo-1.0.zip", "version": "1.0"} | fields))


def names_of(*chunks: str, content_type: str = HTML) -> list[str]:
    encoded = (chunk.encode() for chunk in chunks)
    return [entry.name for entry in parse_project_list(encoded, content_type, LIST)]


def test_a_page_as_pypi_writes_it() -> None:
    page = page_of(
        "<h1>Links for demo</h1>",
        f'<a href="https://files.example.org/x/demo-1.0.tar.gz#sha256={SHA256}"'
        ' data-requires-python="&gt;=3.8"'
        f' data-dist-info-metadata="sha256={SHA256}" data-core-metadata="sha256={SHA256}"'
        ' data-provenance="https://index.example.org/p"'
        ' data-yanked="bad &quot;x&quot;" >demo-1.0.tar.gz</a><br />',
        "</body></html>",
        "<!--SERIAL 12345-->",
        head='<meta name="pypi:repository-version" content="1.4">'
        '<meta name="pypi:project-status" content="archived">',
    )
    file = File(
        filename="demo-1.0.tar.gz",
        url="https://files.example.org/x/demo-1.0.tar.gz",
        digests=(Digest("sha256", SHA256),),
        version="1.0",
        requires_python=">=3.8",
        yanked='bad "x"',
        core_metadata=(Digest("sha256", SHA256),),
        provenance="https://index.example.org/p",
    )
    assert page == html_page(files=(file,), status="archived")


def test_a_comment_after_the_end() -> None:
    page = f"<!DOCTYPE html><html><body>{link()}</body></html>\n<!--SERIAL 1-->\n"
    assert read(page) == html_page(files=(demo(),))


@pytest.mark.parametrize(
    "content",
    [
        "<html><body><a href=demo-1.0.zip>x</a></body></html>",
        "<HTML><BODY><A HREF='demo-1.0.zip'>x</A></BODY></HTML>",
        "<a href=demo-1.0.zip>x</html>",
        "<html><p><a href=demo-1.0.zip>x<p></html >",
        '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><a href="demo-1.0.zip"/></html>',
        "<html><table><tr><td><a href=demo-1.0.zip><b>x</b></a></td></tr></table></html>",
        "<html><a name=x></a><a href=''>e</a><a href='#x'>f</a><a href=demo-1.0.zip>x</a></html>",
        "<html><a href='../'>up</a><a href=demo-1.0.zip>x</a></html>",
        "<html><!-- <a href=demo-2.0.zip>no</a> --><a href=\n demo-1.0.zip \n>x</a></html>",
    ],
)
def test_html_as_servers_write_it(content: str) -> None:
    assert read(content) == html_page(files=(demo(),))


@pytest.mark.parametrize(
    "content_type", ["text/html", HTML, "TEXT/HTML;charset=ascii", "application/xhtml+xml"]
)
def test_types(content_type: str) -> None:
    assert read(f"<html>{link()}</html>", content_type) == html_page(files=(demo(),))


@pytest.mark.parametrize(
    "content_type", ["application/vnd.pypi.simple.v2+html", "text/plain", "application/xml", ""]
)
def test_other_types(content_type: str) -> None:
    with pytest.raises(BadPageError):
        read(f"<html>{link()}</html>", content_type)


@pytest.mark.parametrize("version", ["2.0", "", "x"])
def test_another_major_version_is_no_page(version: str) -> None:
    with pytest.raises(BadPageError, match="API version"):
        page_of(link(), head=f'<META NAME="PyPI:repository-version" CONTENT="{version}">')


@pytest.mark.parametrize(
    ("head", "href", "url"),
    [
        ("", "demo-1.0.zip", f"{URL}demo-1.0.zip"),
        ("", "../../f/demo-1.0.zip", "https://index.example.org/f/demo-1.0.zip"),
        ("", "/f/demo-1.0.zip?a=1&amp;b=2#x", "https://index.example.org/f/demo-1.0.zip?a=1&b=2"),
        ("", "//files.example.org/demo-1.0.zip", "https://files.example.org/demo-1.0.zip"),
        ("", "demo&#45;1.0&period;zip", f"{URL}demo-1.0.zip"),
        ("", "%64emo-1.0.zip", f"{URL}demo-1.0.zip"),
        (
            '<base href="https://files.example.org/x/">',
            "demo-1.0.zip",
            "https://files.example.org/x/demo-1.0.zip",
        ),
        ('<base href="../x/">', "demo-1.0.zip", "https://index.example.org/simple/x/demo-1.0.zip"),
        ('<BASE HREF="/y/"><base href="/z/">', "demo-1.0.zip", "https://index.example.org/y/demo-1.0.zip"),
        ('<base target="x">', "demo-1.0.zip", f"{URL}demo-1.0.zip"),
    ],
)
def test_addresses(head: str, href: str, url: str) -> None:
    assert page_of(link(href=href), head=head) == html_page(files=(demo(url=url),))


@pytest.mark.parametrize("base", ["https://[x/", "file:///etc/", "javascript:0"])
def test_a_bad_base_costs_no_more_than_what_depends_on_it(base: str) -> None:
    other = "https://files.example.org/demo-2.0.zip"
    page = page_of(link(), link(href=other), head=f'<base href="{base}">')
    assert [file.url for file in page.files if file.filename == "demo-2.0.zip"] == [other]


@pytest.mark.parametrize("href", ["file:///f/demo-1.0.zip", "ftp://x/demo-1.0.zip", "//[x/demo-1.0.zip"])
def test_a_file_at_another_kind_of_address_is_refused(href: str) -> None:
    page = page_of(link(href=href), link(href="demo-2.0.zip"))
    assert [file.filename for file in page.files] == ["demo-2.0.zip"]
    assert len(page.refused) == 1


@pytest.mark.parametrize(
    ("fragment", "digests"),
    [
        ("", ()),
        ("#", ()),
        ("#sha256", ()),
        ("#sha256=" + "ab" * 32, (Digest("sha256", "ab" * 32),)),
        ("#SHA256=" + "AB" * 32, (Digest("sha256", "ab" * 32),)),
        ("#md5=" + "cd" * 16, (Digest("md5", "cd" * 16),)),
        ("#sha512=" + "cd" * 64, (Digest("sha512", "cd" * 64),)),
        ("#blake2b_256=" + "cd" * 32, (Digest("blake2b_256", "cd" * 32),)),
        ("#egg=demo", ()),
        ("#sha256=" + "ab" * 32 + "&amp;egg=demo", (Digest("sha256", "ab" * 32),)),
    ],
)
def test_fragments(fragment: str, digests: tuple[Digest, ...]) -> None:
    assert file_of(href=f"demo-1.0.zip{fragment}") == demo(digests=digests)


@pytest.mark.parametrize(
    ("attributes", "yanked"),
    [
        ("", None),
        ("data-yanked", ""),
        ('data-yanked=""', ""),
        ('data-yanked="why &lt;b&gt; &amp;amp;"', "why <b> &amp;"),
        ("DATA-YANKED='x'", "x"),
    ],
)
def test_yanked(attributes: str, yanked: str | None) -> None:
    assert file_of(attributes) == demo(yanked=yanked)


@pytest.mark.parametrize(
    ("attributes", "offer"),
    [
        ("", None),
        ('data-core-metadata="true"', ()),
        ('data-core-metadata="false"', None),
        (f'data-core-metadata="sha256={SHA256}"', (Digest("sha256", SHA256),)),
        ('data-dist-info-metadata="true"', ()),
        (f'data-dist-info-metadata="sha256={SHA256}"', (Digest("sha256", SHA256),)),
        (f'data-core-metadata="true" data-dist-info-metadata="sha256={SHA256}"', ()),
        (f'data-core-metadata="false" data-dist-info-metadata="sha256={SHA256}"', None),
        ('data-core-metadata="sha256=nonsense"', ()),
    ],
)
def test_core_metadata(attributes: str, offer: tuple[Digest, ...] | None) -> None:
    assert file_of(attributes) == demo(core_metadata=offer)


@pytest.mark.parametrize(
    ("attributes", "requires_python"),
    [
        ("", None),
        ('data-requires-python=""', None),
        ('data-requires-python="&gt;=3.8,&lt;4"', ">=3.8,<4"),
        ('data-requires-python=">=3.8"', ">=3.8"),
    ],
)
def test_requires_python(attributes: str, requires_python: str | None) -> None:
    assert file_of(attributes) == demo(requires_python=requires_python)


@pytest.mark.parametrize("address", ["http://index.example.org/p", "javascript:alert(1)", "p", "https://[x"])
def test_provenance_is_an_https_address_or_nothing(address: str) -> None:
    assert file_of(f'data-provenance="{address}"') == demo()


def test_status() -> None:
    head = (
        '<meta name="pypi:project-status" content="quarantined">'
        '<meta name="pypi:project-status-reason" content="&lt;evil&gt;">'
    )
    assert page_of(head=head) == html_page(files=(), status="quarantined", status_reason="<evil>")


@pytest.mark.parametrize("rel", ["homepage", "download", "DOWNLOAD", "nofollow homepage"])
def test_links_to_elsewhere_are_not_the_index_s_own(rel: str) -> None:
    assert page_of(link(f'rel="{rel}"')) == html_page(files=(), links=(Link(f"{URL}demo-1.0.zip"),))


@pytest.mark.parametrize("text", ["1.0 download_url", "1.0 home_page", "home_page\n"])
def test_links_of_old_are_known_by_their_text(text: str) -> None:
    page = page_of(f'<a href="https://files.example.org/demo-1.0.zip#md5={"0" * 32}">{text}</a>')
    elsewhere = Link("https://files.example.org/demo-1.0.zip", (Digest("md5", "0" * 32),))
    assert page == html_page(files=(), links=(elsewhere,))


@pytest.mark.parametrize(
    "href",
    [
        "ftp://example.org/demo-1.0.zip",
        "file:///etc/passwd",
        "javascript:x",
        "https://[",
        "https://example.org/" + "x" * 3000,
    ],
)
def test_only_http_leads_elsewhere(href: str) -> None:
    assert page_of("<h1>Links for demo</h1>", f'<a href="{href}" rel="download">x</a>').links == ()


def test_credentials_of_a_link_are_left_out() -> None:
    page = page_of('<a href="https://me:secret@example.org/demo-1.0.zip" rel="download">x</a>')
    assert page.links == (Link("https://example.org/demo-1.0.zip"),)


def test_there_is_a_bound_to_links_elsewhere() -> None:
    links = (f'<a href="https://example.org/{n}" rel="homepage">x</a>' for n in range(5000))
    page = page_of("<h1>Links for demo</h1>", *links)
    assert len(page.links or ()) == 1000


def test_links_of_any_page() -> None:
    content = f"<base href=/d/><a href=a.zip#sha256={SHA256}>a</a><A HREF='../b.zip?x=1'><a href=a.zip>"
    found = parse_links(content.encode(), "text/html", "https://example.org/x/")
    assert found == [
        Link("https://example.org/d/a.zip", (Digest("sha256", SHA256),)),
        Link("https://example.org/b.zip?x=1"),
    ]


@given(st.binary(max_size=200), st.sampled_from(["", "; charset=utf-16", "; charset=klingon"]))
def test_no_page_is_too_odd_to_have_links(content: bytes, charset: str) -> None:
    assert all(found.url.startswith("http") for found in parse_links(content, f"text/html{charset}", URL))


def test_of_a_page_of_very_many_links_the_first_are_read() -> None:
    content = "".join(f'<a href="demo-{n}.zip">' for n in range(100_000)).encode()
    assert len(parse_links(content, "text/html", URL)) == 20_000


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"info": {"download_url": "https://example.org/demo-1.0.zip#md5=" + "0" * 32}},
            "https://example.org/demo-1.0.zip",
        ),
        ({"info": {"download_url": "UNKNOWN"}}, None),
        ({"info": {"download_url": ""}}, None),
        ({"info": {"download_url": None}}, None),
        ({"info": {}}, None),
        (
            {"info": {"download_url": "see the home page"}},
            "https://index.example.org/pypi/demo/see%20the%20home%20page",
        ),
        ({"info": {"download_url": "ftp://example.org/x"}}, None),
    ],
)
def test_a_legacy_document(document: object, expected: str | None) -> None:
    found = download_url(json.dumps(document).encode(), "https://index.example.org/pypi/demo/json")
    assert (found and found.url) == expected


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[]", b'{"info": 1}', b"[" * 10**5, b'{"info": {"download_url": "\xff"}}']
)
def test_what_is_no_legacy_document(content: bytes) -> None:
    with pytest.raises(BadPageError):
        download_url(content, "https://index.example.org/pypi/demo/json")


def test_another_rel_is_nothing_special() -> None:
    assert file_of('rel="internal"') == demo()


@pytest.mark.parametrize(
    "href",
    [
        "%2e%2e%2fdemo-1.0.zip",
        "..%5cdemo-1.0.zip",
        ".demo-1.0.zip",
        "-rf-1.0.zip",
        "demo%00-1.0.zip",
        "demo%0a-1.0.zip",
        "a%2fdemo-1.0.zip",
        "a" * 300 + ".zip",
    ],
)
def test_unsafe_names_are_refused_with_a_reason(href: str) -> None:
    page = page_of(link(href=href), link())
    assert page.files == (demo(),)
    assert [": its name is " in reason and reason.isprintable() for reason in page.refused] == [True]


def test_links_to_what_is_no_distribution_are_no_files() -> None:
    hrefs = [
        "https://www.example.org/",
        "demo-1.0.zip.asc",
        "index.html",
        "mailto:a@example.org",
        "javascript:x()",
    ]
    assert page_of("<h1>Links for demo</h1>", *(link(href=href) for href in hrefs)) == html_page(files=())


def test_of_two_files_of_one_name_the_first_counts() -> None:
    page = page_of(link('data-yanked="1"'), link('data-yanked="2"'))
    assert page == html_page(files=(demo(yanked="1"),))


def test_a_page_cut_at_any_byte_is_no_page() -> None:
    content = (
        f"<!DOCTYPE html>\n<html><body>\n{link()}\n{link(href='demo-2.0.zip')}\n</body>\n</html>".encode()
    )
    assert len(read(content).files) == 2
    for length in range(len(content) - len("l>")):
        with pytest.raises(BadPageError):
            read(content[:length])


@pytest.mark.parametrize(
    "content", [b"", b" ", b"not found", b"<html>", b"\0", b"\xff\xfe", b"<html></body>"]
)
def test_what_has_no_end_is_no_page(content: bytes) -> None:
    with pytest.raises(BadPageError):
        read(content)


@pytest.mark.parametrize(
    "content", [b"</html>", b"<!DOCTYPE html></html>", b"<!-- --></html>", b"\0</html>", b"<html></html>"]
)
def test_a_page_of_nothing_says_nothing(content: bytes) -> None:
    assert read(content) == html_page(files=(), project=None)


def test_a_page_of_nothing_that_says_that_it_is_one() -> None:
    page = page_of(head='<meta name="pypi:repository-version" content="1.0">')
    assert page == html_page(files=())


@pytest.mark.parametrize(
    "junk", [b"\0", b"\xff", b"\xed\xa0\x80", b"\x1b", b"&#0;", b"&#xD800;", b"&nonsense;", b"<", b"]]>"]
)
def test_junk_does_not_hide_the_files_behind_it(junk: bytes) -> None:
    content = (
        b"<html><p>"
        + junk
        + b"</p><a href='demo-1.0.zip'>"
        + junk
        + b"</a><a href='demo-2.0.zip'>x</a></html>"
    )
    assert [file.filename for file in read(content).files] == ["demo-1.0.zip", "demo-2.0.zip"]


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("charset=utf-8", "utf-8"),
        ('Charset="ISO-8859-1"', "latin-1"),
        ("charset=klingon", "utf-8"),
        ("", "utf-8"),
    ],
)
def test_charsets(charset: str, encoding: str) -> None:
    content = f"<html>{link(chr(32) + 'data-yanked=' + chr(34) + 'na' + chr(239) + 've' + chr(34))}</html>"
    assert read(content.encode(encoding), f"text/html; {charset}") == html_page(
        files=(demo(yanked="na\u00efve"),)
    )


def test_a_long_page_is_read_to_its_end() -> None:
    links = [link(href=f"demo-{number}.zip") for number in range(5000)]
    assert len(page_of(*links).files) == 5000


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_a_page_or_a_bad_page(href: str, value: str) -> None:
    attributes = f'data-yanked="{html.escape(value)}" data-core-metadata="{html.escape(value)}"'
    content = f'<html><a href="{html.escape(href)}.zip" {attributes}>x</a>{link()}</html>'
    assert "demo-1.0.zip" in {file.filename for file in read(content.encode(errors="replace")).files}


@given(st.binary(max_size=60))
def test_any_bytes_are_a_page_or_a_bad_page(content: bytes) -> None:
    try:
        page = read(b"<a href=x></a>" + content + b"</html>")
    except BadPageError:  # of another API version, where the bytes happen to say so
        return
    assert isinstance(page, ProjectPage)


# The project list


def root_page(names: Iterable[str]) -> str:
    return "".join(
        [
            "<!DOCTYPE html><html><body>\n",
            *(f'<a href="/simple/{n}/">{n}</a>\n' for n in names),
            "</body></html>",
        ]
    )


def cut_at(text: str, places: Iterable[int]) -> Iterator[str]:
    start = 0
    for end in [*sorted(places), len(text)]:
        yield text[start:end]
        start = end


def test_a_list() -> None:
    chunks = [root_page(["Zope.Interface", "six"]).encode(), b"\n<!--SERIAL 5-->\n"]
    assert list(parse_project_list(chunks, HTML, LIST)) == [
        ListEntry("Zope.Interface", url=f"{LIST}Zope.Interface/"),
        ListEntry("six", url=f"{LIST}six/"),
    ]


@pytest.mark.parametrize(
    ("anchor", "names"),
    [
        ('<a href="/simple/six/">six</a>', ["six"]),
        ('<a href="six">six</a>', ["six"]),
        ('<A HREF="six/">Six</A>', ["Six"]),
        ('<a href="zope-interface/">Zope.Interface</a>', ["Zope.Interface"]),
        ('<a href="zope-interface/"><b>zope.interface/</b></a>', ["zope.interface"]),
        ('<a href="six/">The famous six</a>', ["six"]),
        ('<a href="%73ix/#x">six</a>', ["six"]),
        ('<a href="https://index.example.org/simple/six/">six</a>', ["six"]),
        ('<a href="/simple/six/?a=/b">six</a>', ["six"]),
        ('<a name="x">six</a>', []),
        ('<a href="../">Parent Directory</a>', []),
        ('<a href="/">/</a>', []),
        ('<a href="?C=N">Name</a>', []),
        ('<a href="//[x/six/">six</a>', []),
    ],
)
def test_anchors_of_a_list(anchor: str, names: list[str]) -> None:
    assert names_of(f"<html>{anchor}</html>") == names


@given(st.lists(project_names(), max_size=8), st.data())
def test_a_list_in_any_chunks_is_the_same(names: list[str], data: st.DataObject) -> None:
    page = root_page(names)
    places = data.draw(st.lists(st.integers(0, len(page)), max_size=8))
    assert names_of(*cut_at(page, places)) == names


def test_a_list_cut_at_any_byte_is_no_list() -> None:
    page = root_page(["six", "zope-interface"])
    for length in range(len(page) - len("l>")):
        with pytest.raises(BadPageError):
            names_of(page[:length])


@pytest.mark.parametrize("head", ['<meta name="pypi:repository-version" content="2.0">'])
def test_a_list_of_another_major_version(head: str) -> None:
    with pytest.raises(BadPageError, match="API version"):
        names_of(f"<html><head>{head}</head><body><a href=six/>six</a></body></html>")


def test_a_list_of_nothing_at_all() -> None:
    with pytest.raises(BadPageError):
        names_of()
