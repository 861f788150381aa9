"""`provenance_required`: a file is mirrored only if its provenance proves who published it (PEP 740).

All is real: the documents are signed, certified and logged by an authority of the tests, which stands in the
folder of sigstore's own; pypi-attestations verifies them.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import GOOD, Ended, Mirror, clean_environment, is_over
from tests.sigstore_authority import SigstoreAuthority
from tests.small_disks import mounted
from tests.tls import Certificate, TlsFront
from tests.warm import Warm

OLD, NEW = "six-1.0-py3-none-any.whl", "six-2.0-py3-none-any.whl"
REQUIRED = {"package_matches": "six attrs", "provenance_required": "s*"}
JSON = "application/json"


class Attested(NamedTuple):
    """A mirror of `six`, whose two wheels have provenance, and of `attrs`, which has none."""

    upstream: FakeIndex
    mirror: Mirror
    authority: SigstoreAuthority
    environment: dict[str, str]
    command: Warm

    def update(self, *options: str) -> Ended:
        self.upstream.clear()
        argv = [str(self.mirror.config), "-U", *options]
        return Ended(*self.command.run(argv, clean_environment() | self.environment)[:3])

    def spoil(self, document: bytes, version: str = "2.0") -> None:
        """Let the provenance of a wheel be this document."""
        self.upstream.fault(f"/files/documents/six-{version}.json", faults.Body(document, JSON))

    def content(self, filename: str) -> bytes:
        (found,) = [file.content for file in self.upstream.files("six") if file.filename == filename]
        return found


@pytest.fixture(scope="module")
def authority() -> SigstoreAuthority:
    return SigstoreAuthority()


@pytest.fixture(scope="module")
def verifying() -> Iterator[Warm]:
    """The command in forks of a process that has imported what verifies, which takes longer than a run."""
    running = Warm(clean_environment() | {"PYPIMIRROR_TEST_IMPORTS": "pypi_attestations sigstore.verify"})
    yield running
    running.end()


@pytest.fixture
def attested(
    index: FakeIndex, tmp_path: Path, certificate: Certificate, authority: SigstoreAuthority, verifying: Warm
) -> Iterator[Attested]:
    with TlsFront(index, certificate) as front:
        base = front.url.removesuffix("/simple/") + "/files/documents"
        for version in ("1.0", "2.0"):
            address = f"{base}/six-{version}.json"
            (wheel,) = index.add("six", version, sdist=False, provenance=address)
            document = authority.provenance(wheel.filename, wheel.content)
            index.add_file("documents", f"six-{version}.json", document)
        index.add("attrs", "1.0", sdist=False)
        environment = authority.install(tmp_path) | {"REQUESTS_CA_BUNDLE": str(certificate.path)}
        mirror = Mirror(tmp_path / "m", index.url, **REQUIRED)
        yield Attested(index, mirror, authority, environment, verifying)


def test_what_is_proved_is_mirrored_with_its_proof(attested: Attested) -> None:
    assert attested.update() == GOOD
    assert attested.mirror.listed("six") == {OLD, NEW}
    assert attested.mirror.listed("attrs") == {"attrs-1.0-py3-none-any.whl"}
    for version, filename in (("1.0", OLD), ("2.0", NEW)):
        kept = (attested.mirror.root / f"six/{filename}.provenance").read_bytes()
        assert kept in [file.content for file in attested.upstream.files("documents")], version
    before = attested.mirror.tree()
    assert attested.update() == GOOD
    assert attested.mirror.tree() == before
    assert "documents" not in "".join(attested.upstream.paths())


def test_what_is_not_proved_is_not_mirrored(attested: Attested) -> None:
    attested.spoil(attested.authority.provenance(NEW, attested.content(NEW), certified="evil/demo"))
    ended = attested.update()
    assert ended.status == 3
    assert f"it does not prove who published {NEW}" in ended.stderr
    assert attested.mirror.listed("six") == {OLD}
    assert not (attested.mirror.root / "six" / NEW).exists()
    # What can't be taken is not downloaded.
    assert not [path for path in attested.upstream.paths() if path.endswith(NEW)]
    attested.upstream.clear_faults()
    assert is_over(attested.update())
    assert attested.mirror.listed("six") == {OLD, NEW}


@pytest.mark.parametrize("fault", [faults.Status(404), faults.Status(503), faults.Drop()], ids=str)
def test_without_its_document_a_file_waits(attested: Attested, fault: faults.Fault) -> None:
    attested.upstream.fault("/files/documents/six-2.0.json", fault)
    ended = attested.update()
    assert ended.status == 3
    assert NEW in ended.stderr
    assert attested.mirror.listed("six") == {OLD}


@pytest.mark.parametrize("fault", [faults.Status(503), faults.Drop()], ids=str)
def test_what_came_of_a_file_is_kept_while_its_document_cannot_be_had(
    attested: Attested, fault: faults.Fault
) -> None:
    content, name, document = os.urandom(2 << 20), "six-3.0.tar.gz", "/files/documents/six-3.0.json"
    (wheel, *_) = attested.upstream.files("six")
    address = (wheel.provenance or "").replace("six-1.0", "six-3.0")
    attested.upstream.add_file("six", name, content, provenance=address)
    proof = attested.authority.provenance(name, content)
    attested.upstream.add_file("documents", "six-3.0.json", proof)
    attested.upstream.fault(f"/files/six/{name}", faults.Cut(3 << 19), times=1)
    assert attested.update().status == 3
    attested.upstream.fault(document, fault)
    attested.mirror.age(hours=1)
    assert attested.update().status == 3
    attested.upstream.clear_faults()
    attested.mirror.age(hours=1)
    assert is_over(attested.update())
    (request,) = [each for each in attested.upstream.requests if each.path.endswith(name)]
    assert request.range == f"bytes={3 << 19}-"
    assert (attested.mirror.root / "six" / name).read_bytes() == content


def test_a_file_without_a_sha256_is_proved_after_it_came(attested: Attested) -> None:
    for file in attested.upstream.files("six"):
        file.hashes = {}
    attested.spoil(attested.authority.provenance(NEW, b"other"))
    assert attested.update().status == 3
    assert attested.mirror.names() == {
        f"six/{OLD}", f"six/{OLD}.metadata", f"six/{OLD}.provenance",
        "attrs/attrs-1.0-py3-none-any.whl", "attrs/attrs-1.0-py3-none-any.whl.metadata",
    }  # fmt: skip


def test_files_without_provenance_are_left_out_like_any_that_is_not_selected(attested: Attested) -> None:
    attested.upstream.add("six", "3.0")
    assert attested.update() == GOOD
    assert attested.mirror.listed("six") == {OLD, NEW}
    assert "six: 2 files have no provenance and are left out" in attested.mirror.log
    why = attested.mirror.run("--why", "six-3.0.tar.gz").stdout
    assert "is left out: provenance_required: upstream offers no provenance of it" in why
    assert "provenance_required leaves out 2 files" in attested.mirror.run("--why", "six").stdout


def test_what_is_held_is_verified_when_the_option_comes(attested: Attested) -> None:
    attested.upstream.add("six", "3.0")
    attested.spoil(attested.authority.provenance(NEW, b"other"))
    attested.mirror.configure(package_matches="six attrs")
    attested.update()
    assert len(attested.mirror.listed("six")) == 4
    attested.mirror.configure(**REQUIRED)
    ended = attested.update()
    assert ended.status == 3
    assert NEW in ended.stderr
    assert attested.mirror.listed("six") == {OLD}
    assert attested.mirror.check_links() == 2
    # In its grace it comes back without a download, and only when it is proved.
    attested.mirror.age(hours=1)
    assert attested.update().status == 3
    assert attested.mirror.listed("six") == {OLD}
    attested.upstream.clear_faults()
    attested.mirror.age(hours=1)
    assert is_over(attested.update())
    assert attested.mirror.listed("six") == {OLD, NEW}
    assert not [path for path in attested.upstream.paths() if path.endswith(".whl")]


def test_what_stays_unproved_goes_after_its_grace(attested: Attested) -> None:
    attested.spoil(attested.authority.provenance(NEW, b"other"))
    attested.mirror.configure(package_matches="six")
    attested.update()
    attested.mirror.configure(package_matches="six", provenance_required="six")
    attested.update()
    for _ in range(2):
        attested.mirror.age(hours=48)
        assert attested.update().status == 3
    assert not list((attested.mirror.root / "six").glob("six-2.0*"))


def test_what_is_held_unproved_leaves_also_where_upstream_fails(attested: Attested) -> None:
    attested.mirror.configure(package_matches="six attrs")
    attested.update()
    attested.upstream.fault("/simple/six/", faults.Status(503))
    attested.mirror.configure(**REQUIRED)
    assert attested.update().status == 3
    assert attested.mirror.listed("six") == set()
    assert len(attested.mirror.listed("attrs")) == 1


def test_what_was_proved_once_stays_whatever_becomes_of_its_document(attested: Attested) -> None:
    attested.update()
    attested.spoil(attested.authority.provenance(NEW, b"other"))
    attested.upstream.touch("six")
    assert attested.update().status == 3
    assert attested.mirror.listed("six") == {OLD, NEW}
    for file in attested.upstream.files("six"):
        file.provenance = None
    attested.upstream.clear_faults()
    attested.upstream.touch("six")
    attested.mirror.age(hours=48)
    assert is_over(attested.update())
    assert attested.mirror.listed("six") == {OLD, NEW}


def test_a_broken_trusted_root_is_the_machines_and_costs_nothing(attested: Attested) -> None:
    attested.update()
    before = attested.mirror.contents()
    (attested.mirror.root / ".pypimirror/state.sqlite").unlink()
    (root,) = Path(attested.environment["HOME"]).glob(".cache/**/trusted_root.json")
    content = root.read_bytes()
    root.write_bytes(b"")
    ended = attested.update()
    assert ended.status == 1
    assert "sigstore's trusted root can't be read" in ended.stderr
    assert "remove it, and it is written anew" in ended.stderr
    assert attested.mirror.contents() == before
    root.write_bytes(content)
    assert is_over(attested.update())
    assert attested.mirror.contents() == before


def test_a_home_that_can_only_be_read_is_enough(attested: Attested, tmp_path: Path) -> None:
    attested.update()
    (attested.mirror.root / ".pypimirror/state.sqlite").unlink()
    home = Path(attested.environment["HOME"])
    with mounted(tmp_path / "disk", "size=1m") as disk:
        shutil.copytree(home / ".cache", disk.path / ".cache")
        disk.remount("ro")
        places = {"HOME": str(disk.path), "XDG_CACHE_HOME": str(disk.path / ".cache")}
        assert attested.mirror.run("-U", env=attested.environment | places) == GOOD
    assert attested.mirror.listed("six") == {OLD, NEW}


def test_a_lost_state_is_proved_anew(attested: Attested) -> None:
    attested.update()
    before = attested.mirror.contents()
    (attested.mirror.root / ".pypimirror/state.sqlite").unlink()
    assert attested.update() == GOOD
    assert attested.mirror.contents() == before


def test_without_the_option_all_comes_back(attested: Attested) -> None:
    attested.spoil(b"{}")
    attested.update()
    attested.mirror.configure(package_matches="six attrs")
    assert is_over(attested.update())
    assert attested.mirror.listed("six") == {OLD, NEW}
    assert not list((attested.mirror.root / "six").glob("*.provenance"))


def test_without_the_extra_the_option_is_refused(attested: Attested, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import sys; sys.modules['pypi_attestations'] = None")
    ended = attested.mirror.run("-U", env={"PYTHONPATH": str(site)})
    assert ended.status == 2
    assert (
        "provenance_required = s*: it needs an extra: pip install 'pypimirror-ng[attestations]'"
        in ended.stderr
    )
    attested.mirror.configure(package_matches="attrs")
    assert is_over(attested.mirror.run("-U", env={"PYTHONPATH": str(site)}))


def test_a_question_comes_first_where_most_files_have_no_provenance(attested: Attested) -> None:
    for number in range(3, 15):
        attested.upstream.add("six", f"{number}.0", sdist=False)
    attested.mirror.configure(package_matches="six attrs")
    attested.mirror.update()
    before = attested.mirror.contents()
    attested.mirror.configure(**REQUIRED)
    assert attested.update("--dry-run").status == 7
    for options in ((), ("--project", "six"), ("--project", "attrs"), ()):
        ended = attested.update(*options)
        assert ended.status == 7
        assert {path: attested.mirror.contents()[path] for path in before} == before
    assert "that is more than half of all files" in attested.mirror.log
    assert "six/six-9.0-py3-none-any.whl is no longer selected, and stays until" in attested.mirror.log
    assert attested.update("--allow-removals").status == 0
    assert attested.mirror.listed("six") == {OLD, NEW}
    assert attested.update() == GOOD


def test_a_question_comes_first_where_most_files_prove_nothing(attested: Attested) -> None:
    for version in map("{}.0".format, range(3, 15)):
        address = (attested.upstream.files("six")[0].provenance or "").replace("1.0", version)
        (wheel,) = attested.upstream.add("six", version, sdist=False, provenance=address)
        document = attested.authority.provenance(wheel.filename, wheel.content)
        attested.upstream.add_file("documents", f"six-{version}.json", document)
        attested.spoil(b"{}", version)
    attested.mirror.configure(package_matches="six attrs")
    attested.mirror.update()
    listed = attested.mirror.listed("six")
    attested.mirror.configure(**REQUIRED)
    for options in ((), (), ("--project", "six"), ("--project", "attrs"), ()):
        attested.mirror.age(hours=1)
        ended = attested.update(*options)
        assert ended.status == 7
        assert attested.mirror.listed("six") == listed
        attested.mirror.check_links()
    # What is proved in the end answers the question.
    attested.upstream.clear_faults()
    attested.mirror.age(hours=1)
    assert is_over(attested.update())
    assert attested.mirror.listed("six") == listed
    assert attested.update() == attested.update("--project", "attrs") == GOOD


def test_an_answer_lets_go_what_proves_nothing(attested: Attested) -> None:
    attested.mirror.configure(package_matches="six")
    attested.mirror.update()
    for version in ("1.0", "2.0"):
        attested.spoil(b"{}", version)
    attested.mirror.configure(package_matches="six", provenance_required="six")
    assert attested.update().status == 7
    assert attested.mirror.listed("six") == {OLD, NEW}
    assert "that would leave no file at all" in attested.mirror.log
    attested.mirror.age(hours=1)
    assert attested.update("--allow-removals").status == 3
    assert attested.mirror.listed("six") == set()
    attested.mirror.age(hours=1)
    assert attested.update().status == 3
