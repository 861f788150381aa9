"""Which origin gets which name and password, and whom TLS trusts."""

from pathlib import Path

import pytest

from pypimirror.upstream.certificates import Trust, trust
from pypimirror.upstream.credentials import Credentials
from pypimirror.upstream.rules import UnusableError

INDEX = "https://index.example.org/simple/"
NETRC = """
machine index.example.org login own password 1
machine files.example.org login files password 2
default login anybody password 3
"""


def credentials(tmp_path: Path, index_url: str = INDEX, text: str = NETRC) -> Credentials:
    path = tmp_path / "netrc"
    path.write_text(text)
    path.chmod(0o600)
    return Credentials(index_url, {"NETRC": str(path)})


@pytest.mark.parametrize(
    ("url", "login"),
    [
        ("https://index.example.org/simple/six/", ("own", "1")),
        ("https://INDEX.example.org:443/x", ("own", "1")),
        ("http://index.example.org/x", None),
        ("https://index.example.org:8443/x", None),
        ("https://files.example.org/x", ("files", "2")),
        ("http://files.example.org/x", None),
        ("https://other.example.org/x", None),
        ("https://default/x", None),
    ],
)
def test_each_host_gets_its_own(tmp_path: Path, url: str, login: tuple[str, str] | None) -> None:
    assert credentials(tmp_path).of(url) == login


def test_what_is_in_the_address_of_the_index_comes_first(tmp_path: Path) -> None:
    found = credentials(tmp_path, "https://me:p%40ss@index.example.org/simple/")
    assert found.of(INDEX) == ("me", "p@ss")
    assert found.of("https://index.example.org:8443/") is None


def test_the_default_is_the_indexs_alone(tmp_path: Path) -> None:
    found = credentials(tmp_path, "https://another.example.org/simple/")
    assert found.of("https://another.example.org/simple/six/") == ("anybody", "3")
    assert found.of("https://third.example.org/") is None
    assert found.of("https://index.example.org:8443/") == ("own", "1"), "it is any other host here"


def test_an_index_by_http_gets_its_own_as_ever(tmp_path: Path) -> None:
    found = credentials(tmp_path, "http://index.example.org/simple/")
    assert found.of("http://index.example.org/simple/") == ("own", "1")
    assert found.of("https://index.example.org/") is None


@pytest.mark.parametrize("text", ["machine", "nonsense here", "\0", ""])
def test_a_netrc_that_can_not_be_read_has_nothing_in_it(tmp_path: Path, text: str) -> None:
    assert credentials(tmp_path, text=text).of(INDEX) is None
    assert Credentials(INDEX, {"NETRC": str(tmp_path / "none")}).of(INDEX) is None


def test_whom_tls_trusts(tmp_path: Path) -> None:
    names = ("ca_bundle", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    files = {name: str(tmp_path / name) for name in names}
    for path in files.values():
        Path(path).touch()
    environ = {name: path for name, path in files.items() if name != "ca_bundle"}
    environ["SSL_CERT_DIR"] = f"/nowhere:{tmp_path}"
    assert trust(files["ca_bundle"], environ) == Trust(files["ca_bundle"], None, "ca_bundle")
    assert trust("", environ) == Trust(files["REQUESTS_CA_BUNDLE"], None, "REQUESTS_CA_BUNDLE")
    environ["REQUESTS_CA_BUNDLE"] = ""
    assert trust("", environ) == Trust(files["CURL_CA_BUNDLE"], None, "CURL_CA_BUNDLE")
    del environ["CURL_CA_BUNDLE"]
    assert trust("", environ) == Trust(files["SSL_CERT_FILE"], environ["SSL_CERT_DIR"], "SSL_CERT_FILE")
    del environ["SSL_CERT_FILE"]
    assert trust("", environ) == Trust(None, environ["SSL_CERT_DIR"], "SSL_CERT_DIR")
    assert trust("", {}) == Trust()
    assert trust(str(tmp_path), {}) == Trust(None, str(tmp_path), "ca_bundle")


@pytest.mark.parametrize(
    "name", ["ca_bundle", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"]
)
def test_certificates_that_are_not_there_are_named(name: str) -> None:
    with pytest.raises(UnusableError, match=f"{name} = /nowhere: there are no certificates"):
        trust("/nowhere" if name == "ca_bundle" else "", {name: "/nowhere"})
