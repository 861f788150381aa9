"""Which addresses an index may name, by a resolver of the test's own; nothing is connected to."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from pypimirror.upstream.reach import Reach, RefusedAddressError, is_index_private
from pypimirror.upstream.rules import Rules

pytestmark = pytest.mark.usefixtures("no_proxies")

PUBLIC = "93.184.216.34"
INDEX = "https://index.example.org/simple/"

Names = dict[str, list[str]]


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[[Names], list[str]]:
    """Let names lead to addresses; see which were asked for."""
    asked: list[str] = []

    def use(names: Names) -> list[str]:
        def resolved(host: str, port: int, *_: Any) -> list[Any]:
            asked.append(host)
            if host not in names:
                raise socket.gaierror(-2, "Name or service not known")
            return [(0, 0, 0, "", (address, port)) for address in names[host]]

        monkeypatch.setattr(socket, "getaddrinfo", resolved)
        return asked

    return use


def reach(*globs: str, index_url: str = INDEX, is_private: bool | None = None) -> Reach:
    return Reach(index_url, Rules(private_hosts=globs, is_index_private=is_private))


@pytest.mark.parametrize(
    ("addresses", "is_private"),
    [
        ([PUBLIC], False),
        (["10.1.1.1"], True),
        (["127.0.0.1", "::1"], True),
        (["10.1.1.1", PUBLIC], False),
        (["fd00::1"], True),
    ],
)
def test_where_an_index_is(
    addresses: list[str],
    is_private: bool,
    resolve: Callable[[Names], list[str]],
) -> None:
    resolve({"index.example.org": addresses})
    assert is_index_private(INDEX) is is_private


def test_an_index_that_can_not_be_found_is_none_of_both(resolve: Callable[[Names], list[str]]) -> None:
    resolve({})
    assert is_index_private(INDEX) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.1.1", "[::1]", "127.1", "2130706433"])
def test_an_index_that_is_an_address_is_not_looked_up(
    host: str, resolve: Callable[[Names], list[str]]
) -> None:
    asked = resolve({})
    assert is_index_private(f"http://{host}/simple/") is True
    assert is_index_private(f"http://{PUBLIC}/simple/") is False
    assert not asked


def test_an_index_behind_a_proxy_is_not_looked_up(
    resolve: Callable[[Names], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = resolve({"index.example.org": ["10.1.1.1"]})
    monkeypatch.setenv("https_proxy", "http://proxy.example.org:3128")
    assert is_index_private(INDEX) is None
    assert not asked


def test_a_name_server_that_says_another_thing_the_second_time(resolve: Callable[[Names], list[str]]) -> None:
    names = {"index.example.org": [PUBLIC], "files.example.org": [PUBLIC]}
    resolve(names)
    found = reach()
    assert found.addresses("index.example.org", 443) == [PUBLIC]
    names["index.example.org"] = names["files.example.org"] = ["127.0.0.1"]
    for host in ("index.example.org", "files.example.org"):
        with pytest.raises(RefusedAddressError):
            found.addresses(host, 443)


def test_the_port_makes_no_difference_for_the_indexs_own_name(resolve: Callable[[Names], list[str]]) -> None:
    resolve({"index.example.org": ["127.0.0.1"]})
    with pytest.raises(RefusedAddressError):
        reach(is_private=False).addresses("index.example.org", 22)


@pytest.mark.parametrize("host", ["files.example.org", "FILES.example.org", "files.example.org."])
def test_private_hosts(host: str, resolve: Callable[[Names], list[str]]) -> None:
    addresses = ["10.1.1.1", "169.254.169.254", "fd00:ec2::254", PUBLIC, "::ffff:169.254.169.254"]
    resolve({host: addresses})
    assert reach(is_private=False).addresses(host, 80) == [PUBLIC]
    assert reach("files.*", is_private=False).addresses(host, 80) == ["10.1.1.1", PUBLIC]
    assert reach(is_private=True).addresses(host, 80) == ["10.1.1.1", PUBLIC]


@pytest.mark.parametrize(
    "url",
    [
        "http://10.1.1.1/x",
        "http://127.1/x",
        "http://0x7f.1/x",
        "http://[::1]/x",
        "http://[::ffff:10.0.0.1]:8080/x",
        "http://169.254.169.254/x",
        "http://localhost/x",
        "http://a.localhost:81/x",
        "http://2130706433/x",
    ],
)
def test_behind_a_proxy_no_address_of_a_network_is_asked(
    url: str, resolve: Callable[[Names], list[str]]
) -> None:
    asked = resolve({})
    with pytest.raises(RefusedAddressError, match="no public address"):
        reach(is_private=False).check_behind_proxy(url)
    reach(is_private=False).check_behind_proxy("http://files.example.org/x")
    reach(is_private=False).check_behind_proxy(f"http://{PUBLIC}/x")
    assert not asked


def test_an_index_at_a_link_local_address_may_be_asked_and_names_no_other_one() -> None:
    found = reach(index_url="http://169.254.10.1/simple/")
    assert found.addresses("169.254.10.1", 80) == ["169.254.10.1"]
    with pytest.raises(RefusedAddressError, match="never asked"):
        found.addresses("169.254.169.254", 80)
