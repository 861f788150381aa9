"""PEP 740: the address is carried; with `provenance = True` the documents are kept beside the files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import GOOD, Ended, Mirror, is_over
from tests.tls import Certificate, TlsFront

WHEEL = "six-1.0-py3-none-any.whl"


def document(comment: str = "") -> bytes:
    return json.dumps({"version": 1, "attestation_bundles": [{"comment": comment}]}).encode()


class Attested(NamedTuple):
    """A mirror of one project whose files have documents of provenance on a host that speaks TLS."""

    upstream: FakeIndex
    mirror: Mirror
    trust: dict[str, str]

    def update(self, *options: str) -> Ended:
        self.upstream.clear()
        return self.mirror.run("-U", *options, env=self.trust)

    def kept(self) -> dict[str, bytes]:
        return {
            path.name: path.read_bytes() for path in sorted((self.mirror.root / "six").glob("*.provenance"))
        }

    def asked(self) -> list[tuple[str, int]]:
        return [(r.path, r.status) for r in self.upstream.requests if r.path.startswith("/files/documents/")]


@pytest.fixture
def attested(index: FakeIndex, tmp_path: Path, certificate: Certificate) -> Iterator[Attested]:
    with TlsFront(index, certificate) as front:
        base = front.url.removesuffix("/simple/") + "/files/documents"
        for version in ("1.0", "2.0"):
            name = f"six-{version}.json"
            index.add("six", version, sdist=False, provenance=f"{base}/{name}")
            index.add_file("documents", name, document(version))
        mirror = Mirror(tmp_path, index.url, package_matches="six", provenance=True)
        yield Attested(index, mirror, {"REQUESTS_CA_BUNDLE": str(certificate.path)})


def test_the_address_alone_by_default(attested: Attested) -> None:
    attested.mirror.configure(package_matches="six")
    assert attested.update() == GOOD
    assert (attested.kept(), attested.asked()) == ({}, [])
    address = attested.mirror.file("six", WHEEL).provenance
    assert address is not None
    assert address.startswith("https://")
    assert address.endswith("/six-1.0.json")


def test_documents_are_kept(attested: Attested) -> None:
    assert attested.update() == GOOD
    assert attested.kept() == {
        f"{WHEEL}.provenance": document("1.0"),
        "six-2.0-py3-none-any.whl.provenance": document("2.0"),
    }
    attested.mirror.check_links()
    assert attested.mirror.run("--verify=hash").stdout.endswith("0 wrong, 0 foreign\n")


def test_they_are_refreshed_when_they_change(attested: Attested) -> None:
    attested.update()
    before = attested.mirror.tree()
    attested.upstream.add_file("documents", "six-1.0.json", document("changed"))
    attested.upstream.touch("six")
    assert attested.update() == GOOD
    assert sorted(attested.asked()) == [
        ("/files/documents/six-1.0.json", 200),
        ("/files/documents/six-2.0.json", 304),
    ]
    after = attested.mirror.tree()
    assert {path for path in after if after[path] != before[path]} == {f"six/{WHEEL}.provenance"}


def test_without_news_nobody_is_asked(attested: Attested) -> None:
    attested.update()
    assert attested.update() == GOOD
    assert attested.asked() == []


def test_what_is_no_longer_wanted_goes(attested: Attested) -> None:
    attested.update()
    attested.mirror.configure(package_matches="six")
    assert attested.update() == GOOD
    assert attested.kept() == {}
    attested.mirror.configure(package_matches="six", provenance=True)
    attested.update()
    for file in attested.upstream.files("six"):
        file.provenance = None
    attested.upstream.touch("six")
    attested.update()
    assert attested.kept() == {}


def test_they_go_with_their_files(attested: Attested) -> None:
    attested.mirror.configure(package_matches="six", provenance=True, removal_grace_hours=0)
    attested.update()
    attested.upstream.remove_file("six", WHEEL)
    attested.update()
    assert list(attested.kept()) == ["six-2.0-py3-none-any.whl.provenance"]


@pytest.mark.parametrize("what", ["missing", "damaged"])
@pytest.mark.parametrize("mend", [("-I",), ("--verify=hash", "--repair")])
def test_what_was_lost_comes_back(attested: Attested, what: str, mend: tuple[str, ...]) -> None:
    attested.update()
    path = attested.mirror.root / f"six/{WHEEL}.provenance"
    if what == "missing":
        path.unlink()
    else:
        path.write_bytes(b"{}")
    found = attested.mirror.run("--verify=hash").stdout
    assert f"{what} six/{WHEEL}.provenance" in found
    attested.mirror.run(*mend, env=attested.trust)
    assert path.read_bytes() == document("1.0")


def test_one_that_can_not_be_had_is_tried_again(attested: Attested) -> None:
    attested.upstream.fault("/files/documents/six-1.0.json", faults.Status(503))
    ended = attested.update()
    assert ended.status == 3
    assert f"six/{WHEEL}: its provenance could not be had" in ended.stderr
    assert len(attested.mirror.listed("six")) == 2
    attested.upstream.clear_faults()
    assert is_over(attested.update())
    assert len(attested.kept()) == 2


@pytest.mark.parametrize(
    "fault",
    [
        faults.Status(404),
        faults.Body(b"<html>", "text/html"),
        faults.Body(b'{"version": 2, "attestation_bundles": []}', "application/json"),
        faults.Body(b"[" * 100_000, "application/json"),
    ],
)
def test_one_that_is_none_is_not_kept(attested: Attested, fault: faults.Fault) -> None:
    attested.upstream.fault("/files/documents/six-1.0.json", fault)
    ended = attested.update()
    assert ended.status in (0, 3)
    assert list(attested.kept()) == ["six-2.0-py3-none-any.whl.provenance"]
    assert len(attested.mirror.listed("six")) == 2


def test_an_address_that_is_not_https_is_dropped(index: FakeIndex, tmp_path: Path) -> None:
    index.add("six", "1.0", sdist=False, provenance="http://example.org/plain.json")
    mirror = Mirror(tmp_path, index.url, provenance=True)
    mirror.update()
    assert mirror.file("six", WHEEL).provenance is None
    assert not list((mirror.root / "six").glob("*.provenance"))
