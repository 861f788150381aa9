"""What is trusted of files that lie elsewhere: what is refused, what is pinned, what counts as a change."""

import hashlib
from pathlib import Path

import pytest

from tests import faults
from tests.distributions import make_wheel
from tests.external import OPTIONS, Make, lead, mirrored, names, offer, sdist
from tests.fake_index import FakeIndex
from tests.index_server import Answer, Exchange
from tests.mirror import GOOD
from tests.missing import unable
from tests.outside_host import OutsideHost, link
from tests.tls import Certificate, TlsServer


def test_http_without_a_digest_is_refused_and_with_one_it_is_taken(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    digest = "#md5=" + hashlib.md5(sdist("0.8")[1]).hexdigest()
    with OutsideHost() as other:
        lead(index, link(offer(host, "0.9")), link(offer(other, "0.8") + digest))
        mirror = make(external_http=False)
        ended = mirror.run("-U")
    assert ended.status == 3
    assert "external_http = True" in ended.stderr
    assert mirror.listed("demo") == names("0.8")
    assert not host.paths()


def test_https_is_enough(index: FakeIndex, host: OutsideHost, make: Make, tmp_path: Path) -> None:
    try:
        certificate = Certificate(tmp_path, f"IP:{host.address}")
    except FileNotFoundError:
        unable("openssl is not there to make a certificate")
    name, content = sdist("0.9")
    host.put(f"/{name}", content)
    with TlsServer(certificate, host.address, host.port) as server:
        lead(index, link(f"https://{host.address}:{server.port}/{name}"))
        mirror = make(external_http=False)
        assert mirror.run("-U", env={"REQUESTS_CA_BUNDLE": str(certificate.path)}) == GOOD
    assert mirror.listed("demo") == names("0.9")


def test_a_digest_of_the_link_has_to_be_right(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    lead(index, link(offer(host, "0.9") + f"#sha256={'0' * 64}"))
    mirror = make()
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "upstream's page says" in ended.stderr
    assert mirror.listed("demo") == names()
    assert not (mirror.root / "demo/demo-0.9.tar.gz").exists()


def test_a_digest_that_contradicts_what_is_held_is_told(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    mirror = mirrored(index, host, make)
    before = mirror.tree()
    lead(index, link(f"{host.origin}/dist/demo-0.9.tar.gz#sha256={'0' * 64}"))
    assert "upstream's page says" in mirror.run("-U").stderr
    assert mirror.tree() == before
    digest = hashlib.sha512(sdist("0.9")[1]).hexdigest()
    lead(index, link(f"{host.origin}/dist/demo-0.9.tar.gz#sha512={digest}"))
    mirror.update()
    assert mirror.file("demo", "demo-0.9.tar.gz").hashes["sha512"] == digest


def test_of_two_links_to_a_file_the_better_one_counts(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    digest = hashlib.sha256(sdist("0.9")[1]).hexdigest()
    with OutsideHost() as other, OutsideHost() as dead:
        plain = link(offer(other, "0.9", more=10), rel="homepage")
        gone = link(f"{dead.origin}/demo-0.8.tar.gz")
        lead(index, plain, link(offer(host, "0.9") + f"#sha256={digest}"), gone, link(offer(other, "0.8")))
        mirror = make()
        mirror.run("-U")
        assert mirror.file("demo", "demo-0.9.tar.gz").hashes["sha256"] == digest
        mirror.age(25)
        mirror.run("-U")
        assert mirror.listed("demo") == names("0.8", "0.9")


def test_what_is_blocked_by_its_bytes_is_fetched_once(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    bad = link(offer(host, "0.9"))
    lead(index, bad)
    mirror = make(blocked_files=hashlib.sha256(sdist("0.9")[1]).hexdigest())
    mirror.run("-U")
    assert "/dist/demo-0.9.tar.gz" in host.paths()
    lead(index, bad, link(offer(host, "0.8")))
    mirror.age(25)
    mirror.update()
    assert mirror.listed("demo") == names("0.8")
    assert "/dist/demo-0.9.tar.gz" not in host.paths()


@pytest.mark.parametrize("suffix", [".tar", ".dmg"])
def test_a_page_is_no_file(index: FakeIndex, host: OutsideHost, make: Make, suffix: str) -> None:
    lead(index, link(host.put(f"/demo-0.9{suffix}", b"<html>This domain is for sale", "text/html")))
    mirror = make()
    assert "what comes is a page" in mirror.run("-U").stderr
    assert mirror.listed("demo") == names()


def test_a_moved_file_is_compared_once(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    with OutsideHost() as other:
        lead(index, link(offer(other, "0.9")))
        mirror = make()
        mirror.update()
        lead(index, link(offer(host, "0.9")))
        mirror.update()
    statuses = []
    for _ in range(3):
        statuses.append([request.status for request in host.requests])
        host.paths()
        mirror.age(25)
        mirror.update()
    assert statuses == [[200], [304], [304]]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (faults.Body(b"<html>Sorry, we moved.", "text/html"), "what comes is no gz file"),
        (faults.Body(b"", "application/gzip"), "what comes is no gz file"),
        (faults.Body(b"\x1f", "application/gzip"), "what comes is no gz file"),
        (faults.Extend(b""), "nobody can tell whether it is whole"),
        (faults.Cut(100), "broke off"),
        (faults.CutChunked(100), "broke off"),
        (faults.Status(403), "answers 403"),
        (faults.Redirect("http://169.254.169.254/latest/"), "is no public address"),
        (faults.Headers({"Content-Length": str(10 * 10**9)}), "it is longer than 1,073,741,824 bytes"),
        (faults.Drop(), "demo-0.9.tar.gz: http://"),
    ],
)
def test_what_is_not_taken(
    index: FakeIndex, host: OutsideHost, make: Make, fault: faults.Fault, reason: str
) -> None:
    lead(index, link(offer(host, "0.9", more=5000)))
    host.fault("/dist/*", fault)
    mirror = make(timeout=2)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert reason in ended.stderr
    assert mirror.listed("demo") == names()
    assert not (mirror.root / "demo/demo-0.9.tar.gz").exists()
    assert mirror.run("--verify").stdout == "verified 1 file of 1 project: 0 wrong, 0 foreign\n"


class Endless(faults.Fault):
    """Ten gigabytes, in chunks."""

    def play(self, exchange: Exchange) -> None:
        exchange.start(Answer(200, {"Transfer-Encoding": "chunked", "Content-Type": "application/gzip"}))
        exchange.write(b"2\r\n\x1f\x8b\r\n")
        block = b"100000\r\n" + bytes(0x100000) + b"\r\n"
        for _ in range(10_000):
            exchange.write(block)


@pytest.mark.disk  # a gigabyte of it comes
def test_ten_gigabytes_are_not_waited_for(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    lead(index, link(offer(host, "0.9")))
    host.fault("/dist/*", Endless())
    mirror = make()
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "it is longer than 1,073,741,824 bytes" in ended.stderr
    assert not mirror.temporary_files()


def test_what_apache_says_of_packed_files_is_no_reason_to_refuse_them(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    with OutsideHost() as other:
        wheel, content = make_wheel("demo", "0.8")
        lead(index, link(offer(host, "0.9")), link(other.put(f"/{wheel}", content)))
        host.fault("*", faults.Headers({"Content-Encoding": "x-gzip"}))
        other.fault("*", faults.Encoded())
        mirror = make()
        ended = mirror.run("-U")
    assert "it comes packed (gzip) and has no digest" in ended.stderr
    assert mirror.listed("demo") == names("0.9")
    assert (mirror.root / "demo/demo-0.9.tar.gz").read_bytes() == sdist("0.9")[1]


def test_other_bytes_are_refused_and_reported_and_not_fetched_again(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    mirror = mirrored(index, host, make)
    before = mirror.tree()
    offer(host, "0.9", more=10)
    mirror.age(25)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "refused: other bytes lie at" in ended.stderr
    assert mirror.tree() == before
    assert mirror.run("-U").status == 3
    assert "refused: other bytes" in mirror.run("--status").stdout
    # It stays wrong, though the project's page changes, and nothing comes a second time.
    index.touch("demo")
    mirror.age(25)
    host.paths()
    assert mirror.run("-U").status == 3
    assert [request.status for request in host.requests] == [304]
    assert mirror.tree() == before


def test_what_was_refused_may_be_accepted_or_come_back(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    mirror = mirrored(index, host, make)
    first = mirror.file("demo", "demo-0.9.tar.gz").hashes["sha256"]
    offer(host, "0.9", more=10)
    mirror.age(25)
    ended = mirror.run("-U")
    told = ended.stderr.partition("accepted_changes = ")[2].partition(" takes")[0]
    mirror.configure(**OPTIONS, accepted_changes=told)
    mirror.update()
    second = mirror.file("demo", "demo-0.9.tar.gz").hashes["sha256"]
    assert told == f"demo-0.9.tar.gz sha256={second}"
    mirror.check_links()
    # The old bytes are others now, and are refused; when the accepted ones are back all is well.
    mirror.configure(**OPTIONS)
    offer(host, "0.9")
    mirror.age(25)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert f"sha256={first}" in ended.stderr
    offer(host, "0.9", more=10)
    mirror.age(25)
    mirror.update()
    assert mirror.run("--verify=hash").status == 0


def test_the_same_bytes_with_other_headers_are_no_change(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    mirror = mirrored(index, host, make)
    before = mirror.tree()
    for header in ({"ETag": '"new"'}, {"ETag": None, "Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT"}):
        host.clear_faults()
        host.fault("*", faults.Headers(header))
        mirror.age(25)
        mirror.update()
    assert mirror.tree() == before


@pytest.mark.parametrize("left_out", [(), ("ETag",), ("Last-Modified",), ("ETag", "Last-Modified")])
def test_what_did_not_change_is_not_read_again(
    index: FakeIndex, host: OutsideHost, make: Make, left_out: tuple[str, ...]
) -> None:
    """Also where a server does not know conditional requests, and offers its length alone."""
    lead(index, link(offer(host, "0.9", more=15_000_000)))
    host.fault("*", faults.Headers(dict.fromkeys(left_out)))
    mirror = make()
    mirror.update()
    sent: list[int] = []

    class Counting(faults.Fault):
        def play(self, exchange: Exchange) -> None:
            answer = exchange.normal_answer().sized()
            if answer.status == 200:
                answer = answer.with_headers(dict.fromkeys(left_out))
            exchange.start(answer)
            for start in range(0, len(answer.body), 10_000):
                sent.append(start)
                exchange.write(answer.body[start : start + 10_000])

    host.clear_faults()
    host.fault("*", Counting())
    mirror.age(25)
    host.paths()
    mirror.update()
    assert host.paths() == ["/dist/demo-0.9.tar.gz"]
    assert len(sent) < 1500, "it was read to its end"


@pytest.mark.parametrize("by", ["digest", "release"])
@pytest.mark.parametrize("mode", ["-U", "-I", "-i"])
def test_what_is_held_and_gets_blocked_goes_for_good(
    index: FakeIndex, host: OutsideHost, make: Make, mode: str, by: str
) -> None:
    lead(index, link(offer(host, "0.9")), link(offer(host, "0.8")))
    mirror = make()
    mirror.update()
    blocked = hashlib.sha256(sdist("0.9")[1]).hexdigest() if by == "digest" else "demo==0.9"
    mirror.configure(**OPTIONS, blocked_files=blocked)
    mirror.run(mode)
    for arguments in ((), ("-U",), ("-I",)):
        if arguments:
            mirror.run(*arguments)
        assert mirror.listed("demo") == names("0.8"), arguments
        assert not (mirror.root / "demo/demo-0.9.tar.gz").exists(), arguments
