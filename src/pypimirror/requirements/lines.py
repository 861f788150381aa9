"""One requirements file, as pip-requirements-parser reads it: that is pip's own code for these files.

Of the library its `RequirementsFile` alone is used, and this module alone uses it.
"""

import re
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from pip_requirements_parser import RequirementsFile

from pypimirror.addresses import masked
from pypimirror.model import Digest
from pypimirror.requirements.dependency import canonical

_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
"""Digits of the digests that pip takes."""
_HASH = re.compile(r"(\w+):([0-9a-fA-F]+)")
_HASH_OPTION = re.compile(r"(?<!\S)--hash[= ]\s*(\S+)")
_NESTED = re.compile(r"(?:-[rc]|--requirement|--constraint)\b")
_OPTIONS = re.compile(r"(?<!\S)(?:--[\w-]+|-[A-Za-z])")
_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")

_HINTS = (
    (re.compile(r"\S#"), "a comment begins with a space and #"),
    (re.compile(r"[^=<>!~\s]\s*=\s*[^=\s]"), "two versions are compared by ==, and not by ="),
    (re.compile(r"\d\s*\["), "extras stand before the version"),
)


class RequirementLine(NamedTuple):
    """A requirement of an index's project."""

    source: str
    """Where it stands: `requirements.txt:3`."""
    requirement: str
    digests: tuple[Digest, ...] = ()


class NamedFile(NamedTuple):
    """A file that is named: by the option itself, by `-r`, or as constraints by `-c`; and where it is."""

    path: str
    is_constraint: bool = False
    source: str = ""


class Lines:
    """All that a file says; what has no effect here, and what is wrong, each with its place."""

    def __init__(self) -> None:
        self.requirements: list[RequirementLine] = []
        self.nested: list[NamedFile] = []
        self.ignored: list[str] = []
        self.problems: list[str] = []

    def take_options(self, source: str, found: Any) -> None:
        """Take a line of options."""
        for option, is_constraint in (("requirements", False), ("constraints", True)):
            for path in found.options.get(option, ()):
                if _VARIABLE.search(path):
                    self.problems.append(f"{source}: {_refused(found.line)}")
                elif "://" in path:
                    said = "an address; fetch the file, and name where it lies here"
                    self.problems.append(f"{source}: {said}")
                else:
                    self.nested.append(NamedFile(path, is_constraint, source))
        self._ignore_options(source, found.line)

    def take(self, source: str, requirement: Any) -> None:
        """Take a requirement as the library found it."""
        line = requirement.line
        if requirement.is_editable or requirement.link is not None or requirement.req is None:
            what = requirement.name or _shown(line)
            self.ignored.append(f"{source}: {what}: given by an address or a path, and not by an index")
            return
        text = str(requirement.req)
        if requirement.marker is not None:
            text += f"; {requirement.marker}"
        self._add(source, line, text, requirement.hash_options)

    def take_invalid(self, source: str, found: Any) -> None:
        """Take what the library does not: options that it does not know are newer than it is."""
        line = found.line
        if line.startswith("-") and not _NESTED.match(line):
            self._ignore_options(source, line)
            return
        options = _OPTIONS.search(line)
        if options is None or options.start() == 0:
            self.problems.append(f"{source}: {_refused(line)}")
            return
        self._ignore_options(source, line[options.start() :])
        self._add(source, line, line[: options.start()], _HASH_OPTION.findall(line))

    def _add(self, source: str, line: str, text: str, hashes: list[str]) -> None:
        requirement = canonical(text)
        if requirement is None:
            self.problems.append(f"{source}: {_refused(line)}")
            return
        digests = [_digest(each) for each in hashes]
        self.problems += [
            f"{source}: {text[:80]}: no digest that pip takes, such as --hash=sha256:0123... with 64 digits"
            for text, digest in zip(hashes, digests, strict=True)
            if digest is None
        ]
        good = tuple(sorted(digest for digest in digests if digest))
        self.requirements.append(RequirementLine(source, requirement, good))

    def _ignore_options(self, source: str, line: str) -> None:
        words = [word for word in _OPTIONS.findall(line) if word != "--hash" and not _NESTED.fullmatch(word)]
        self.ignored += [f"{source}: {word} has no effect here" for word in dict.fromkeys(words)]


def read(path: Path, shown: str) -> Lines:
    """Read a requirements file, and none that it names; messages name it as it is `shown`.

    Raises OSError, or ValueError for what is no text.
    """
    path.open("rb").close()  # the library's own error names no reason
    try:
        found = RequirementsFile.from_file(str(path), include_nested=False)
    except (UnicodeError, LookupError) as error:
        raise ValueError("is no text in UTF-8; save it as UTF-8") from error
    lines = Lines()
    takers = (
        (lines.take_options, found.options),
        (lines.take, found.requirements),
        (lines.take_invalid, found.invalid_lines),
    )
    entries = [(each.line_number, take, each) for take, several in takers for each in several]
    for number, take, each in sorted(entries, key=itemgetter(0)):
        take(f"{shown}:{number}", each)
    return lines


def _digest(text: str) -> Digest | None:
    match = _HASH.fullmatch(text)
    if match is None or len(match[2]) != _LENGTHS.get(match[1].lower()):
        return None
    return Digest(match[1].lower(), match[2].lower())


def _refused(line: str) -> str:
    if variable := _VARIABLE.search(line):
        return (
            f"{_shown(line)}: {variable[0]} is not replaced, as cron has another environment than a shell;"
            " write what it stands for"
        )
    if _NESTED.match(line):
        return f"{_shown(line)}: one file has to be named, such as -r more.txt"
    hint = next((f"; {said}" for pattern, said in _HINTS if pattern.search(line)), "")
    return f"{_shown(line)}: no requirement, such as name, name>=1.0 or name[extra]==1.0{hint}"


def _shown(line: str) -> str:
    text = masked(" ".join(line.split()))
    return text if len(text) <= 80 else text[:77] + "..."
