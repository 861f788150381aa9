"""What HTTP allows, or servers do all the same: informational answers, packings, redirects, Retry-After."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from pypimirror.errors import BadPageError, MirrorError, UnavailableError
from pypimirror.model import Validators
from pypimirror.upstream import Fetched, Upstream
from pypimirror.upstream.answers import validators_of
from pypimirror.upstream.redirects import MAX_ADDRESS, redirected
from pypimirror.upstream.rules import Rules
from pypimirror.upstream.trouble import retry_after
from tests.raw_server import CLOSED, RawServer, ok

PAGE = b"<!DOCTYPE html><title>Links for demo</title>"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

Serve = Callable[..., tuple[RawServer, Upstream]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as opened:

        def start(**answers: bytes) -> tuple[RawServer, Upstream]:
            server = opened.enter_context(RawServer(**answers))
            upstream = Upstream(f"{server.origin}/", timeout=5, retries=0, rules=Rules())
            opened.callback(upstream.close)
            return server, upstream

        yield start


def page(server: RawServer, upstream: Upstream, name: str = "demo") -> bytes:
    url = f"{server.origin}/{name}"
    fetched = upstream.page(url, accept="text/html", validators=Validators())
    assert isinstance(fetched, Fetched)
    return fetched.content


def file(server: RawServer, upstream: Upstream, name: str = "demo") -> bytes:
    with upstream.open_file(f"{server.origin}/{name}") as answer:
        return b"".join(map(bytes, answer.raw_chunks()))


@pytest.mark.parametrize(
    "before", [HINTS, PROCESSING, CONTINUE, HINTS * 3 + CONTINUE + PROCESSING, HINTS * 20]
)
def test_an_informational_answer_is_not_the_answer(serve: Serve, before: bytes) -> None:
    server, upstream = serve(demo=before + ok(PAGE), other=ok(b"other"))
    assert page(server, upstream) == PAGE
    assert file(server, upstream, "other") == b"other"
    assert file(server, upstream) == PAGE
    assert file(server, upstream, "other") == b"other"


@pytest.mark.parametrize("endless", [HINTS * 21, CONTINUE * 500, b"HTTP/1.1 101 Switching Protocols\r\n\r\n"])
def test_informational_answers_without_end_are_none(serve: Serve, endless: bytes) -> None:
    server, upstream = serve(demo=endless + ok(PAGE), other=ok(b"other"))
    with pytest.raises(UnavailableError):
        page(server, upstream)
    assert file(server, upstream, "other") == b"other"


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "strange"])
def test_a_page_in_an_encoding_that_was_not_asked_for_is_said_to_be_that(serve: Serve, encoding: str) -> None:
    server, upstream = serve(demo=ok(PAGE, f"Content-Encoding: {encoding}"))
    with pytest.raises(BadPageError, match=rf"an encoding that was not asked for \({encoding}\)"):
        page(server, upstream)


def test_a_packed_page_that_is_cut_is_an_error_though_its_length_is_full(serve: Serve) -> None:
    server, upstream = serve(
        demo=ok(gzip.compress(PAGE)[:-9], "Content-Encoding: gzip"),
        good=ok(gzip.compress(PAGE), "Content-Encoding: x-gzip"),
    )
    with pytest.raises(UnavailableError, match="broke off"):
        page(server, upstream)
    assert page(server, upstream, "good") == PAGE


def test_the_bound_of_a_page_is_for_what_comes_out(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pypimirror.upstream.MAX_PAGE", 1 << 20)
    server, upstream = serve(demo=ok(gzip.compress(bytes(1 << 24)), "Content-Encoding: gzip"))
    with pytest.raises(BadPageError, match="longer than"):
        page(server, upstream)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2", 2),
        ("1.5", 1.5),
        (" 3 ", 3),
        ("0", 0),
        ("120, 3", 120),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("1e9", None),
        ("9" * 5000, 366 * 86_400),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
        (None, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value) == seconds


def test_retry_after_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 50 < (retry_after(soon) or 0) <= 60


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/b", "http://a.example.org/b"),
        ("b", "http://a.example.org/x/b"),
        ("?q=1", "http://a.example.org/x/y?q=1"),
        ("//b.example.org/c", "http://b.example.org/c"),
        ("http://u:p@b.example.org/c#part", "http://b.example.org/c"),
        ("\u00c3\u00a4", "http://a.example.org/x/\u00e4"),
    ],
)
def test_where_a_redirect_leads(location: str, target: str) -> None:
    assert redirected("http://a.example.org/x/y", location) == target


@pytest.mark.parametrize(
    "location",
    [
        "http://b.example.org:99999/",
        "http://b.example.org:0/",
        "http://b.example.org:x/",
        "http://[::1/",
        "ftp://b.example.org/",
        "file:///etc/passwd",
        "javascript:1",
        "/" + "x" * MAX_ADDRESS,
        "x" * (MAX_ADDRESS - 5),
    ],
)
def test_a_redirect_that_nobody_follows(location: str) -> None:
    with pytest.raises(UnavailableError, match="redirects to"):
        redirected("http://a.example.org/x/y", location)


def test_redirects_without_end_or_without_an_address(serve: Serve) -> None:
    moved = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
    server, upstream = serve(
        circle=moved + b"Location: /circle\r\n\r\n",
        nowhere=moved + b"\r\n",
        empty=moved + b"Location:\r\n\r\n",
        demo=moved + b"Location: other#part\r\n\r\n",
        other=ok(PAGE) + CLOSED,
    )
    for name, reason in (("circle", "more than 10 redirects"), ("nowhere", "302"), ("empty", "302")):
        with pytest.raises(UnavailableError, match=reason):
            page(server, upstream, name)
    assert page(server, upstream, "demo") == PAGE
    assert b"#part" not in b"".join(server.asked)


@pytest.mark.parametrize(
    "secret", ["X-Amz-Signature=abc", "sig=abc&se=1", "token=abc", "Policy=abc&Key-Pair-Id=abc", "abc"]
)
def test_no_message_shows_what_a_query_says(secret: str) -> None:
    error = UnavailableError(
        f"https://u:abc@x.example.org/a?{secret}#abc", f"see http://y.example.org/?{secret} there"
    )
    assert str(error) == "https://x.example.org/a?...: see http://y.example.org/?... there"
    assert "abc" not in repr(error.url)
    assert isinstance(error, MirrorError)


WRITTEN = "Wed, 25 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "validators"),
    [
        ({"last-modified": WRITTEN, "date": WRITTEN}, Validators()),
        ({"last-modified": WRITTEN, "date": "Wed, 25 Nov 2026 10:00:01 GMT"}, Validators()),
        ({"last-modified": WRITTEN, "date": "Wed, 25 Nov 2026 10:00:02 GMT"}, Validators(None, WRITTEN)),
        ({"last-modified": WRITTEN}, Validators(None, WRITTEN)),
        ({"last-modified": WRITTEN, "date": "today"}, Validators(None, WRITTEN)),
        ({"last-modified": "lately", "date": WRITTEN}, Validators(None, "lately")),
        ({"last-modified": WRITTEN, "date": WRITTEN, "etag": '"a"'}, Validators('"a"', WRITTEN)),
        ({}, Validators()),
    ],
)
def test_a_page_of_this_second_has_no_date_that_tells(
    headers: dict[str, str], validators: Validators
) -> None:
    assert validators_of(headers) == validators


def test_a_validator_that_a_server_folds_goes_back_in_one_line(serve: Serve) -> None:
    server, upstream = serve(demo=ok(PAGE, 'ETag: "one\r\n two"'))
    fetched = upstream.page(f"{server.origin}/demo", accept="text/html", validators=Validators())
    assert isinstance(fetched, Fetched)
    again = upstream.page(f"{server.origin}/demo", accept="text/html", validators=fetched.validators)
    assert isinstance(again, Fetched)
    assert again.content == PAGE
    assert server.asked[-1].count(b"\r\n") == server.asked[0].count(b"\r\n") + 1
    assert b'If-None-Match: "one two"\r\n' in server.asked[-1]
