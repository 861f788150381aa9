"""Requests to other hosts, against real servers on several addresses of loopback."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pypimirror.errors import NotFoundError, UnavailableError, UnreachableError
from pypimirror.model import Validators
from pypimirror.pace import MinimumSpeed, Rate
from pypimirror.upstream import Answer, Hosts, NotModified
from pypimirror.upstream.answers import Pace
from pypimirror.upstream.deadlines import Reaper
from pypimirror.upstream.external import MAX_REDIRECTS, ExternalHosts
from pypimirror.upstream.rules import Rules
from tests import faults
from tests.missing import unable
from tests.outside_host import OutsideHost
from tests.proxies import HttpProxy
from tests.tls import Certificate, TlsServer

pytestmark = pytest.mark.usefixtures("no_proxies")

HTTP = "http://files.example.org"


@pytest.fixture
def host() -> Iterator[OutsideHost]:
    with OutsideHost() as running:
        yield running


def outside(*hosts: str, allows_http: bool = True, timeout: float = 5, given_up: str = "") -> ExternalHosts:
    known = Hosts(8, retries=0)
    if given_up:
        known.give_up(given_up, "did not answer lately")
    return ExternalHosts(
        Rules(hosts, allows_http=allows_http),
        timeout=timeout,
        pace=Pace(Rate(0), MinimumSpeed(0)),
        reaper=Reaper(),
        hosts=known,
    )


def body(asked: ExternalHosts, url: str, *, seconds: float = 10, **options: Any) -> bytes:
    with asked.open(url, seconds=seconds, **options) as answer:
        assert isinstance(answer, Answer)
        return b"".join(answer.raw_chunks())


Resolve = Callable[..., list[str]]


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Let names lead to addresses: each time to the next of a list; see which names were asked for."""
    asked: list[str] = []

    def use(**answers: list[str]) -> list[str]:
        real = socket.getaddrinfo

        def resolved(name: Any, *args: Any, **options: Any) -> Any:
            key = str(name).replace(".", "_")
            if key in answers:
                asked.append(str(name))
                addresses = answers[key]
                name = addresses.pop(0) if len(addresses) > 1 else addresses[0]
            return real(name, *args, **options)

        monkeypatch.setattr(socket, "getaddrinfo", resolved)
        return asked

    return use


def test_a_host_that_is_allowed_by_name_is_asked_without_credentials(
    host: OutsideHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {host.address} login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    url = host.put("/x?y", b"content").replace("//", "//user:secret@")
    host.put("/x", b"content")
    assert body(outside("127.*"), url) == b"content"
    (request,) = host.requests
    assert request.path == "/x?y"
    assert request.headers["host"] == f"{host.address}:{host.port}"
    assert request.headers["accept-encoding"] == "identity"
    assert not {"authorization", "cookie"} & request.headers.keys()


@pytest.mark.parametrize("hosts", [(), ("10.*",), ("*.example.org",)])
def test_a_private_address_is_refused(host: OutsideHost, hosts: tuple[str, ...]) -> None:
    url = host.put("/x", b"secret")
    with pytest.raises(UnavailableError, match="no public address; external_hosts can allow its host"):
        body(outside(*hosts), url)
    assert not host.requests


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://127.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0/",
    ],
)
def test_no_spelling_of_this_machine_is_asked(url: str) -> None:
    with pytest.raises((UnavailableError, UnreachableError), match=r"no public address|can't be resolved"):
        body(outside(), url)


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://0.0.0.0/"]
)
def test_a_clouds_metadata_is_never_asked_for(url: str) -> None:
    with pytest.raises(UnavailableError, match=r"is no public address$"):
        body(outside("*"), url)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/x",
        "file:///etc/passwd",
        "https:///x",
        "https://[",
        "x",
        "http://127.0.0.1\\.example.org/",
        "http://169.254.169.254\\@example.org\\x/",
        "http://evil.example.org%2f.example.org/",
        "http://evil.example.org%5c.example.org/",
        "http://a b.example.org/",
        "http://a..b/",
        "http://[::1%25eth0]/",
        "http://example.org:0/",
        "http://example.org:99999/",
    ],
)
def test_only_http_and_https_are_followed(url: str) -> None:
    with pytest.raises(UnavailableError, match="only http and https are followed"):
        body(outside("*"), url)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://127.0.0.1:1/", "127.0.0.1 is no public address"),
        ("http://169.254.169.254/latest/", "169.254.169.254 is no public address"),
        ("file:///etc/passwd", "only http and https are followed"),
        ("ftp://example.org/", "only http and https are followed"),
        ("http://[", "redirects to"),
    ],
)
def test_a_redirect_is_checked_as_a_link_is(host: OutsideHost, location: str, reason: str) -> None:
    host.fault("/x", faults.Redirect(location))
    with pytest.raises(UnavailableError, match=reason):
        body(outside(host.address), f"{host.origin}/x")


def test_credentials_of_a_redirect_are_not_sent(host: OutsideHost) -> None:
    url = host.put("/y", b"content")
    host.fault("/x", faults.Redirect(url.replace("//", "//user:secret@")))
    assert body(outside("127.*"), f"{host.origin}/x") == b"content"
    assert "authorization" not in host.requests[-1].headers


def test_so_many_redirects_and_no_more(host: OutsideHost) -> None:
    for number in range(MAX_REDIRECTS + 1):
        host.fault(f"/{number}", faults.Redirect(f"/{number + 1}"))
    host.put(f"/{MAX_REDIRECTS + 1}", b"content")
    assert body(outside("127.*"), f"{host.origin}/1") == b"content"
    with pytest.raises(UnavailableError, match="more than 5 redirects"):
        body(outside("127.*"), f"{host.origin}/0")


def test_http_is_refused_unless_something_tells_that_it_is_right(host: OutsideHost) -> None:
    url = host.put("/x", b"content")
    with pytest.raises(UnavailableError, match="external_http = True"):
        body(outside("127.*", allows_http=False), url)
    assert not host.requests
    assert body(outside("127.*", allows_http=False), url, allows_http=True) == b"content"


def test_a_name_is_resolved_once_and_that_very_address_is_asked(host: OutsideHost, resolve: Resolve) -> None:
    """DNS rebinding: the second answer of a name server is another one."""
    with OutsideHost() as inner:
        inner.put("/x", b"secret")
        asked = resolve(files_example_org=[host.address, inner.address])
        host.put("/x", b"content")
        assert body(outside("files.example.org"), f"{HTTP}:{host.port}/x") == b"content"
        assert asked == ["files.example.org"]
        assert not inner.requests
        assert host.requests[0].headers["host"] == f"files.example.org:{host.port}"


def test_a_name_that_leads_inside_is_refused(host: OutsideHost, resolve: Resolve) -> None:
    resolve(files_example_org=[host.address])
    with pytest.raises(UnavailableError, match=f"{host.address} is no public address"):
        body(outside("other.example.org"), f"{HTTP}:{host.port}/x")
    assert not host.requests


def test_each_redirect_is_resolved_and_checked_anew(host: OutsideHost, resolve: Resolve) -> None:
    asked = resolve(files_example_org=[host.address], rebound_example_org=["127.0.0.1"])
    host.fault("/x", faults.Redirect("http://rebound.example.org/"))
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1 is no public address"):
        body(outside("files.example.org"), f"{HTTP}:{host.port}/x")
    assert asked == ["files.example.org", "rebound.example.org"]


def test_tls_has_the_name_that_was_asked_for_and_a_certificate_for_it(
    host: OutsideHost, resolve: Resolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        certificate = Certificate(tmp_path, "DNS:files.example.org")
    except FileNotFoundError:
        unable("openssl is not there to make a certificate")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.path))
    host.put("/x", b"content")
    resolve(files_example_org=[host.address], other_example_org=[host.address])
    with TlsServer(certificate, host.address, host.port) as server:
        asked = outside("*.example.org", allows_http=False)
        assert body(asked, f"https://files.example.org:{server.port}/x") == b"content"
        assert server.names == ["files.example.org"]
        with pytest.raises(UnreachableError, match="certificate"):
            body(asked, f"https://other.example.org:{server.port}/x")
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        with pytest.raises(UnreachableError, match="certificate verify failed"):
            body(outside("*.example.org", allows_http=False), f"https://files.example.org:{server.port}/x")


def test_behind_a_proxy_only_hosts_that_are_allowed_by_name_are_asked(
    host: OutsideHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", host.origin)
    monkeypatch.setenv("https_proxy", host.origin)
    url = "http://files.example.org/x?y"
    for scheme in ("http", "https"):
        with pytest.raises(UnavailableError, match="behind a proxy"):
            body(outside("other.example.org"), f"{scheme}://files.example.org/x")
    assert not host.requests
    host.put("/x", b"content")
    assert body(outside("files.*"), url.replace("//", "//user:secret@")) == b"content"
    (request,) = host.requests
    assert request.path == url
    assert not {"authorization", "proxy-authorization"} & request.headers.keys()


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_proxy_leads_to_a_host_by_https(
    host: OutsideHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_tls: bool
) -> None:
    try:
        certificate = Certificate(tmp_path, "DNS:files.example.org,IP:127.0.0.1")
    except FileNotFoundError:
        unable("openssl is not there to make a certificate")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.path))
    host.put("/x", b"content")
    asked = outside("files.*", allows_http=False)
    with (
        TlsServer(certificate, host.address, host.port) as server,
        HttpProxy(
            f"https://{host.address}:{server.port}",
            certificate=certificate if is_tls else None,
            statuses=(502,),
        ) as proxy,
    ):
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(UnreachableError, match=r"the proxy http.* can't be used \(.* 502 No Way\)"):
            body(asked, "https://files.example.org/x")
        for _ in range(2):
            assert body(asked, "https://files.example.org/x") == b"content"
    assert server.names == ["files.example.org"]
    assert [line.partition(" HTTP")[0] for line in proxy.lines] == ["CONNECT files.example.org:443"] * 2


def test_a_conditional_request(host: OutsideHost) -> None:
    url = host.put("/x", b"content")
    asked = outside("127.*")
    with asked.open(url, seconds=5) as answer:
        assert isinstance(answer, Answer)
        validators = answer.validators
    with asked.open(url, seconds=5, validators=validators) as answer:
        assert isinstance(answer, NotModified)
    host.put("/x", b"other content")
    assert body(asked, url, validators=validators) == b"other content"
    host.fault("/x", faults.Status(304))
    with pytest.raises(UnavailableError, match="answers 304"):
        body(asked, url, validators=Validators())


@pytest.mark.parametrize("code", [404, 410])
def test_what_is_not_there(host: OutsideHost, code: int) -> None:
    host.fault("/x", faults.Status(code))
    with pytest.raises(NotFoundError, match=f"answers {code}"):
        body(outside("127.*"), f"{host.origin}/x")


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/",
        "http://0xa9fea9fe/",
        "http://2852039166/",
        "http://169.254.169.254./",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://169.254.169.254\\.example.org/",
    ],
)
def test_behind_a_proxy_a_clouds_metadata_is_never_asked_for(
    host: OutsideHost, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("http_proxy", host.origin)
    with pytest.raises(UnavailableError, match=r"no public address|a host with a plain name"):
        body(outside("*"), url)
    assert not host.requests


@pytest.mark.parametrize("fault", [faults.Hang(30), faults.Drip(1, 0.05)])
def test_behind_a_proxy_all_of_it_has_its_time(
    host: OutsideHost, monkeypatch: pytest.MonkeyPatch, fault: faults.Fault
) -> None:
    monkeypatch.setenv("http_proxy", host.origin)
    host.put("/x", b"x" * 10_000)
    host.fault("/x", fault)
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="it takes too long"):
        body(outside("*", timeout=20), "http://files.example.org/x", seconds=0.5)
    assert time.monotonic() - began < 15, "sooner than by a wait that is too long"


def test_a_host_in_another_script(host: OutsideHost, resolve: Resolve) -> None:
    resolve(**{"xn--bcher-kva_example_org": [host.address]})
    host.put("/x", b"content")
    assert body(outside("xn--bcher-kva.*"), f"http://B\xfccher.example.org:{host.port}/x") == b"content"
    assert host.requests[0].headers["host"] == f"xn--bcher-kva.example.org:{host.port}"


@pytest.mark.parametrize("code", [400, 401, 403, 429, 500, 503])
def test_other_answers_are_no_reason_to_call_a_host_dead(host: OutsideHost, code: int) -> None:
    host.fault("/x", faults.Status(code))
    with pytest.raises(UnavailableError, match=f"answers {code}") as told:
        body(outside("127.*"), f"{host.origin}/x")
    assert not isinstance(told.value, UnreachableError)


def test_a_host_that_is_not_there_is_dead(host: OutsideHost) -> None:
    host.stop()
    with pytest.raises(UnreachableError, match="Connection refused") as told:
        body(outside("127.*"), f"{host.origin}/x")
    assert not told.value.is_connected
    with pytest.raises(UnreachableError, match="can't be resolved"):
        body(outside("*"), "http://nowhere.invalid/")


def test_a_host_that_does_not_answer_in_time_is_dead(host: OutsideHost) -> None:
    host.put("/x", b"content")
    host.fault("/x", faults.Hang(30))
    with pytest.raises(UnreachableError, match="timed out") as told:
        body(outside("127.*", timeout=0.2), f"{host.origin}/x")
    assert told.value.is_connected


@pytest.mark.parametrize(
    "fault", [faults.Hang(30), faults.Drip(1, 0.05), faults.DripUnsized(1, 0.05), faults.HangBody(10, 30)]
)
def test_all_of_it_has_its_time(host: OutsideHost, fault: faults.Fault) -> None:
    host.put("/x", b"x" * 10_000)
    host.fault("/x", fault)
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="it takes too long"):
        body(outside("127.*", timeout=20), f"{host.origin}/x", seconds=0.5)
    assert time.monotonic() - began < 15, "sooner than by a wait that is too long"


def test_hosts_that_are_given_up_are_not_asked(host: OutsideHost) -> None:
    host.put("/y", b"content")
    with OutsideHost() as first:
        first.fault("/x", faults.Redirect(f"{host.origin}/y"))
        with pytest.raises(UnreachableError, match="is not asked now") as told:
            body(outside("127.*", given_up=host.origin), f"{first.origin}/x")
        assert host.address in told.value.url
    assert not host.requests


@pytest.mark.parametrize(
    ("text", "allows", "delay"),
    [
        ("User-agent: *\nDisallow: /private", True, 0.0),
        ("User-agent: *\nDisallow: /dist", False, 0.0),
        ("User-agent: pypimirror\nDisallow: /\n\nUser-agent: *\nAllow: /", False, 0.0),
        ("User-agent: *\nCrawl-delay: 4", True, 4.0),
        ("User-agent: *\nCrawl-delay: 4000", True, 10.0),
        ("<html>nothing of that kind", True, 0.0),
        ("\xff\x00", True, 0.0),
    ],
)
def test_robots(host: OutsideHost, text: str, allows: bool, delay: float) -> None:
    host.put("/robots.txt", text.encode("latin-1"), "text/plain")
    asked = outside("127.*")
    for path in ("/dist/", "/dist/?x"):
        assert asked.robots(f"{host.origin}{path}") == (delay if allows else None)
    assert host.paths() == ["/robots.txt"]


@pytest.mark.parametrize(
    ("code", "allows"), [(404, True), (410, True), (403, True), (500, False), (503, False)]
)
def test_robots_that_can_not_be_had(host: OutsideHost, code: int, allows: bool) -> None:
    host.fault("/robots.txt", faults.Status(code))
    assert outside("127.*").robots(f"{host.origin}/dist/") == (0.0 if allows else None)
