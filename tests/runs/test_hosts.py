"""Which hosts speak for the index, and which addresses it may name."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import faults
from tests.external import patched
from tests.fake_index import FakeIndex
from tests.mirror import GOOD, Ended, Mirror, is_over
from tests.resolver import PUBLIC, Network
from tests.tls import Certificate, TlsFront

MakeMirror = Callable[..., Mirror]
INDEX = "index.example.org"


@pytest.fixture
def other() -> Iterator[FakeIndex]:
    """An index on another host."""
    with FakeIndex() as running:
        yield running


def elsewhere(other: FakeIndex) -> str:
    """Return the address of another index by another name of this machine."""
    return other.url.replace("127.0.0.1", "localhost")


def send_to(index: FakeIndex, other: FakeIndex, *names: str) -> None:
    for name in names:
        index.fault(f"/simple/{name}/", faults.Redirect(f"{elsewhere(other)}{name}/"))


def port(index: FakeIndex) -> int:
    return urlsplit(index.origin).port or 0


# -- who speaks for the index


def test_a_namesake_of_a_public_index_does_not_come_in(
    index: FakeIndex, other: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0")
    other.add("secret", "99.0")
    send_to(index, other, "secret")
    mirror = make_mirror(package_matches="six secret")
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "its page comes from another host, localhost; index_hosts = localhost lets it in" in ended.stderr
    assert mirror.projects() == ["six"]
    assert not [path for path in other.paths() if path.startswith("/files/")]


def test_a_held_project_is_left_as_it_was(
    index: FakeIndex, other: FakeIndex, make_mirror: MakeMirror
) -> None:
    for name in ("six", "demo"):
        index.add(name, "1.0")
    mirror = make_mirror(package_matches="six demo")
    mirror.update()
    before = mirror.contents()
    other.add("six", "2.0")
    send_to(index, other, "six")
    assert mirror.run("-U").status == 3
    assert mirror.contents() == before


def test_pages_of_index_hosts_add_and_remove(
    index: FakeIndex, other: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("demo", "1.0")
    other.add("six", "1.0")
    other.add("six", "2.0")
    index.add("six", "1.0")
    send_to(index, other, "six")
    mirror = make_mirror(package_matches="six demo", index_hosts="LocalHos*", removal_limit=100)
    mirror.update()
    assert "six-2.0.tar.gz" in mirror.listed("six")
    other.remove_file("six", "six-2.0.tar.gz")
    mirror.update()
    assert "six-2.0.tar.gz" not in mirror.listed("six")
    assert "six-1.0.tar.gz" in mirror.listed("six")


@pytest.mark.parametrize("projects", ["*", "six demo"])
def test_an_index_that_moved_is_told(
    projects: str, index: FakeIndex, other: FakeIndex, make_mirror: MakeMirror
) -> None:
    for name in ("six", "demo"):
        index.add(name, "1.0")
        other.add(name, "2.0")
    mirror = make_mirror(package_matches=projects)
    mirror.update()
    before = mirror.contents()
    send_to(index, other, "six", "demo")
    index.fault("/simple/", faults.Redirect(elsewhere(other), 301))
    ended = mirror.run("-U")
    assert ended.status == 4
    assert f"if the index moved there, set index_url = {elsewhere(other)}" in ended.stderr
    assert mirror.contents() == before


def test_what_another_host_does_not_have_is_not_gone(
    index: FakeIndex, other: FakeIndex, make_mirror: MakeMirror
) -> None:
    for name in ("six", "demo"):
        index.add(name, "1.0")
    mirror = make_mirror(package_matches="six demo", removal_limit=100)
    mirror.update()
    send_to(index, other, "six")
    assert mirror.run("-U").status == 3
    assert mirror.projects() == ["demo", "six"]


@pytest.mark.parametrize("projects", ["*", "six demo"])
def test_https_is_never_left_for_a_page(
    projects: str, index: FakeIndex, make_mirror: MakeMirror, certificate: Certificate
) -> None:
    for name in ("six", "demo"):
        index.add(name, "1.0")
        index.fault(f"/simple/{name}/", faults.Redirect(f"{index.url}{name}/"), times=1)
    mirror = make_mirror(package_matches=projects)
    with TlsFront(index, certificate) as front:
        mirror.index_url = front.url
        mirror.configure(package_matches=projects, ca_bundle=certificate.path)
        ended = mirror.run("-U")
        assert ended.status == (3 if projects == "*" else 4)
        assert "redirects from https to http" in ended.stderr
        mirror.update()


def test_https_is_left_for_a_file_with_a_digest_alone(
    index: FakeIndex, make_mirror: MakeMirror, certificate: Certificate
) -> None:
    index.add("six", "1.0", wheel=False)
    index.fault("/files/*", faults.Redirect(f"{index.origin}/files/six/six-1.0.tar.gz"), times=1)
    mirror = make_mirror()
    with TlsFront(index, certificate) as front:
        mirror.index_url = front.url
        mirror.configure(ca_bundle=certificate.path.name)
        mirror.update()
        index.files("six")[0].hashes = {}
        index.touch("six")
        index.add("demo", "1.0", wheel=False)
        index.files("demo")[0].hashes = {}
        index.fault("/files/demo/*", faults.Redirect(f"{index.origin}/files/demo/demo-1.0.tar.gz"), times=2)
        ended = mirror.run("-U")
        assert (ended.status, "redirects from https to http" in ended.stderr) == (3, True)
        mirror.configure(ca_bundle=certificate.path.name, accept_unverified="127.*")
        mirror.update()
        assert "accept_unverified: files without a digest are taken over plain http from 127.*" in mirror.log


# -- which addresses an index may name


@pytest.fixture
def public(tmp_path: Path, index: FakeIndex) -> Callable[..., tuple[Mirror, Callable[..., Ended], Network]]:
    """A mirror of the index at a public address: how it is run, and the network it sees."""

    def make(
        names: dict[str, list[str]] | None = None, **options: object
    ) -> tuple[Mirror, Callable[..., Ended], Network]:
        mirror = Mirror(tmp_path, f"http://{INDEX}/simple/", package_matches="six", **options)
        network = Network(tmp_path, {INDEX: [PUBLIC]} | (names or {}), {PUBLIC: port(index)})
        return mirror, lambda *args: patched(mirror, network.code, *(args or ("-U",))), network

    return make


@pytest.mark.parametrize("has_digest", [True, False])
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/six-2.0.tar.gz",
        "http://127.1:9/six-2.0.tar.gz",
        "http://0x7f000001/six-2.0.tar.gz",
        "http://2130706433/six-2.0.tar.gz",
        "http://[::1]:9/six-2.0.tar.gz",
        "http://[::ffff:10.0.0.1]/six-2.0.tar.gz",
        "http://10.0.0.1/six-2.0.tar.gz",
        "http://169.254.169.254/six-2.0.tar.gz",
        "http://inside.example.org/six-2.0.tar.gz",
    ],
)
def test_an_index_at_a_public_address_names_no_private_one(
    url: str,
    has_digest: bool,
    index: FakeIndex,
    public: Callable[..., tuple[Mirror, Callable[..., Ended], Network]],
) -> None:
    index.add("six", "1.0", wheel=False)
    index.add("six", "2.0", wheel=False)
    file = index.files("six")[1]
    file.url = url
    if not has_digest:
        file.hashes = {}
    mirror, run, network = public({"inside.example.org": ["192.168.1.1"]}, accept_unverified="http")
    ended = run()
    assert ended.status == 3
    assert "no public address" in ended.stderr
    assert network.asked() == {PUBLIC}
    assert mirror.listed("six") == {"six-1.0.tar.gz"}


@pytest.mark.parametrize("path", ["/simple/six/", "/files/six/*"])
def test_a_redirect_to_a_private_address_is_refused(
    path: str, index: FakeIndex, public: Callable[..., tuple[Mirror, Callable[..., Ended], Network]]
) -> None:
    index.add("six", "1.0", wheel=False)
    index.fault(path, faults.Redirect("http://inside.example.org/simple/six/"))
    _, run, network = public({"inside.example.org": ["10.1.1.1"]}, index_hosts="*")
    ended = run()
    assert ended.status in (3, 4)
    assert (
        "inside.example.org is at 10.1.1.1, which is no public address, as that of the index is;"
        " private_hosts = inside.example.org allows it" in ended.stderr
    )
    assert network.asked() == {PUBLIC}


def test_private_hosts_may_be_anywhere_but_at_a_clouds_own_address(
    tmp_path: Path, index: FakeIndex, other: FakeIndex
) -> None:
    for name in ("inside", "cloud"):
        index.add(name, "1.0", wheel=False)
        index.files(name)[0].url = f"http://{name}.example.org/files/{name}/{name}-1.0.tar.gz"
        other.add(name, "1.0", wheel=False)
    mirror = Mirror(
        tmp_path, f"http://{INDEX}/simple/", package_matches="inside cloud", private_hosts="*.example.org"
    )
    names = {INDEX: [PUBLIC], "inside.example.org": ["10.1.1.1"], "cloud.example.org": ["169.254.169.254"]}
    network = Network(tmp_path, names, {PUBLIC: port(index), "10.1.1.1": port(other)})
    ended = patched(mirror, network.code, "-U")
    assert ended.status == 3
    assert "169.254.169.254, which is no public address, and never asked" in ended.stderr
    assert network.asked() == {PUBLIC, "10.1.1.1"}
    assert mirror.names() == {"inside/inside-1.0.tar.gz"}


def test_a_name_with_public_and_private_addresses_is_asked_at_the_public_ones(
    index: FakeIndex, public: Callable[..., tuple[Mirror, Callable[..., Ended], Network]]
) -> None:
    index.add("six", "1.0", wheel=False)
    index.files("six")[0].url = "http://mixed.example.org/files/six/six-1.0.tar.gz"
    _, run, network = public({"mixed.example.org": ["127.0.0.1", "10.1.1.1", PUBLIC]})
    assert run() == GOOD
    assert network.asked() == {PUBLIC}


def test_an_index_at_a_private_address_names_its_own_network_but_no_clouds(
    tmp_path: Path, index: FakeIndex
) -> None:
    for name in ("six", "cloud"):
        index.add(name, "1.0", wheel=False)
    index.files("six")[0].url = "http://files.example.org/files/six/six-1.0.tar.gz"
    index.files("cloud")[0].url = "http://169.254.169.254/cloud-1.0.tar.gz"
    mirror = Mirror(tmp_path, f"http://{INDEX}/simple/", package_matches="six cloud")
    names = {INDEX: ["10.1.1.1"], "files.example.org": ["10.2.2.2"]}
    network = Network(tmp_path, names, {"10.1.1.1": port(index), "10.2.2.2": port(index)})
    ended = patched(mirror, network.code, "-U")
    assert ended.status == 3
    assert network.asked() == {"10.1.1.1", "10.2.2.2"}
    assert mirror.names() == {"six/six-1.0.tar.gz"}


def test_behind_a_proxy_names_are_taken_and_private_addresses_refused(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    for name in ("six", "demo"):
        index.add(name, "1.0", wheel=False)
    index.files("six")[0].url = "http://files.example.org/files/six/six-1.0.tar.gz"
    index.files("demo")[0].url = "http://10.1.1.1/files/demo/demo-1.0.tar.gz"
    mirror = make_mirror()
    mirror.index_url = f"http://{INDEX}/simple/"
    mirror.configure()
    ended = mirror.run("-U", env={"http_proxy": index.origin, "no_proxy": ""})
    assert ended.status == 3
    assert "10.1.1.1 is no public address" in ended.stderr
    assert mirror.names() == {"six/six-1.0.tar.gz"}
    mirror.configure(private_hosts="10.*")
    assert is_over(mirror.run("-U", env={"http_proxy": index.origin, "no_proxy": ""}))
