"""Which links are followed, and what is taken of what they lead to."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import faults
from tests.distributions import make_wheel
from tests.external import OPTIONS, PAGES, Make, lead, names, offer, sdist
from tests.fake_index import FakeIndex
from tests.mirror import GOOD, Mirror
from tests.outside_host import OutsideHost, link

# Which links


@pytest.mark.parametrize(
    "flags", [("-e", "-x"), ("--follow-external-links", "--follow-external-index-pages")], ids="-".join
)
def test_the_ancestors_flags(index: FakeIndex, host: OutsideHost, make: Make, flags: tuple[str, str]) -> None:
    lead(index, link(host.page("/d/", offer(host, "0.9"))))
    mirror = make(external_links=None)
    assert mirror.run(*flags, "-U") == GOOD
    assert mirror.listed("demo") == names("0.9")


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
    assert mirror.run("-U", "-e") == GOOD
    assert mirror.listed("demo") == names()
    assert mirror.run("-U", "-e", "-x") == GOOD
    assert mirror.listed("demo") == names("0.9")


def test_the_download_url_of_the_legacy_document(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    index.formats = ("json", "html")
    index.has_documents = True
    index.project("demo").download_url = offer(host, "0.9")
    index.touch("demo")
    mirror = make()
    mirror.update()
    assert mirror.listed("demo") == names("0.9")


def test_an_index_that_can_not_say_what_changed_is_not_asked_for_documents_each_time(
    host: OutsideHost, tmp_path: Path
) -> None:
    with FakeIndex(formats=("html",), serials=False, validators=False) as index:
        index.add("demo", "1.0", wheel=False)
        index.has_documents = True
        mirror = Mirror(tmp_path, index.url, **OPTIONS)
        mirror.update()
        assert "/pypi/demo/json" in index.paths()
        index.clear()
        mirror.update()
        assert index.paths() == ["/simple/demo/"]
        lead(index, link(offer(host, "0.9")))
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
