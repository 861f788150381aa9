"""Proxies that the environment names: by HTTP, by TLS and by SOCKS, with and without a password."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import GOOD, Ended, Mirror, is_over
from tests.missing import unable
from tests.proxies import HttpProxy, SocksProxy
from tests.raw_server import CLOSED, RawServer
from tests.tls import Certificate, TlsFront

MakeMirror = Callable[..., Mirror]
NAME = "index.example.org"
LOGIN = "me:p@ss"
CONNECT = f"CONNECT {NAME}:443 HTTP/1."


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """The certificate of the index, and of the proxy."""
    try:
        return Certificate(tmp_path, f"DNS:{NAME},IP:127.0.0.1")
    except FileNotFoundError:
        unable("openssl is not there to make a certificate")


@pytest.fixture
def front(index: FakeIndex, certificate: Certificate) -> Iterator[TlsFront]:
    """TLS in front of an index with two projects."""
    for name in ("six", "demo"):
        index.add(name, "1.0")
    with TlsFront(index, certificate) as running:
        yield running


@pytest.fixture
def secure(front: TlsFront, make_mirror: MakeMirror, certificate: Certificate) -> Mirror:
    """A mirror of an index that is asked by https, at a name that nobody but a proxy can resolve."""
    assert front.port
    return at(make_mirror(), "https", ca_bundle=certificate.path)


@pytest.fixture
def plain(index: FakeIndex, make_mirror: MakeMirror) -> Mirror:
    """The same by http."""
    for name in ("six", "demo"):
        index.add(name, "1.0")
    return at(make_mirror(), "http")


def at(mirror: Mirror, scheme: str, **options: object) -> Mirror:
    mirror.index_url = f"{scheme}://{NAME}/simple/"
    mirror.configure(**options)
    return mirror


def check_whole(mirror: Mirror, ended: Ended) -> None:
    assert ended == GOOD
    assert mirror.check_links() == 4


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_an_index_by_https_is_asked_through_a_tunnel(
    secure: Mirror, front: TlsFront, index: FakeIndex, variable: str
) -> None:
    with HttpProxy(front.url) as proxy:
        check_whole(secure, secure.run("-U", env={variable: proxy.url}))
    assert all(line.startswith(CONNECT) for line in proxy.lines)
    assert set(front.names) == {NAME}
    assert {request.headers["host"] for request in index.requests} == {NAME}
    assert len(proxy.lines) < len(index.requests), "connections are kept"


def test_the_proxy_of_a_scheme_comes_before_that_of_all(secure: Mirror, front: TlsFront) -> None:
    with HttpProxy(front.url) as proxy, HttpProxy(front.url) as other:
        environment = {"https_proxy": proxy.url, "all_proxy": other.url, "http_proxy": other.url}
        check_whole(secure, secure.run("-U", env=environment))
        assert not other.asked


def test_a_proxy_without_a_scheme_is_one_of_http(secure: Mirror, front: TlsFront) -> None:
    with HttpProxy(front.url) as proxy:
        check_whole(secure, secure.run("-U", env={"https_proxy": proxy.url.removeprefix("http://")}))


@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize("value", ["127.0.0.0/8", "localhost, 127.0.0.1", "*"])
def test_hosts_without_a_proxy_are_asked_directly(
    front: TlsFront, make_mirror: MakeMirror, certificate: Certificate, variable: str, value: str
) -> None:
    mirror = make_mirror()
    mirror.index_url = front.url
    mirror.configure(ca_bundle=certificate.path)
    with HttpProxy(front.url) as proxy:
        check_whole(mirror, mirror.run("-U", env={"https_proxy": proxy.url, variable: value}))
        assert not proxy.asked


def test_the_password_of_a_tunnel_is_for_the_proxy_alone(
    secure: Mirror, front: TlsFront, index: FakeIndex
) -> None:
    with HttpProxy(front.url, login=LOGIN) as proxy:
        check_whole(secure, secure.run("-U", env={"https_proxy": proxy.url}))
    assert {asked.login for asked in proxy.asked} == {LOGIN}
    sent = {name for request in index.requests for name in map(str.lower, request.headers)}
    assert not {"proxy-authorization", "authorization"} & sent


@pytest.mark.parametrize("login", [LOGIN, "me:p\xe4ss", "me:p\u20acss"])
def test_a_proxy_forwards_with_a_password(plain: Mirror, index: FakeIndex, login: str) -> None:
    with HttpProxy(index.origin, login=login) as proxy:
        check_whole(plain, plain.run("-U", env={"http_proxy": proxy.url}))
    assert proxy.lines[0].startswith(f"GET http://{NAME}/simple/ HTTP/1.1")


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_wrong_password_is_told_at_once_and_where_the_right_one_belongs(
    secure: Mirror, front: TlsFront, certificate: Certificate, is_tls: bool
) -> None:
    secure.configure(ca_bundle=certificate.path, retries=3)
    with HttpProxy(front.url, login=LOGIN, certificate=certificate if is_tls else None) as proxy:
        ended = secure.run("-U", env={"https_proxy": proxy.url.replace("me:", "you:")})
        assert ended.status == 4
        place = proxy.url.replace("me:p%40ss@", "")
        assert f"the proxy {place} can't be used (" in ended.stderr
        assert "407 No Way" in ended.stderr
        assert "its name and password stand in https_proxy" in ended.stderr
        assert len(proxy.asked) == 1
    assert "p@ss" not in ended.stderr + secure.log
    assert "p%40ss" not in ended.stderr + secure.log


def test_a_wrong_password_for_what_is_forwarded(plain: Mirror, index: FakeIndex) -> None:
    plain.configure(retries=3)
    with HttpProxy(index.origin, login=LOGIN) as proxy:
        ended = plain.run("-U", env={"HTTP_PROXY": proxy.url.replace("me:", "you:")})
        assert ended.status == 4
        assert "answers 407 No Way; the proxy's name and password stand in HTTP_PROXY" in ended.stderr
        assert len(proxy.asked) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
def test_what_a_proxy_fails_to_do_is_tried_again(
    secure: Mirror, front: TlsFront, certificate: Certificate, status: int
) -> None:
    secure.configure(ca_bundle=certificate.path, retries=1)
    with HttpProxy(front.url, statuses=(status,)) as proxy:
        check_whole(secure, secure.run("-U", env={"https_proxy": proxy.url}))
        assert len(proxy.asked) > 1


def test_a_proxy_that_never_reaches_the_index_is_named(
    secure: Mirror, front: TlsFront, certificate: Certificate
) -> None:
    secure.configure(ca_bundle=certificate.path, retries=1)
    with HttpProxy(front.url, statuses=(502,) * 9) as proxy:
        ended = secure.run("-U", env={"https_proxy": proxy.url})
        assert ended.status == 4
        assert f"the proxy {proxy.url} can't be used (Tunnel connection failed: 502 No Way)" in ended.stderr
        assert len(proxy.asked) == 2


def test_a_proxy_that_forbids_the_index_is_asked_once(
    secure: Mirror, front: TlsFront, certificate: Certificate
) -> None:
    secure.configure(ca_bundle=certificate.path, retries=3)
    with HttpProxy(front.url, statuses=(403,) * 9) as proxy:
        ended = secure.run("-U", env={"https_proxy": proxy.url})
        assert ended.status == 4
        assert "403 No Way" in ended.stderr
        assert len(proxy.asked) == 1


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_proxy_that_never_answers_is_left(
    secure: Mirror, front: TlsFront, certificate: Certificate, is_tls: bool
) -> None:
    secure.configure(ca_bundle=certificate.path, timeout=1)
    with HttpProxy(front.url, statuses=(0,) * 9, certificate=certificate if is_tls else None) as proxy:
        ended = secure.run("-U", env={"https_proxy": proxy.url})
        assert ended.status == 4
        place = f"{proxy.url.partition(':')[0]}://127.0.0.1:{proxy.port}"
        assert f"the proxy {place} can't be used (it takes too long: no answer within 1 s" in ended.stderr
        assert len(proxy.asked) == 1


@pytest.mark.parametrize("kind", ["http", "https", "socks5", "socks5h"])
def test_a_proxy_that_is_not_there_is_named(secure: Mirror, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        place = f"{kind}://127.0.0.1:{gone.getsockname()[1]}"
    ended = secure.run("-U", env={"https_proxy": place})
    assert ended.status == 4
    assert f"https://{NAME}/simple/: the proxy {place} can't be used (" in ended.stderr
    assert "Connection refused" in ended.stderr
    assert "object at" not in ended.stderr


@pytest.mark.parametrize("login", [None, LOGIN])
def test_a_tunnel_through_a_proxy_that_speaks_tls(
    secure: Mirror, front: TlsFront, certificate: Certificate, login: str | None
) -> None:
    with HttpProxy(front.url, certificate=certificate, login=login) as proxy:
        check_whole(secure, secure.run("-U", env={"https_proxy": proxy.url}))
    assert all(line.startswith(CONNECT) for line in proxy.lines)
    assert set(front.names) == {NAME}


def test_a_large_file_comes_through_tls_in_tls(
    secure: Mirror, front: TlsFront, index: FakeIndex, certificate: Certificate
) -> None:
    index.add("large", "1.0", extra_size=3_000_000, sdist=False)
    with HttpProxy(front.url, certificate=certificate) as proxy:
        assert secure.run("-U", env={"https_proxy": proxy.url}) == GOOD
    assert secure.check_links() == 5


@pytest.mark.parametrize("login", [None, LOGIN])
def test_a_proxy_that_speaks_tls_forwards(
    plain: Mirror, index: FakeIndex, certificate: Certificate, login: str | None
) -> None:
    plain.configure(ca_bundle=certificate.path)
    with HttpProxy(index.origin, certificate=certificate, login=login) as proxy:
        check_whole(plain, plain.run("-U", env={"http_proxy": proxy.url}))
    assert proxy.lines[0].startswith(f"GET http://{NAME}/simple/ HTTP/1.1")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (faults.Status(503), "answers 503 Service Unavailable"),
        (faults.Status(403), "or in ~/.netrc (or where NETRC says)"),
        (faults.Hang(600), "no answer within 1 seconds (timeout)"),
        (faults.Drop(), "Remote end closed connection without response"),
        (faults.Cut(20), "the answer broke off ("),
        (faults.HangBody(20, 600), "nothing of it came for 1 seconds (timeout)"),
    ],
)
def test_what_fails_behind_a_proxy_that_forwards_names_it(
    plain: Mirror, index: FakeIndex, fault: faults.Fault, reason: str
) -> None:
    """Nobody can tell whether it was the proxy, or the index behind it."""
    plain.configure(timeout=1, retries=0)
    index.fault("*", fault)
    ended = plain.run("-U", env={"http_proxy": index.origin.replace("//", "//me:p%40ss@")})
    assert ended.status == 4
    assert reason in ended.stderr
    assert f"; it was asked through the proxy {index.origin} (http_proxy)" in ended.stderr
    assert "p%40ss" not in ended.stderr + plain.log


def test_what_a_proxy_that_forwards_answers_names_it(plain: Mirror, index: FakeIndex) -> None:
    with HttpProxy(index.origin, statuses=(502,) * 9) as proxy:
        ended = plain.run("-U", env={"ALL_PROXY": proxy.url})
        assert ended.status == 4
        assert f"answers 502 No Way; it was asked through the proxy {proxy.url} (ALL_PROXY)" in ended.stderr


def test_a_tunnel_through_which_nothing_comes_names_its_proxy(
    secure: Mirror, front: TlsFront, index: FakeIndex, certificate: Certificate
) -> None:
    secure.configure(ca_bundle=certificate.path, timeout=1, retries=0)
    index.fault("/simple/", faults.HangBody(20, 600))
    with HttpProxy(front.url) as proxy:
        ended = secure.run("-U", env={"https_proxy": proxy.url})
        assert ended.status == 4
        assert "nothing of it came for 1 seconds (timeout)" in ended.stderr
        assert f"; it was asked through the proxy {proxy.url} (https_proxy)" in ended.stderr


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxys_certificate_is_verified(
    index: FakeIndex, front: TlsFront, make_mirror: MakeMirror, tmp_path: Path, scheme: str
) -> None:
    folder = tmp_path / "proxy"
    folder.mkdir()
    certificate = Certificate(folder)
    mirror = at(make_mirror(), scheme, ca_bundle=tmp_path / "certificate.pem", retries=3)
    target = front.url if scheme == "https" else index.origin
    with HttpProxy(target, certificate=certificate) as proxy:
        ended = mirror.run("-U", env={f"{scheme}_proxy": proxy.url})
        assert ended.status == 4
        assert f"the proxy {proxy.url} can't be used (" in ended.stderr
        assert "certificate verify failed" in ended.stderr
        assert "name that authority's in ca_bundle" in ended.stderr
        assert not proxy.asked
        both = tmp_path / "both.pem"
        both.write_bytes(certificate.path.read_bytes() + (tmp_path / "certificate.pem").read_bytes())
        mirror.configure(ca_bundle=both)
        assert is_over(mirror.run("-U", env={f"{scheme}_proxy": proxy.url}))


def test_a_clients_certificate_is_shown_to_no_proxy(
    secure: Mirror, front: TlsFront, certificate: Certificate
) -> None:
    secure.configure(ca_bundle=certificate.path, client_certificate=f"{certificate.path} {certificate.key}")
    with HttpProxy(front.url, certificate=certificate) as proxy:
        check_whole(secure, secure.run("-U", env={"https_proxy": proxy.url}))
    assert proxy.shown == {None}


@pytest.mark.parametrize("is_tls", [False, True])
def test_the_indexs_certificate_is_verified_behind_a_proxy(
    front: TlsFront, make_mirror: MakeMirror, certificate: Certificate, tmp_path: Path, is_tls: bool
) -> None:
    folder = tmp_path / "proxy"
    folder.mkdir()
    of_proxy = Certificate(folder)
    mirror = at(make_mirror(), "https", ca_bundle=of_proxy.path, retries=3)
    with HttpProxy(front.url, certificate=of_proxy if is_tls else None) as proxy:
        ended = mirror.run("-U", env={"https_proxy": proxy.url})
        assert ended.status == 4
        assert f"https://{NAME}/simple/: TLS failed (" in ended.stderr
        assert "certificate verify failed" in ended.stderr
        assert "name that authority's in ca_bundle" in ended.stderr
        assert len(proxy.asked) == 1


@pytest.mark.parametrize("login", [None, LOGIN.replace("@", "")])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_socks_leads_to_an_index(
    index: FakeIndex, plain: Mirror, certificate: Certificate, scheme: str, login: str | None
) -> None:
    at(plain, scheme, ca_bundle=certificate.path)
    with TlsFront(index, certificate) as front:
        target = front.url if scheme == "https" else index.origin
        with SocksProxy(target, login=login) as proxy:
            check_whole(plain, plain.run("-U", env={"ALL_PROXY": proxy.url()}))
    assert set(proxy.asked) == {f"{NAME}:{443 if scheme == 'https' else 80}"}
    assert index.paths()[0] == "/simple/"


def test_socks_with_names_resolved_here(front: TlsFront, make_mirror: MakeMirror, index: FakeIndex) -> None:
    mirror = make_mirror()
    mirror.index_url = "http://localhost/simple/"
    mirror.configure()
    with SocksProxy(index.origin) as proxy:
        check_whole(mirror, mirror.run("-U", env={"http_proxy": proxy.url("socks5"), "no_proxy": ""}))
    assert set(proxy.asked) == {"127.0.0.1:80"}


@pytest.mark.parametrize("wrong", ["login", "answer"])
def test_socks_that_refuses_is_named(front: TlsFront, secure: Mirror, wrong: str) -> None:
    with SocksProxy(front.url, login="me:pass", answer=5 if wrong == "answer" else 0) as proxy:
        address = proxy.url().replace("pass", "word") if wrong == "login" else proxy.url()
        ended = secure.run("-U", env={"https_proxy": address})
        assert ended.status == 4
        assert f"the proxy socks5h://127.0.0.1:{proxy.port} can't be used (" in ended.stderr
    assert ("authentication failed" if wrong == "login" else "Connection refused") in ended.stderr
    assert "me:" not in ended.stderr + secure.log


@pytest.mark.parametrize(
    "proxy", ["ftp://127.0.0.1:1", "socks://127.0.0.1:1", "http://", "http://127.0.0.1:x", "http://[::1:80"]
)
@pytest.mark.parametrize("variable", ["https_proxy", "ALL_PROXY"])
def test_what_is_no_proxy_is_an_error_of_the_configuration(
    secure: Mirror, index: FakeIndex, variable: str, proxy: str
) -> None:
    ended = secure.run("-U", env={variable: proxy})
    assert ended.status == 2
    assert f"{variable} = {proxy[:5]}" in ended.stderr
    assert "http, https, socks5, socks5h, socks4 and socks4a" in ended.stderr
    assert not secure.root.exists() or not any(secure.root.iterdir())
    assert not index.requests


def test_a_secret_in_what_is_no_proxy_is_not_told(secure: Mirror) -> None:
    ended = secure.run("-U", env={"https_proxy": "socks6://me:secret@127.0.0.1:1"})
    assert ended.status == 2
    assert "secret" not in ended.stderr


def test_a_proxy_that_the_index_does_not_need_is_no_error(secure: Mirror, front: TlsFront) -> None:
    with HttpProxy(front.url) as proxy:
        environment = {"https_proxy": proxy.url, "all_proxy": "socks://127.0.0.1:1", "http_proxy": "ftp://x"}
        check_whole(secure, secure.run("-U", env=environment))


def test_a_proxy_that_a_file_needs_and_nobody_can_use_is_named_there(
    secure: Mirror, front: TlsFront, index: FakeIndex, certificate: Certificate
) -> None:
    index.files("six")[0].url = f"http://files.example.org/{index.files('six')[0].filename}"
    secure.configure(ca_bundle=certificate.path, retries=3)
    with HttpProxy(front.url) as proxy:
        ended = secure.run("-U", env={"https_proxy": proxy.url, "http_proxy": "socks://127.0.0.1:1"})
    assert ended.status == 3
    assert "http_proxy = socks://127.0.0.1:1" in ended.stderr


def test_socks_needs_what_is_not_always_installed(secure: Mirror, tmp_path: Path) -> None:
    without = tmp_path / "without"
    without.mkdir()
    (without / "socks.py").write_text("raise ImportError('as if it were not installed')\n")
    environment = {"https_proxy": "socks5h://127.0.0.1:1", "PYTHONPATH": str(without)}
    ended = secure.run("-U", env=environment)
    assert ended.status == 2
    assert "https_proxy = socks5h://127.0.0.1:1: " in ended.stderr
    assert "pypimirror-ng[socks]" in ended.stderr
    assert not secure.root.exists() or not any(secure.root.iterdir())


def test_modes_that_ask_nobody_need_no_proxy(plain: Mirror, index: FakeIndex) -> None:
    with HttpProxy(index.origin) as proxy:
        check_whole(plain, plain.run("-U", env={"http_proxy": proxy.url}))
    for mode in ("--verify", "--status"):
        assert plain.run(mode, env={"http_proxy": "ftp://x"}).status == 0


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_proxy_of_the_other_scheme_is_named(
    secure: Mirror, front: TlsFront, certificate: Certificate, is_tls: bool
) -> None:
    with HttpProxy(front.url, certificate=certificate if is_tls else None) as proxy:
        place = f"{'http' if is_tls else 'https'}://127.0.0.1:{proxy.port}"
        ended = secure.run("-U", env={"https_proxy": place})
    assert ended.status == 4
    assert f"https://{NAME}/simple/: the proxy {place} can't be used (" in ended.stderr


def test_a_proxy_that_hangs_up_is_named(secure: Mirror) -> None:
    with RawServer() as server:
        server.answers[f"{NAME}:443"] = CLOSED
        ended = secure.run("-U", env={"https_proxy": server.origin})
        assert ended.status == 4
        assert f"https://{NAME}/simple/: the proxy {server.origin} can't be used (" in ended.stderr
