import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypimirror.addresses import host_of, is_never_outside, is_public


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2001:4860:4860::8888", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)
    assert not is_never_outside(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.8.9.10",
        "169.254.1.1",
        "169.254.169.254",
        "192.0.0.192",
        "fd20:ce::254",
        "168.63.129.16",
        "100.100.100.200",
        "172.16.0.1",
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.5",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
    ],
)
def test_addresses_that_no_link_may_lead_to(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "::ffff:169.254.169.254", "168.63.129.16", "fd00:ec2::254", "fe80::1", "224.0.0.1"],
)
def test_addresses_that_no_option_allows(address: str) -> None:
    assert is_never_outside(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "fc00::1"])
def test_private_addresses_can_be_allowed(address: str) -> None:
    assert not is_never_outside(address)


@given(st.ip_addresses(v=4))
def test_packed_into_ipv6_an_address_is_what_it_was(address: ipaddress.IPv4Address) -> None:
    assert is_public(f"::ffff:{address}") == is_public(str(address))
    assert is_never_outside(f"::ffff:{address}") == is_never_outside(str(address))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Files.Example.ORG./x", "files.example.org"),
        ("https://me:x@example.org:8443/x", "example.org"),
        ("https://[::1]/x", "::1"),
        ("https://[/x", ""),
        ("nothing", ""),
    ],
)
def test_hosts(url: str, host: str) -> None:
    assert host_of(url) == host
