"""The form of the configuration file: as tolerant as the ancestor's, which people's files are written for."""

import configparser
import re
from collections import Counter
from typing import NamedTuple

from pypimirror.errors import Problem

SECTIONS = (configparser.DEFAULTSECT, "pypimirror")
"""Where options may stand; both mean the same."""

_REFERENCE = re.compile(r"%\(([^()]+)\)s")
_OPTION_LINE = re.compile(r"(?P<name>[^\s#;\[=:][^=:]*?)\s*[=:]")
_MAX_DEPTH = 10


class Setting(NamedTuple):
    """An option's value as it stands in a file, and in which section."""

    section: str
    value: str


class Ini(NamedTuple):
    """What a file says: its settings, interpolated; what others interpolate; what is wrong; what is odd."""

    settings: dict[str, Setting]
    referenced: frozenset[str]
    problems: tuple[Problem | str, ...]
    warnings: tuple[str, ...]


def parse(content: bytes) -> Ini:
    """Read INI text: comments inside values and after ` ;`, a lone `%`, repetitions, UTF-8 or Latin-1."""
    text = _decoded(content)
    parser = configparser.ConfigParser(
        comment_prefixes=("#", ";"), inline_comment_prefixes=(";",), strict=False, interpolation=None
    )
    try:
        parser.read_string(text)
    except configparser.Error as error:
        return Ini({}, frozenset(), (_one_line(error),), ())
    problems: list[Problem | str] = [
        f"[{section}]: unknown section; options stand in [DEFAULT] or [pypimirror]"
        for section in parser.sections()
        if section not in SECTIONS
    ]
    raw = {name: Setting(SECTIONS[0], value) for name, value in parser.defaults().items()}
    if parser.has_section(SECTIONS[1]):
        own = parser._sections[SECTIONS[1]]  # type: ignore[attr-defined]  # noqa: SLF001 (no public way without defaults)
        raw |= {name: Setting(SECTIONS[1], value) for name, value in own.items()}
    settings, referenced, bad = _interpolated(raw)
    return Ini(settings, referenced, (*problems, *bad), _repeated(text))


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _one_line(error: configparser.Error) -> str:
    return " ".join(str(error).replace("<string>", "the file").split())


def _repeated(text: str) -> tuple[str, ...]:
    """Name the options that a section sets twice: the last one counts, which is worth a word."""
    section, seen = SECTIONS[0], Counter[tuple[str, str]]()
    for line in text.splitlines():
        if line.startswith("["):
            section = line[1:].partition("]")[0]
        elif match := _OPTION_LINE.match(line):
            seen[section, match["name"].lower()] += 1
    return tuple(
        f"[{section}] {option}: given {count} times; the last one counts"
        for (section, option), count in seen.items()
        if count > 1
    )


def _interpolated(
    raw: dict[str, Setting],
) -> tuple[dict[str, Setting], frozenset[str], tuple[Problem, ...]]:
    referenced: set[str] = set()
    problems: list[Problem] = []

    def expand(option: str, value: str, depth: int) -> str:
        def replace(match: re.Match[str]) -> str:
            name = match[1].lower()
            if name not in raw:
                raise LookupError(f"%({name})s names no option of this file")
            if depth == _MAX_DEPTH:
                raise LookupError(f"%({name})s goes round in a circle")
            referenced.add(name)
            return expand(option, raw[name].value, depth + 1)

        return _REFERENCE.sub(replace, value)

    settings = {}
    for option, (section, value) in raw.items():
        try:
            settings[option] = Setting(section, expand(option, value, 0))
        except LookupError as error:
            problems.append(Problem(section, option, value, str(error.args[0])))
    return settings, frozenset(referenced), tuple(problems)
