"""Addresses of files are what pip would send."""

import re
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypimirror.simple.urls import file_url, quoted

BASE = "https://index.example.org/simple/demo/"


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("demo-1.0+local.whl", f"{BASE}demo-1.0%2Blocal.whl"),
        ("demo-1.0%2Blocal.whl", f"{BASE}demo-1.0%2Blocal.whl"),
        ("demo-1.0%2blocal.whl", f"{BASE}demo-1.0%2Blocal.whl"),
        ("a b/demo.zip", f"{BASE}a%20b/demo.zip"),
        ("a%20b/demo.zip", f"{BASE}a%20b/demo.zip"),
        ("é.zip", f"{BASE}%C3%A9.zip"),
        ("a@b/demo~1.zip", f"{BASE}a@b/demo~1.zip"),
        ("a%2fb/demo.zip", f"{BASE}a%2Fb/demo.zip"),
        ("a%25b.zip", f"{BASE}a%25b.zip"),
        ("demo!1.0.zip", f"{BASE}demo%211.0.zip"),
        ("demo.zip?a=b&c=d e", f"{BASE}demo.zip?a=b&c=d%20e"),
        ("demo.zip?X-Sig=a%2Bb%3D", f"{BASE}demo.zip?X-Sig=a%2Bb%3D"),
        ("https://u:p@files.example.org/demo.zip#sha256=0", "https://files.example.org/demo.zip"),
        ("https://files.example.org:8443/demo-1.0.zip", "https://files.example.org:8443/demo-1.0.zip"),
    ],
)
def test_addresses(href: str, url: str) -> None:
    assert file_url(BASE, href) == url


@pytest.mark.parametrize("href", ["ftp://x/y.zip", "file:///y.zip", "javascript:x", "//[x/y.zip", "x" * 3000])
def test_what_is_no_address(href: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        file_url(BASE, href)


BASES = [BASE, "http://h", "http://h:81/a/b/c.html?d=/e/", "https://u:p@h/é", "http://h/a//b/", "//h/", "a:b"]
PARTS = st.sampled_from(["..", ".", "", "demo.zip", "~a", "-", ".b", "c..d", "e:f", "g h", "h@i", "http:"])


@given(st.sampled_from(BASES), st.lists(PARTS, min_size=1, max_size=6).map("/".join))
def test_a_reference_leads_where_any_client_goes(base: str, reference: str) -> None:
    def url_of(base: str, reference: str) -> str | None:
        try:
            return file_url(base, reference)
        except ValueError:
            return None

    assert url_of(base, reference) == url_of("", urljoin(base, reference))


@given(st.text(max_size=40).map(lambda text: re.sub(r"[?#;\ud800-\udfff\\\t\r\n]", "", text)))
def test_a_path_is_quoted_as_pip_quotes_it(path: str) -> None:
    url = urlunsplit(("https", "example.org", f"/{path}", "", ""))
    pieces = re.split("(@|%2F)", urlsplit(url).path, flags=re.IGNORECASE)
    expected = "".join(p.upper() if n % 2 else quote(unquote(p)) for n, p in enumerate(pieces))
    if "\N{REPLACEMENT CHARACTER}" not in unquote(path):  # pip loses these bytes
        assert urlsplit(quoted(url)).path == expected
    assert quoted(quoted(url)) == quoted(url) or "%25" in quoted(url)
