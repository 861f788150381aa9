"""Names that a file system takes for one."""

import unicodedata
from pathlib import Path

from pypimirror.model import File
from pypimirror.plan import told_apart
from pypimirror.store import Store
from pypimirror.store.spelling import Spelling

COMPOSED = "caf\u00e9-1.0.tar.gz"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)

BOTH = Spelling(ignores_case=True, ignores_form=True)
NEITHER = Spelling(ignores_case=False, ignores_form=False)


def apart(spelling: Spelling, *names: str, present: tuple[str, ...] = ()) -> list[str]:
    wanted = [File(filename=name, url=f"https://example.org/{name}") for name in names]
    kept, conflicts = told_apart(wanted, present, spelling.key)
    assert len(kept) + len(conflicts) == len(names)
    return [file.filename for file in kept]


def test_case() -> None:
    for ignores_form in (True, False):
        told = Spelling(ignores_case=False, ignores_form=ignores_form)
        assert apart(told, "A-1.tar.gz", "a-1.tar.gz") == ["A-1.tar.gz", "a-1.tar.gz"]
        assert apart(told._replace(ignores_case=True), "A-1.tar.gz", "a-1.tar.gz") == ["A-1.tar.gz"]


def test_the_file_that_is_there_keeps_the_name() -> None:
    assert apart(BOTH, "A-1.zip", "a-1.zip", present=("a-1.zip",)) == ["a-1.zip"]
    assert apart(BOTH, "A-1.zip", present=("a-1.zip",)) == []


def test_forms() -> None:
    for ignores_case in (True, False):
        blind = Spelling(ignores_case=ignores_case, ignores_form=True)
        assert apart(blind, COMPOSED, DECOMPOSED) == [COMPOSED]
    assert apart(NEITHER, COMPOSED, DECOMPOSED) == [COMPOSED, DECOMPOSED]


def test_the_file_system_at_hand_is_asked(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    (tmp_path / "probe-a").touch()
    (tmp_path / COMPOSED).touch()
    assert store.spelling() == Spelling(
        ignores_case=(tmp_path / "PROBE-A").exists(), ignores_form=(tmp_path / DECOMPOSED).exists()
    )
    assert list((tmp_path / ".pypimirror/new").iterdir()) == []
