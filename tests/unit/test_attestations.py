"""What a document of provenance proves; each one is verified by pypi-attestations, without any network."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pypimirror import attestations
from pypimirror.errors import VerificationError
from tests.sigstore_authority import SigstoreAuthority

FILE, CONTENT = "demo-1.0.tar.gz", b"the bytes"
AUTHORITY = SigstoreAuthority()


@pytest.fixture(autouse=True)
def _trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in AUTHORITY.install(tmp_path).items():
        monkeypatch.setenv(name, value)


def verify(document: bytes, filename: str = FILE) -> tuple[str, ...]:
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    return attestations.verify(document, url="https://example.org/p", filename=filename, sha256=sha256)


@pytest.mark.parametrize("filename", [FILE, "demo-1.0.zip", "demo-1.0-py3-none-any.whl"])
def test_the_publisher_of_what_is_proved(filename: str) -> None:
    document = AUTHORITY.provenance(filename, CONTENT)
    assert verify(document, filename) == ("GitHub demo/demo release.yml",)


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return a good document after a change of it."""
    document = json.loads(AUTHORITY.provenance(FILE, CONTENT))
    change(document)
    return json.dumps(document).encode()


def attestation(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["attestation_bundles"][0]["attestations"][0]
    return found


def entry(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = attestation(document)["verification_material"]["transparency_entries"][0]
    return found


def add_bundle(document: dict[str, Any], content: bytes) -> None:
    other = json.loads(AUTHORITY.provenance(FILE, content))
    document["attestation_bundles"] += other["attestation_bundles"]


def multiply(document: dict[str, Any]) -> None:
    document["attestation_bundles"][0]["attestations"] *= 101


PROVES_NOTHING: dict[str, Callable[[], bytes]] = {
    "no bundle": lambda: changed(lambda d: d.update(attestation_bundles=[])),
    "an empty bundle": lambda: changed(lambda d: d["attestation_bundles"][0].update(attestations=[])),
    "other bytes": lambda: AUTHORITY.provenance(FILE, b"other"),
    "another file": lambda: AUTHORITY.provenance("demo-2.0.tar.gz", CONTENT),
    "another publisher": lambda: AUTHORITY.provenance(FILE, CONTENT, certified="evil/demo"),
    "an unknown publisher": lambda: changed(
        lambda d: d["attestation_bundles"][0]["publisher"].update(kind="Nobody")
    ),
    "another authority": lambda: SigstoreAuthority().provenance(FILE, CONTENT),
    "another signature": lambda: changed(lambda d: attestation(d)["envelope"].update(signature="MEUCIQ==")),
    "another statement": lambda: changed(lambda d: attestation(d)["envelope"].update(statement="e30=")),
    "no entry of a log": lambda: changed(
        lambda d: attestation(d)["verification_material"].update(transparency_entries=[])
    ),
    "another entry of the log": lambda: changed(lambda d: entry(d).update(canonicalizedBody="e30=")),
    "another moment": lambda: changed(lambda d: entry(d).update(integratedTime="1800000000")),
    "no promise of the log": lambda: changed(lambda d: entry(d).pop("inclusionPromise")),
    "a certificate that is none": lambda: changed(
        lambda d: attestation(d)["verification_material"].update(certificate="e30=")
    ),
    "one good, one bad": lambda: changed(lambda d: add_bundle(d, b"other")),
    "too many": lambda: changed(multiply),
    "too long": lambda: changed(lambda d: d.update(comment="x" * (1 << 20))),
    "another version": lambda: changed(lambda d: d.update(version=2)),
    "no document": lambda: b"<html>",
    "nothing": lambda: b"",
    "no text": lambda: b"\xff\xfe",
    "a deep one": lambda: b'{"version":1,"attestation_bundles":' + b"[" * 100_000,
}


@pytest.mark.parametrize("document", PROVES_NOTHING.values(), ids=PROVES_NOTHING)
def test_what_proves_nothing(document: Callable[[], bytes]) -> None:
    with pytest.raises(VerificationError) as caught:
        verify(document())
    assert len(str(caught.value)) < 600
    assert str(caught.value).isprintable()


def test_two_good_bundles_prove_the_same() -> None:
    assert len(verify(changed(lambda d: add_bundle(d, CONTENT)))) == 1


def test_a_file_of_which_there_can_be_no_attestation() -> None:
    with pytest.raises(VerificationError, match=r"demo-1\.0\.egg"):
        verify(AUTHORITY.provenance(FILE, CONTENT), "demo-1.0.egg")


def test_the_library_is_imported_only_when_it_is_needed() -> None:
    imports = "import sys, pypimirror.cli.command, pypimirror.attestations; print('sigstore' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", imports], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"
