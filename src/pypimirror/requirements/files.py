"""Reads the files that the option `requirements` names, and those that they name, each once."""

import os
import stat
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from packaging.specifiers import SpecifierSet

from pypimirror.requirements import Constraint, Lock, Root, Roots, lines
from pypimirror.requirements.dependency import Dependency, parsed
from pypimirror.requirements.lines import Lines, NamedFile, RequirementLine
from pypimirror.want import Want

_LOCKS_OF_OTHERS = {
    "uv.lock": "uv export --format pylock.toml",
    "poetry.lock": "poetry export",
    "pdm.lock": "pdm export",
    "pipfile.lock": "pipenv requirements",
}
"""By their names, with the command that writes a requirements file or a `pylock.toml`."""


class RequirementsError(ValueError):
    """The files can't be used; each problem names its file and line, and what to do."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def read(paths: Iterable[Path], *, folder: Path, is_exact: bool = False) -> Roots:
    """Return what requirements files and lock files ask for; `folder` is what messages leave out of paths.

    With `is_exact` each root asks for the very files that its line pins. Raises RequirementsError.
    """
    walk = _Walk(folder, is_exact=is_exact)
    for path in paths:
        walk.read(path)
    return walk.result()


class _Walk:
    """Goes through the files, and gathers what they say and what is wrong with them."""

    def __init__(self, folder: Path, *, is_exact: bool) -> None:
        self.folder = folder
        self.is_exact = is_exact
        self.asked: list[RequirementLine] = []
        self.constraints: list[RequirementLine] = []
        self.locked: list[Root] = []
        self.locks: list[Lock] = []
        self.ignored: dict[str, None] = {}
        self.problems: list[str] = []
        self.lines: dict[Path, Lines] = {}
        self.files: dict[str, None] = {}

    def read(self, path: Path) -> None:
        """Read a file that the option names, and those that it names, and so on; circles just end."""
        pending = deque([NamedFile(str(path))])
        known = set()
        while pending:
            named = pending.popleft()
            if named[:2] not in known:
                known.add(named[:2])
                pending += self.read_one(named)

    def read_one(self, named: NamedFile) -> list[NamedFile]:
        """Read one file; return those that it names."""
        path = Path(named.path)
        shown = self.shown(path)
        self.files[named.path] = None
        try:
            _check(path)
            if path.suffix == ".toml":
                self.read_lock(named, shown)
                return []
            if path not in self.lines:
                self.lines[path] = lines.read(path, shown)
        except OSError as error:
            self.problem(named, f"{shown}: can't be read ({error.strerror}); name a file that is there")
            return []
        except ValueError as error:
            self.problem(named, f"{shown}: {error}")
            return []
        return self.take(named, self.lines[path])

    def problem(self, named: NamedFile, text: str) -> None:
        """Note what is wrong with a file, and where it is named."""
        self.problems.append(f"{named.source}: {text}" if named.source else text)

    def read_lock(self, named: NamedFile, shown: str) -> None:
        from pypimirror.requirements import locks  # slow to import, and few name such a file

        path = Path(named.path)
        if named.source or not locks.is_valid_pylock_path(path):
            raise ValueError(
                "is no requirements file; a lock file is pylock.toml or pylock.NAME.toml, and is named by the"
                " option itself"
            )
        lock, roots, ignored = locks.read(path.read_bytes(), shown, is_exact=self.is_exact)
        self.locks.append(lock)
        self.locked += roots
        self.ignored |= dict.fromkeys(ignored)

    def take(self, named: NamedFile, read: Lines) -> list[NamedFile]:
        """Take what a file says; return the files that it names, relative to itself."""
        (self.constraints if named.is_constraint else self.asked).extend(read.requirements)
        self.ignored |= dict.fromkeys(read.ignored)
        self.problems += read.problems
        folder = Path(named.path).parent
        return [each._replace(path=os.path.normpath(folder / each.path)) for each in read.nested]

    def shown(self, path: Path) -> str:
        """Return a path as messages name it."""
        return str(path.relative_to(self.folder) if path.is_relative_to(self.folder) else path)

    def result(self) -> Roots:
        """Return all of it. Raises RequirementsError."""
        constraints = list(map(_constraint, self.constraints))
        roots = [self.root(line, constraints) for line in self.asked]
        if self.problems:
            raise RequirementsError(self.problems)
        return Roots(
            (*roots, *self.locked),
            tuple(constraints),
            tuple(self.ignored),
            tuple(self.files),
            tuple(self.locks),
        )

    def root(self, line: RequirementLine, constraints: list[Constraint]) -> Root:
        """Return what a line asks for; with `exact` a constraint may give the pin."""
        dependency = _parsed(line)
        want = Want(dependency.specifier)
        if self.is_exact:
            ours = [each for each in constraints if each.name == dependency.name]
            if not _is_pinned(",".join([dependency.specifier, *(each.specifier for each in ours)])):
                self.problems.append(
                    f"{line.source}: {line.requirement[:80]} is not pinned, and exact = True;"
                    f" write {dependency.name}== and a version, or set exact = False"
                )
            digests = line.digests or tuple(sorted({d for each in ours for d in each.digests}))
            want = Want(dependency.specifier, digests, is_exact=not digests)
        return Root(dependency.name, want, tuple(sorted(dependency.extras)), dependency.marker, line.source)


def _check(path: Path) -> None:
    """Raise OSError where the file is missing, ValueError where it is of a kind that is not read here."""
    # A device may have no end.
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("is no file; name a requirements file or a lock file")
    how = _LOCKS_OF_OTHERS.get(path.name.lower())
    if how is not None:
        raise ValueError(f"is a lock file that one tool alone reads; {how} writes one that counts here")


def _constraint(line: RequirementLine) -> Constraint:
    said = _parsed(line)
    return Constraint(said.name, said.specifier, line.digests, said.marker, line.source)


def _parsed(line: RequirementLine) -> Dependency:
    found = parsed(line.requirement)
    assert found is not None  # the line was read by the same parser
    return found


def _is_pinned(specifier: str) -> bool:
    """Tell whether a set of specifiers allows one release alone by its very words: `==1.0` or `===1.0`."""
    return any(
        each.operator == "===" or (each.operator == "==" and not each.version.endswith(".*"))
        for each in SpecifierSet(specifier)
    )
