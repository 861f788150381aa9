"""The form of the configuration file: as tolerant as the ancestor's, which people's files are written for."""

import codecs
import configparser
import re
from collections import defaultdict
from typing import NamedTuple

from pypimirror.addresses import masked
from pypimirror.errors import Problem

SECTIONS = (configparser.DEFAULTSECT, "pypimirror")
"""Where options may stand; both mean the same."""

_REFERENCE = re.compile(r"%\(([^()]+)\)s")
_OPTION_LINE = re.compile(r"(?P<name>[^\s#;\[=:][^=:]*+)[=:]")
# configparser takes the square of their number to read them.
_MANY_BLANKS = re.compile(r"(?<=\S)[^\S\n]{1000,}+")
_OWN_HEADER = re.compile(r"^[ \t]*\[pypimirror\]", re.MULTILINE)
_MAX_DEPTH = 10
_MOST_LINES = 3
"""Lines that are named where several are wrong."""
_LONGEST_LINE = 60
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MAX_VALUE = 1 << 20
"""Characters of what the references of one value lead to."""


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
    misplaced: frozenset[str] = frozenset()
    """Options in sections that are unknown."""
    is_readable: bool = True
    """The file has the form of an INI file; else nothing can be said of what is in it, or missing."""


def parse(content: bytes) -> Ini:
    """Read INI text: comments inside values and after ` ;`, a lone `%`, repetitions, UTF-8 or Latin-1."""
    if why := _why_no_text(content):
        return Ini({}, frozenset(), (why,), (), is_readable=False)
    text = _MANY_BLANKS.sub(" ", _decoded(content))
    parser = configparser.ConfigParser(
        comment_prefixes=("#", ";"), inline_comment_prefixes=(";",), strict=False, interpolation=None
    )
    try:
        # Both sections are one, so that the last of a repeated option counts wherever it stands.
        parser.read_string(_OWN_HEADER.sub(f"[{SECTIONS[0]}]", text))
    except configparser.Error as error:
        return Ini({}, frozenset(), (_one_line(error),), (), is_readable=False)
    unknown = tuple(
        f"[{masked(section)}]: unknown section; options stand in [DEFAULT] or [pypimirror]"
        for section in parser.sections()
    )
    places = _places(text)
    raw = {name: Setting(places[name][-1], value) for name, value in parser.defaults().items()}
    settings, referenced, bad = _interpolated(raw)
    repeated = tuple(
        f"[{sections[-1]}] {masked(name)}: given {len(sections)} times; the last one counts"
        for name, sections in places.items()
        if len(sections) > 1
    )
    misplaced = frozenset(name for section in parser.sections() for name in parser[section])
    return Ini(settings, referenced, (*unknown, *bad), repeated, misplaced - parser.defaults().keys())


def _why_no_text(content: bytes) -> str | None:
    """Say what a file is that is no text of ours; its bytes are for no terminal."""
    if content.startswith(_UTF_16):
        return "the file is in UTF-16; save it in UTF-8"
    if b"\0" in content or content.startswith(b"\x1f\x8b"):  # gzip's own mark
        return "a binary file, and no configuration; name the INI file, or make one with --sample-config"
    return None


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _one_line(error: configparser.Error) -> str:
    """Say which lines of a file are no INI; quote the first unless it may hold a password."""
    errors = getattr(error, "errors", ()) or ((getattr(error, "lineno", 1), getattr(error, "line", "")),)
    numbers = ", ".join(str(number) for number, _ in errors[:_MOST_LINES])
    lines = f"line {numbers}" + (" and others" if len(errors) > _MOST_LINES else "")
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"{lines}: an option before any section; the first line has to be [{SECTIONS[0]}]"
    what = "neither a [section], nor an option with = and a value, nor a # comment"
    return f"{lines}{_quoted(errors[0][1])}: {what}"


def _quoted(found: object) -> str:
    """Return what stands in a line, as configparser quotes it, to be shown behind its number."""
    text = str(found).strip("'\"")
    text = text.removesuffix("\\n").strip()
    is_plain = text and masked(text) == text and text.isprintable() and len(text) <= _LONGEST_LINE
    return f" ({text})" if is_plain else ""


def _places(text: str) -> defaultdict[str, list[str]]:
    """Return for each option the sections that set it; continuations are told as configparser does."""
    places: defaultdict[str, list[str]] = defaultdict(lambda: [SECTIONS[0]])
    section, indent, has_option = SECTIONS[0], 0, False
    for line in text.splitlines():
        stripped = line.strip()
        here = len(line) - len(line.lstrip())
        if not stripped or stripped.startswith(("#", ";")) or (has_option and here > indent):
            continue
        indent = here
        if stripped.startswith("["):
            section, has_option = stripped[1:].partition("]")[0], False
        elif match := _OPTION_LINE.match(stripped):
            has_option = True
            name = match["name"].rstrip().lower()
            places.setdefault(name, []).append(section)
    return places


def _interpolated(
    raw: dict[str, Setting],
) -> tuple[dict[str, Setting], frozenset[str], tuple[Problem, ...]]:
    referenced: set[str] = set()
    problems: list[Problem] = []
    left = 0

    def expand(option: str, value: str, depth: int) -> str:
        def replace(match: re.Match[str]) -> str:
            nonlocal left
            name = match[1].lower()
            said = "..." if "@" in value else name  # it may be a part of a password
            if name not in raw:
                raise LookupError(f"%({said})s names no option of this file")
            if depth == _MAX_DEPTH:
                raise LookupError(f"%({said})s goes round in a circle")
            left -= len(raw[name].value) + 1
            if left < 0:
                raise LookupError(f"with all that it refers to it has more than {_MAX_VALUE:,} characters")
            referenced.add(name)
            return expand(option, raw[name].value, depth + 1)

        return _REFERENCE.sub(replace, value)

    settings = {}
    for option, (section, value) in raw.items():
        left = _MAX_VALUE
        try:
            settings[option] = Setting(section, expand(option, value, 0))
        except LookupError as error:
            problems.append(Problem(section, option, value, str(error.args[0])))
    return settings, frozenset(referenced), tuple(problems)
