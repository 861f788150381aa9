"""Files that lie elsewhere: which links are followed, what is taken and pinned, and what happens when not."""

import hashlib
import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import faults
from tests.distributions import make_sdist, make_wheel
from tests.fake_index import FakeIndex
from tests.index_server import Answer, Exchange
from tests.mirror import Ended, Mirror
from tests.missing import unable
from tests.outside_host import OutsideHost, link
from tests.tls import Certificate, TlsServer

Make = Callable[..., Mirror]
OPTIONS = {
    "package_matches": "demo",
    "external_links": True,
    "external_http": True,
    "external_hosts": "127.*",
}
PAGES = {"follow_external_index_pages": True}


@pytest.fixture
def index() -> Iterator[FakeIndex]:
    """An index as old ones were: HTML alone, with a project that has a release of its own."""
    with FakeIndex(formats=("html",)) as running:
        running.add("demo", "1.0", wheel=False)
        yield running


@pytest.fixture
def host() -> Iterator[OutsideHost]:
    with OutsideHost() as running:
        yield running


@pytest.fixture
def make(tmp_path: Path, index: FakeIndex) -> Make:
    """Make a mirror that follows links; keywords are more options."""

    def made(**options: object) -> Mirror:
        return Mirror(tmp_path, index.url, **(OPTIONS | options))

    return made


def lead(index: FakeIndex, *anchors: str, project: str = "demo") -> None:
    """Let a project's page have these anchors beside its files."""
    index.project(project).links[:] = anchors
    index.touch(project)


def sdist(version: str, *, name: str = "demo", more: int = 0) -> tuple[str, bytes]:
    return make_sdist(name, version, extra_size=more)


def offer(host: OutsideHost, version: str, *, more: int = 0, folder: str = "/dist") -> str:
    """Let an sdist of demo lie on a host, and return its address."""
    name, content = sdist(version, more=more)
    return host.put(f"{folder}/{name}", content)


def names(*versions: str) -> set[str]:
    return {f"demo-{version}.tar.gz" for version in ("1.0", *versions)}


# Which links


@pytest.mark.parametrize(
    "anchor",
    [
        lambda url: link(url, rel="download", text="0.9"),
        lambda url: link(url, rel="homepage", text="0.9"),
        lambda url: link(url, rel="", text="0.9 download_url"),
        lambda url: link(url, rel="", text="home_page"),
    ],
)
def test_links_that_lead_elsewhere(
    index: FakeIndex, host: OutsideHost, make: Make, anchor: Callable[[str], str]
) -> None:
    lead(index, anchor(offer(host, "0.9")))
    mirror = make()
    mirror.update()
    assert mirror.listed("demo") == names("0.9")
    assert mirror.check_links() == 2
    assert host.paths() == ["/dist/demo-0.9.tar.gz"]
    listed = mirror.file("demo", "demo-0.9.tar.gz")
    assert listed.hashes.keys() == {"sha256"}
    assert listed.upload_time is None
    assert mirror.run("--verify=hash").status == 0


def test_without_the_option_nothing_is_followed(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    index.has_documents = True
    lead(index, link(offer(host, "0.9")))
    index.project("demo").download_url = offer(host, "0.8")
    make(external_links=False).update()
    assert not host.paths()
    assert "/pypi/demo/json" not in index.paths()


def test_the_command_lines_flags(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    lead(index, link(host.page("/", "demo-0.9.tar.gz")))
    host.put("/demo-0.9.tar.gz", sdist("0.9")[1])
    mirror = make(external_links=False)
    assert mirror.run("-U", "-e") == Ended(0, "", "")
    assert mirror.listed("demo") == names()
    assert mirror.run("-U", "-e", "-x") == Ended(0, "", "")
    assert mirror.listed("demo") == names("0.9")


def test_the_download_url_of_the_legacy_document(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    index.formats = ("json", "html")
    index.has_documents = True
    index.project("demo").download_url = offer(host, "0.9")
    index.touch("demo")
    mirror = make()
    mirror.update()
    assert mirror.listed("demo") == names("0.9")


def test_names_that_the_address_does_not_end_with(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    with OutsideHost() as other, OutsideHost() as third:
        query = other.put("/get", sdist("0.8")[1]) + "?file=demo-0.8.tar.gz&mirror=1"
        offered = host.put("/latest", sdist("0.9")[1])
        header = {"Content-Disposition": 'attachment; filename="/home/me/demo-0.9.tar.gz"'}
        host.fault("/latest", faults.Headers(header))
        third.put("/dist/demo-0.7.tar.gz", sdist("0.7")[1])
        third.fault("/newest", faults.Redirect("/dist/demo-0.7.tar.gz"))
        lead(index, link(query), link(offered), link(f"{third.origin}/newest"))
        mirror = make()
        mirror.update()
        assert mirror.listed("demo") == names("0.7", "0.8", "0.9")


def test_only_what_is_a_wanted_file_of_the_project_is_taken(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    other = host.put("/other-0.9.tar.gz", sdist("0.9", name="other")[1])
    page = host.page("/home", "/demo-0.6.tar.gz")
    odd = [host.put(path, b"x") for path in ("/demo-0.9.txt", "/demo.zip", "/demo-0.9.tar.gz.html")]
    lead(
        index,
        *map(link, [other, page, *odd, offer(host, "0.8", folder="/a")]),
        link("ftp://127.0.0.1/demo-0.5.zip"),
    )
    mirror = make(filename_excludes="demo-0.8*")
    mirror.update()
    assert mirror.listed("demo") == names()
    assert "/demo-0.6.tar.gz" not in host.paths()


def test_a_wheel_elsewhere_gets_its_core_metadata(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    name, content = make_wheel("demo", "0.9")
    lead(index, link(host.put(f"/{name}", content)))
    mirror = make()
    mirror.update()
    assert mirror.file("demo", name).core_metadata
    mirror.check_links()


# Pages elsewhere


def test_of_a_page_the_newest_versions_come_and_no_snapshots(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    with OutsideHost() as page:
        files = [offer(host, f"0.{number}") for number in range(22)]
        snapshots = [offer(host, "2.0.dev1"), f"{host.origin}/demo-3.0-dev.zip"]
        deeper = page.page("/deeper/", offer(host, "9.0"))
        lead(index, link(page.page("/dist/", *files, *snapshots, deeper, "other-1.0.zip"), rel="homepage"))
        mirror = make(**PAGES)
        dry = mirror.run("-U", "--dry-run")
        assert dry.status == 0
        assert "demo: fetch 21" in dry.stdout  # twenty, and the one of the index
        assert not host.paths()
        assert page.paths() == ["/dist/", "/robots.txt"]


def test_a_page_is_read_one_level_deep(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    host.put("/d/demo-0.9.tar.gz", sdist("0.9")[1])
    host.page("/d/more/", "demo-0.8.tar.gz")
    lead(index, link(host.page("/d/", "more/", "demo-0.9.tar.gz", "../x")))
    mirror = make(**PAGES)
    mirror.update()
    assert mirror.listed("demo") == names("0.9")
    assert host.paths() == ["/d/", "/robots.txt", "/d/demo-0.9.tar.gz"]


def test_robots_are_heeded_where_a_page_is_read(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    host.put("/robots.txt", b"User-agent: *\nDisallow: /d/", "text/plain")
    lead(index, link(host.page("/d/", offer(host, "0.9"))))
    mirror = make(**PAGES)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "its robots.txt asks not to read it" in ended.stderr
    assert mirror.listed("demo") == names()


def test_a_host_is_asked_once_a_second(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    moments: list[float] = []
    host.fault("*", faults.Call(lambda: moments.append(time.monotonic())))
    lead(index, *(link(offer(host, f"0.{number}")) for number in range(3)))
    make().update()
    assert len(moments) == 3
    assert all(later - earlier > 0.9 for earlier, later in itertools.pairwise(moments))


@pytest.mark.parametrize(
    ("make_page", "reason"),
    [
        (
            lambda host: host.put("/d/", b"<a href='x.zip'>" * 400_000, "text/html"),
            "a page of more than 5000000 bytes",
        ),
        (lambda host: host.put("/d/", b"\0\xff" * 1000, "text/html; charset=klingon"), ""),
        (lambda host: host.put("/d/", b"", "text/html"), ""),
        (lambda host: host.page("/d/", *(f"x{number}.html" for number in range(100_000))), ""),
        (lambda host: host.page("/d/", *(f"demo-{number}.zip?{'x' * 3000}" for number in range(1000))), ""),
    ],
)
def test_hostile_pages(
    index: FakeIndex, host: OutsideHost, make: Make, make_page: Callable[[OutsideHost], str], reason: str
) -> None:
    lead(index, link(make_page(host)))
    mirror = make(**PAGES)
    ended = mirror.run("-U")
    assert reason in ended.stderr
    assert ended.status == (3 if reason else 0)
    assert mirror.listed("demo") == names()


def test_of_a_page_of_a_hundred_thousand_files_few_are_taken(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    lead(index, link(host.page("/d/", *(f"demo-0.{number}.zip" for number in range(100_000)))))
    mirror = make(**PAGES)
    ended = mirror.run("-U", "--dry-run")
    assert ended.status == 0
    assert "demo: fetch 21" in ended.stdout


# Trust


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
        assert mirror.run("-U", env={"REQUESTS_CA_BUNDLE": str(certificate.path)}) == Ended(0, "", "")
    assert mirror.listed("demo") == names("0.9")


def test_a_digest_of_the_link_has_to_be_right(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    lead(index, link(offer(host, "0.9") + f"#sha256={'0' * 64}"))
    mirror = make()
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "upstream's page says" in ended.stderr
    assert mirror.listed("demo") == names()
    assert not (mirror.root / "demo/demo-0.9.tar.gz").exists()


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
        (faults.Headers({"Content-Length": str(10 * 10**9)}), "it is longer than 1073741824 bytes"),
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
    assert mirror.run("--verify").stdout == "verified 1 files of 1 projects: 0 wrong, 0 foreign\n"


class Endless(faults.Fault):
    """Ten gigabytes, in chunks."""

    def play(self, exchange: Exchange) -> None:
        exchange.start(Answer(200, {"Transfer-Encoding": "chunked", "Content-Type": "application/gzip"}))
        exchange.write(b"2\r\n\x1f\x8b\r\n")
        block = b"100000\r\n" + bytes(0x100000) + b"\r\n"
        for _ in range(10_000):
            exchange.write(block)


def test_ten_gigabytes_are_not_waited_for(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    lead(index, link(offer(host, "0.9")))
    host.fault("/dist/*", Endless())
    mirror = make()
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "it is longer than 1073741824 bytes" in ended.stderr
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
    lead(index, link(offer(host, "0.9")))
    mirror = make()
    mirror.update()
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
    lead(index, link(offer(host, "0.9")))
    mirror = make()
    mirror.update()
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
    lead(index, link(offer(host, "0.9")))
    mirror = make()
    mirror.update()
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


# The index and its links


def test_the_indexs_own_file_counts_for_more(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    """A file named like one of the index's own, with other content, is never taken, and gives way."""
    lead(index, link(offer(host, "1.0", more=10)), link(offer(host, "0.9", more=10)))
    mirror = make()
    mirror.update()
    assert host.paths() == ["/dist/demo-0.9.tar.gz"]
    own = index.files("demo")[0].hashes["sha256"]
    assert mirror.file("demo", "demo-1.0.tar.gz").hashes["sha256"] == own
    (added,) = index.add("demo", "0.9", wheel=False)
    mirror.age(25)
    mirror.update()
    assert mirror.file("demo", "demo-0.9.tar.gz").hashes["sha256"] == added.hashes["sha256"]
    mirror.check_links()
    assert not host.paths()


def test_a_link_that_is_gone_takes_its_file_along(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    lead(index, link(offer(host, "0.9")), link(offer(host, "0.8")))
    mirror = make()
    mirror.update()
    lead(index, link(f"{host.origin}/dist/demo-0.8.tar.gz"))
    host.paths()
    mirror.update()
    assert mirror.listed("demo") == names("0.8")
    assert (mirror.root / "demo/demo-0.9.tar.gz").exists(), "it has its grace"
    # It comes back with the bytes that were pinned, or not at all.
    lead(index, link(offer(host, "0.9", more=10)), link(f"{host.origin}/dist/demo-0.8.tar.gz"))
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "refused: other bytes lie at" in ended.stderr
    assert mirror.listed("demo") == names("0.8")
    offer(host, "0.9")
    mirror.age(12)
    assert mirror.run("-U", "--project", "demo") == Ended(0, "", "")
    assert mirror.listed("demo") == names("0.8", "0.9")


def test_after_the_grace_it_is_gone(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    lead(index, link(offer(host, "0.9")))
    mirror = make()
    mirror.update()
    lead(index)
    mirror.update()
    mirror.age(25)
    mirror.update()
    assert mirror.names() == {"demo/demo-1.0.tar.gz"}
    mirror.age(25)
    host.paths()
    mirror.update()
    assert not host.paths()


def test_a_link_that_moves_keeps_what_is_held(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    with OutsideHost() as other:
        lead(index, link(offer(other, "0.9")))
        mirror = make()
        mirror.update()
        before = mirror.tree()
        lead(index, link(offer(host, "0.9")))
        mirror.update()
        assert mirror.tree() == before
        mirror.age(25)
        other.paths()
        mirror.update()
        assert not other.paths()
        # To a place where other bytes lie it does not.
        lead(index, link(offer(host, "0.9", more=10, folder="/new")))
        assert mirror.run("-U").status == 3
        assert mirror.tree() == before


def test_a_page_that_can_not_tell_that_a_link_is_gone_removes_nothing(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    lead(index, link(offer(host, "0.9")))
    mirror = make()
    mirror.update()
    before = mirror.tree()
    for fault in (faults.Status(500), faults.Body(b"<html></html>", "text/html")):
        index.clear_faults()
        index.fault("/simple/demo/", fault)
        assert mirror.run("-I").status in (3, 4)
        assert mirror.tree() == before
    # JSON has no such links, and so says nothing of them.
    index.clear_faults()
    index.formats = ("json",)
    index.touch("demo")
    mirror.update()
    assert mirror.names() == {"demo/demo-1.0.tar.gz", "demo/demo-0.9.tar.gz"}


def test_trouble_with_the_legacy_document_removes_nothing(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    index.formats = ("json",)
    index.has_documents = True
    index.project("demo").download_url = offer(host, "0.9")
    mirror = make()
    mirror.update()
    before = mirror.tree()
    index.touch("demo")
    index.fault("/pypi/*", faults.Status(500))
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "answers 500" in ended.stderr
    assert mirror.tree()["demo/demo-0.9.tar.gz"] == before["demo/demo-0.9.tar.gz"]
    assert mirror.listed("demo") == names("0.9")
    index.clear_faults()
    index.project("demo").download_url = "UNKNOWN"
    index.touch("demo")
    mirror.update()
    assert mirror.listed("demo") == names()


@pytest.mark.parametrize(
    "fault",
    [
        faults.Status(403),
        faults.Status(404),
        faults.Body(b"<html>Hello", "text/html"),
        faults.Body(b"[]", "application/json"),
    ],
)
def test_an_index_without_such_documents(
    index: FakeIndex, host: OutsideHost, make: Make, fault: faults.Fault
) -> None:
    index.fault("/pypi/*", fault)
    lead(index, link(offer(host, "0.9")))
    mirror = make()
    mirror.update()
    assert mirror.listed("demo") == names("0.9")


def test_a_quarantine_takes_them_along(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    lead(index, link(offer(host, "0.9")))
    mirror = make()
    mirror.update()
    index.project("demo").status = "quarantined"
    index.touch("demo")
    host.paths()
    mirror.update()
    assert mirror.names() == set()
    assert not host.paths()
    index.project("demo").status = "active"
    index.touch("demo")
    mirror.update()
    assert mirror.listed("demo") == names("0.9")


# What does not answer


def test_a_dead_link_is_told_once_and_then_once_a_week(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    lead(index, link(offer(host, "0.9")), link(offer(host, "0.8")))
    mirror = make()
    mirror.update()
    before = mirror.tree()
    host.remove("/dist/demo-0.9.tar.gz")
    mirror.age(25)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "demo-0.9.tar.gz: http://" in ended.stderr
    assert "answers 404" in ended.stderr
    for _ in range(5):
        mirror.age(25)
        mirror.update()
    status = mirror.run("--status")
    assert status.status == 0
    assert "dead links 1 that lead elsewhere" in status.stdout
    assert '"dead_links_count": 1' in mirror.run("--status", "--json").stdout
    mirror.age(50)
    assert mirror.run("-U").status == 3
    assert mirror.tree() == before, "it stays as it is"
    offer(host, "0.9")
    mirror.age(25)
    mirror.update()
    assert "dead links" not in mirror.run("--status").stdout


def test_a_dead_host_is_asked_once_and_then_left_alone(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    versions = [f"0.{number}" for number in range(4)]
    lead(index, *(link(offer(host, version)) for version in versions), link(f"{host.origin}/"))
    host.fault("*", faults.Hang(60))
    mirror = make(timeout=2)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert len(host.paths()) == 1
    assert "timed out" in ended.stderr
    assert "its host did not answer lately" in ended.stderr
    # The next days' runs are not held up either: the pauses grow to a week.
    asked = []
    for _ in range(9):
        mirror.age(24.5)
        mirror.run("-U")
        asked.append(len(host.paths()))
    assert asked == [1, 0, 1, 0, 0, 0, 1, 0, 0]
    host.clear_faults()
    mirror.configure(**OPTIONS, timeout=5)
    mirror.update()
    assert mirror.listed("demo") == names(*versions)


def test_one_dead_host_holds_up_no_other(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    with OutsideHost() as dead:
        dead.stop()
        index.add("more", "1.0")
        lead(index, link(f"{dead.origin}/demo-0.1.zip"), link(f"{dead.origin}/"), link(offer(host, "0.9")))
        name, content = sdist("0.9", name="more")
        lead(index, link(host.put(f"/{name}", content)), project="more")
        mirror = make(package_matches="demo more")
        assert mirror.run("-U").status == 3
    assert mirror.listed("demo") == names("0.9")
    assert name in mirror.listed("more")


# Nothing new


def test_an_update_asks_no_host_before_the_interval_is_over(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    lead(index, link(offer(host, "0.9")))
    mirror = make(external_interval_hours=48)
    mirror.update()
    before, requests = mirror.tree(), len(index.paths())
    host.paths()
    index.clear()
    mirror.age(25)
    mirror.update()
    assert len(index.paths()) == 1 < requests
    assert not host.paths()
    # A page that changes is no reason to look at the old links again, but at new ones.
    with OutsideHost() as other:
        lead(index, link(f"{host.origin}/dist/demo-0.9.tar.gz"), link(offer(other, "0.8")))
        mirror.update()
        assert other.paths() == ["/dist/demo-0.8.tar.gz"]
    assert not host.paths()
    mirror.age(24)
    assert mirror.run("-U").status == 3  # the other host is gone
    assert host.paths() == ["/dist/demo-0.9.tar.gz"]
    assert mirror.tree()["demo/demo-0.9.tar.gz"] == before["demo/demo-0.9.tar.gz"]
    host.paths()
    mirror.run("-I")
    assert host.paths() == ["/dist/demo-0.9.tar.gz"]


# The configuration is the truth


@pytest.mark.parametrize("option", ["external_links", "follow_external_index_pages"])
@pytest.mark.parametrize("matches", ["*", "*.*", "", "demo *"])
def test_every_projects_links_are_not_followed_unless_that_is_said(
    index: FakeIndex, make: Make, option: str, matches: str
) -> None:
    mirror = make()
    mirror.configure(package_matches=matches, **{option: True})
    ended = mirror.run("-U")
    assert ended.status == 2
    assert f"{option} = True: package_matches selects every project" in ended.stderr
    assert "external_links_everything = True" in ended.stderr
    assert not mirror.root.exists()
    mirror.configure(package_matches=matches, external_links_everything=True, **{option: True})
    mirror.update()
    flag = {"external_links": "-e", "follow_external_index_pages": "-x"}[option]
    mirror.configure(package_matches=matches)
    assert mirror.run("-U", flag).status == 2
    assert index.paths()


def test_following_pages_alone_has_no_effect_and_a_word(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    lead(index, link(offer(host, "0.9")))
    mirror = make(external_links=False, follow_external_index_pages=True)
    mirror.update()
    assert not host.paths()
    assert "follow_external_index_pages: has no effect without external_links" in mirror.log


def test_options_that_are_turned_off_take_files_along(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    with OutsideHost() as other:
        lead(index, link(offer(host, "0.9")), link(other.page("/", offer(other, "0.8"))))
        mirror = make(**PAGES)
        mirror.update()
        assert mirror.listed("demo") == names("0.8", "0.9")
        mirror.configure(**OPTIONS)
        mirror.update()
        assert mirror.listed("demo") == names("0.9")
        mirror.configure(**OPTIONS, filename_excludes="demo-0.9*")
        mirror.update()
        assert mirror.listed("demo") == names()
        mirror.configure(**(OPTIONS | PAGES))
        mirror.update()
        assert mirror.listed("demo") == names("0.8", "0.9")
        mirror.configure(**(OPTIONS | {"external_links": False}))
        mirror.update()
        assert mirror.listed("demo") == names()
        mirror.age(25)
        mirror.update()
        assert mirror.names() == {"demo/demo-1.0.tar.gz"}


def test_a_host_that_is_allowed_now_is_asked_at_once(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    lead(index, link(offer(host, "0.9")))
    mirror = make(external_hosts="")
    ended = mirror.run("-U")
    assert ended.status == 3
    assert f"{host.address} is no public address; external_hosts can allow its host" in ended.stderr
    mirror.update()
    mirror.configure(**OPTIONS)
    mirror.update()
    assert mirror.listed("demo") == names("0.9")


# State and tree


def test_a_lost_state_takes_them_over(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    with OutsideHost() as other:
        lead(index, link(offer(host, "0.9", more=3_000_000)), link(other.page("/", offer(other, "0.8"))))
        mirror = make(**PAGES)
        mirror.update()
        before = mirror.tree()
        (mirror.root / ".pypimirror/state.sqlite").unlink()
        mirror.update()
        assert mirror.tree() == before
        # What was pinned is pinned.
        offer(host, "0.9", more=10)
        mirror.age(25)
        assert mirror.run("-U").status == 3
        assert mirror.tree() == before


def test_a_lost_state_and_dead_hosts(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    lead(index, link(offer(host, "0.9")))
    mirror = make()
    mirror.update()
    before = mirror.tree()
    (mirror.root / ".pypimirror/state.sqlite").unlink()
    host.stop()
    assert mirror.run("-U").status == 3
    assert mirror.tree() == before
    host.start()
    mirror.age(48)
    mirror.update()
    assert mirror.tree() == before


@pytest.mark.parametrize("arguments", [("--verify", "--repair"), ("-I",)])
def test_what_was_lost_is_fetched_again_if_it_is_what_was_pinned(
    index: FakeIndex, host: OutsideHost, make: Make, arguments: tuple[str, ...]
) -> None:
    lead(index, link(offer(host, "0.9")))
    mirror = make()
    mirror.update()
    lost = mirror.root / "demo/demo-0.9.tar.gz"
    lost.unlink()
    assert mirror.run(*arguments).status == 0
    assert lost.read_bytes() == sdist("0.9")[1]
    assert mirror.run("--verify=hash").status == 0
    lost.unlink()
    offer(host, "0.9", more=10)
    assert mirror.run(*arguments).status == 3
    assert not lost.exists()
    assert mirror.run("-U").status == 3
    mirror.check_links()
    offer(host, "0.9")
    mirror.age(25)
    mirror.update()
    assert lost.read_bytes() == sdist("0.9")[1]


def test_a_dry_run_fetches_nothing_and_says_what_would_come(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    mirror = make(**PAGES)
    mirror.update()
    before = mirror.tree()
    lead(index, link(host.page("/", offer(host, "0.9"))), link(offer(host, "0.8")))
    host.paths()
    ended = mirror.run("-U", "--dry-run")
    assert ended.status == 0
    assert "demo: fetch 2" in ended.stdout
    assert host.paths() == ["/", "/robots.txt"]
    assert mirror.tree() == before
    mirror.update()
    assert mirror.listed("demo") == names("0.8", "0.9")


def test_a_disk_without_room_for_them(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    lead(index, link(offer(host, "0.9")))
    mirror = make()
    mirror.update()
    # A sparse file of a size that does not fit.
    lead(index, link(offer(host, "0.8")), link(f"{host.origin}/dist/demo-0.9.tar.gz"))
    free = shutil.disk_usage(mirror.root).free
    mirror.configure(**OPTIONS, min_free_space=f"{free >> 20}M")
    host.fault("/dist/demo-0.8*", faults.Headers({"Content-Length": str(10**9)}))
    ended = mirror.run("-U")
    assert ended.status == 6
    host.clear_faults()
    mirror.configure(**OPTIONS)
    mirror.update()
    assert mirror.listed("demo") == names("0.8", "0.9")


def test_a_mirror_of_such_a_mirror_has_the_same(
    index: FakeIndex, host: OutsideHost, make: Make, tmp_path: Path
) -> None:
    lead(index, link(offer(host, "0.9")))
    mirror = make()
    mirror.update()
    page = (mirror.root / "demo/index.v1_json").read_bytes()
    with FakeIndex() as second:
        for name in names("0.9"):
            second.add_file("demo", name, (mirror.root / "demo" / name).read_bytes())
        other = Mirror(tmp_path / "other", second.url, package_matches="demo")
        second.fault(
            "/simple/demo/",
            faults.Body(
                page.replace(b'"url":"', b'"url":"/files/demo/'), "application/vnd.pypi.simple.v1+json"
            ),
        )
        other.update()
    assert (other.root / "demo/index.v1_json").read_bytes() == page
