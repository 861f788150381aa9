"""A page counts only if it was read to its very end, in whatever encoding it comes."""

import codecs

import pytest

from pypimirror.errors import BadPageError
from pypimirror.model import NormalizedName, ProjectPage
from pypimirror.simple import Demands, is_json, parse_project_list, parse_project_page

URL = "https://index.example.org/simple/demo/"
LINK = '<a href="demo-1.0.zip">x</a>'
LAST = '<a href="demo-2.0.zip">x</a>'
DEMO = NormalizedName("demo")


def read(content: str | bytes, charset: str = "", *, tells_its_end: bool = False) -> ProjectPage:
    raw = content.encode() if isinstance(content, str) else content
    return parse_project_page(raw, f"text/html{charset}", URL, DEMO, Demands(end=not tells_its_end))


SWALLOWERS = [
    "<!--",
    "<!-- > --",
    "<textarea>",
    "<script>",
    "<style>",
    "<title>",
    "<xmp>",
    "<plaintext>",
    "<iframe>",
    "<noembed>",
    "<noframes>",
    "<svg><title>",
]
QUOTES = ['<a href="', '<a title="x href=y>', "<b class=' >", '<a href="demo-3.0.zip>x</a>']


@pytest.mark.parametrize("swallower", [*SWALLOWERS, "<a href='"])
@pytest.mark.parametrize("tells_its_end", [True, False])
def test_what_swallows_the_rest_of_a_page(swallower: str, tells_its_end: bool) -> None:
    with pytest.raises(BadPageError, match=r"swallows|cut off"):
        read(f"<html>{LINK}{swallower}{LAST}</html>", tells_its_end=tells_its_end)


@pytest.mark.parametrize("quote", QUOTES)
def test_an_open_quote_that_ends_at_the_next_one_hides_what_may_be_any_file(quote: str) -> None:
    last = LAST.replace('"', "'") if quote.endswith("' >") else LAST
    page = read(f"<html>{LINK}{quote}{last}</html>")
    assert page.nameless == 1
    assert "demo-1.0.zip" in {file.filename for file in page.files}


@pytest.mark.parametrize("swallower", [*SWALLOWERS, *QUOTES[:2]])
def test_the_same_in_a_list(swallower: str) -> None:
    content = f'<html><a href="six/">six</a>{swallower}<a href="seven/">seven</a></html>'.encode()
    with pytest.raises(BadPageError):
        list(parse_project_list([content], "text/html", "https://index.example.org/simple/"))


@pytest.mark.parametrize("charset", ["us-ascii", "utf-8", "ascii", "shift_jis", "euc-kr", "gb2312", "koi8-r"])
@pytest.mark.parametrize("odd", [b"\xe9", b"\xff", b"\x80\x81", b"\0", b"\xed\xa0\x80"])
def test_an_odd_byte_never_ends_a_long_page(charset: str, odd: bytes) -> None:
    links = [f'<a href="demo-1.{n}.zip">demo-1.{n}.zip</a>\n'.encode() for n in range(1600)]
    content = b"<html>" + b"".join(links[:800]) + odd + b" " + b"".join(links[800:]) + b"</html>"
    assert len(content) > 1 << 16
    assert len(read(content, f"; charset={charset}").files) == 1600


def test_a_name_that_cannot_be_decoded_is_refused_by_itself() -> None:
    page = read(b'<html><a href="demo-1.0+\xe9.zip">x</a>' + LINK.encode() + b"</html>", "; charset=us-ascii")
    assert [file.filename for file in page.files] == ["demo-1.0.zip"]
    assert (len(page.refused), page.nameless) == (1, 0)


@pytest.mark.parametrize(
    "content",
    [
        f"<pre>{LINK}</pre>",
        LINK,
        f"{LINK}<br>",
        f"<html>{LINK}</html><!--{'x' * 2000}-->",
        f"<html>{LINK}</body>",
        '<a href="demo-1.0.zip">',
    ],
)
def test_complete_pages_as_servers_write_them(content: str) -> None:
    page = read(content, tells_its_end=True)
    assert (page.project, len(page.files)) == (DEMO, 1)


def test_where_nobody_tells_the_length_a_page_needs_its_end() -> None:
    assert read(f"<html>{LINK}</HTML ><!--{'x' * 5000}-->").project == DEMO
    for end in ("", "<!-- </html> -->", "<script>x = '</html>'</script>", "</htmlx>", '<b title="</html>">'):
        with pytest.raises(BadPageError, match="</html>"):
            read(f"<html>{LINK}{end}")
        assert read(f"<html>{LINK}{end}", tells_its_end=True).project == DEMO


@pytest.mark.parametrize("before", range(65520, 65545))
def test_the_end_may_stand_anywhere(before: int) -> None:
    start = f"<html>{LINK}"
    assert read(f"{start}{' ' * (before - len(start))}</html>").project == DEMO


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        (codecs.BOM_UTF8 + f"<html>{LINK}é</html>".encode(), ""),
        (codecs.BOM_UTF16_LE + f"<html>{LINK}é</html>".encode("utf-16-le"), ""),
        (codecs.BOM_UTF16_BE + f"<html>{LINK}é</html>".encode("utf-16-be"), "; charset=utf-8"),
        (f"<html>{LINK}</html>".encode("utf-16-le"), "; charset=utf-16"),
        (f"<html>{LINK}</html>".encode(), "; charset=utf-7"),
        (f"<html>{LINK}</html>".encode(), "; charset=punycode"),
        (f"<html>{LINK}</html>".encode(), "; charset=hex"),
        (f"<meta charset=utf-16>{LINK}</html>".encode(), ""),
    ],
)
def test_encodings(content: bytes, charset: str) -> None:
    assert [file.filename for file in read(content, charset).files] == ["demo-1.0.zip"]


def test_a_page_may_name_its_encoding_itself() -> None:
    link = '<a href="demo-1.0.zip" data-yanked="naïve">x</a>'
    content = f'<meta http-equiv="x" content="text/html; charset=windows-1252">{link}</html>'.encode("cp1252")
    assert read(content).files[0].yanked == "naïve"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html, text/html",
        "text/html;;charset=utf-8",
        "text/html charset=utf-8",
        "Text/HTML ;charset=utf-8",
        "text/html;charset=utf-8, text/html;charset=utf-8",
        "application/vnd.pypi.simple.v1+html; charset=utf-8",
        "application/xhtml+xml",
    ],
)
def test_content_types_as_they_come(content_type: str) -> None:
    assert not is_json(content_type)
    page = parse_project_page(f"<html>{LINK}</html>".encode(), content_type, URL, DEMO)
    assert len(page.files) == 1
