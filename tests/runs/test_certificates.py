"""A company's own authority: whom TLS trusts by hand and from cron, and what is said where that is nobody."""

import os
import shlex
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pypimirror.upstream.certificates import Trust, context
from pypimirror.upstream.rules import UnusableError
from tests.fake_index import FakeIndex
from tests.mirror import COMMAND, Ended, Mirror, is_over
from tests.missing import unable
from tests.tls import Certificate, TlsFront

HINT = "name that authority's in ca_bundle, or in the environment variable SSL_CERT_FILE (cron has another"


@pytest.fixture
def mirror(index: FakeIndex, tmp_path: Path, certificate: Certificate) -> Iterator[Mirror]:
    index.add("six", "1.0")
    with TlsFront(index, certificate) as front:
        yield Mirror(tmp_path / "tls", front.url)


def from_cron(mirror: Mirror, env: Mapping[str, str] = {}, *, before: str = "") -> Ended:
    """Run an update with nothing but what cron gives: no terminal, and four variables."""
    home = {
        "HOME": str(mirror.folder),
        "LOGNAME": "root",
        "SHELL": "/bin/sh",
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
    }
    line = f"{before} exec {shlex.quote(str(COMMAND))} {shlex.quote(str(mirror.config))} --update-fetch"
    command = ["/bin/sh", "-c", line]
    if before:
        command = ["unshare", "-m", *command]
    ended = subprocess.run(
        command, env=home | dict(env), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def hashed(certificate: Certificate, folder: Path) -> Path:
    """Return a folder that has the certificate under the name by which OpenSSL finds it."""
    folder.mkdir()
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(certificate.path)]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    (folder / f"{name}.0").write_bytes(certificate.path.read_bytes())
    return folder


def test_an_authority_that_nobody_knows_is_status_4_and_the_hint_names_what_helps(mirror: Mirror) -> None:
    ended = from_cron(mirror)
    assert ended.status == 4
    assert "certificate verify failed" in ended.stderr
    assert HINT in ended.stderr
    assert from_cron(mirror) == Ended(4, "", ""), "told once a day"


def test_the_option_needs_no_environment(mirror: Mirror, certificate: Certificate) -> None:
    mirror.configure(ca_bundle=certificate.path)
    assert from_cron(mirror) == Ended(0, "", "")


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR"])
def test_the_environment_is_heard(
    mirror: Mirror, certificate: Certificate, tmp_path: Path, name: str
) -> None:
    place = hashed(certificate, tmp_path / "certs") if name == "SSL_CERT_DIR" else certificate.path
    assert from_cron(mirror, {name: str(place)}) == Ended(0, "", "")


def test_the_systems_store_is_used_beside_certifi(
    mirror: Mirror, certificate: Certificate, tmp_path: Path
) -> None:
    folder = ssl.get_default_verify_paths().capath
    probe = subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True)
    if folder is None or probe.returncode:
        unable("nothing can be mounted over the system's store here")
    ours = hashed(certificate, tmp_path / "store")
    mount = f"mount --bind {shlex.quote(str(ours))} {os.path.realpath(folder)} &&"
    assert from_cron(mirror, before=mount) == Ended(0, "", "")
    assert len(context(Trust()).get_ca_certs()) > 50


@pytest.mark.parametrize("name", ["ca_bundle", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"])
@pytest.mark.parametrize("kind", ["garbage", "empty", "folder"])
def test_what_has_no_certificates_is_told_by_its_name(mirror: Mirror, name: str, kind: str) -> None:
    place = mirror.folder / "place"
    if kind == "folder" or name == "SSL_CERT_DIR":
        place.mkdir()
        (place / "ours.pem").write_text("not hashed")
    else:
        place.write_text("no certificate" * (kind == "garbage"))
    if name == "ca_bundle":
        mirror.configure(ca_bundle=place)
    ended = from_cron(mirror, {name: str(place)})
    assert ended.status == (2 if name == "ca_bundle" else 4)
    if name == "SSL_CERT_FILE" and kind == "folder":  # which the variable never means
        assert f"{name} = {place}: no certificates can be read there" in ended.stderr
    elif place.is_dir():
        assert f"{name} = {place}: no file in this folder has a name by which OpenSSL finds" in ended.stderr
        assert "openssl rehash" in ended.stderr
    else:
        assert f"{name} = {place}: no certificates can be read there; name a file that has" in ended.stderr


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "ca_bundle"), ("no certificate", "no certificates can be read")]
)
def test_a_bundle_that_is_none_is_named(mirror: Mirror, content: str | None, reason: str) -> None:
    bundle = mirror.folder / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    mirror.configure(ca_bundle=bundle)
    ended = from_cron(mirror)
    assert ended.status == 2
    assert reason in ended.stderr
    assert str(bundle) in ended.stderr
    assert not (mirror.root / ".pypimirror").exists(), "nothing was touched"


@pytest.mark.parametrize("kind", ["garbage", "no key", "key of another"])
def test_a_clients_certificate_that_is_damaged_is_named(
    mirror: Mirror, certificate: Certificate, tmp_path: Path, kind: str
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    paths = {
        "garbage": [tmp_path / "garbage.pem"],
        "no key": [certificate.path],
        "key of another": [certificate.path, Certificate(other).key],
    }[kind]
    (tmp_path / "garbage.pem").write_text("no certificate")
    mirror.configure(ca_bundle=tmp_path / "garbage.pem", client_certificate=" ".join(map(str, paths)))
    ended = from_cron(mirror)
    assert ended.status == 2
    assert "client_certificate = /" in ended.stderr
    assert ": it can't be used (" in ended.stderr
    assert f"ca_bundle = {tmp_path / 'garbage.pem'}: no certificates can be read there" in ended.stderr


def test_a_clients_key_with_a_password_asks_nobody(
    mirror: Mirror, certificate: Certificate, tmp_path: Path
) -> None:
    key = tmp_path / "locked.key"
    command = [
        "openssl",
        "pkey",
        "-aes128",
        "-passout",
        "pass:secret",
        "-in",
        str(certificate.key),
        "-out",
        str(key),
    ]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(UnusableError, match=r"client_certificate = .*locked.key: it can't be used"):
        context(Trust(), (str(certificate.path), str(key)))
    mirror.configure(ca_bundle=certificate.path, client_certificate=f"{certificate.path} {key}")
    ended = from_cron(mirror)
    assert ended.status == 2
    assert "it can't be used" in ended.stderr
    mirror.configure(ca_bundle=certificate.path, client_certificate=f"{certificate.path} {certificate.key}")
    assert is_over(from_cron(mirror))
