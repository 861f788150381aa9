"""The manual page: a frame, and in it every flag as the parser has it.

Generators such as argparse-manpage know what --help knows. This page tells more of a flag than fits there,
and has sections for statuses, files and the environment; and it is the same whichever Python makes it.
"""

import argparse
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pypimirror import __version__

_PLAIN = {"positional arguments", "options"}
"""argparse's own groups."""
_WORDS = re.compile(r"(?<![\w-])(--?[A-Za-z][\w-]*(?:=\w+)?)|\b([a-z]+(?:_[a-z]+)+)\b")
"""Flags and options."""


def page(parser: argparse.ArgumentParser, folder: Path) -> str:
    """Return the manual page in man(7)."""
    frame = (folder / "pypimirror.1.in").read_text("utf-8")
    more: dict[str, str] = tomllib.loads((folder / "options.toml").read_text("utf-8"))
    flags = {flag for action in parser._actions for flag in action.option_strings}
    assert not more.keys() - flags, f"options.toml tells of flags that are not there: {more.keys() - flags}"
    sections = "\n".join(_sections(parser, more))
    return frame.replace("@VERSION@", __version__).replace("@OPTIONS@", sections)


def _sections(parser: argparse.ArgumentParser, more: Mapping[str, str]) -> Iterator[str]:
    groups = {str(group.title): group._group_actions for group in parser._action_groups}
    yield ".SH MODES"
    yield "One of these has to be given."
    yield from _flags(parser, groups.pop("modes"), more)
    yield ".SH OPTIONS"
    yield "What is given here wins over the configuration file."
    for title, actions in groups.items():
        if title not in _PLAIN and actions:
            yield f".SS {_escaped(title.capitalize())}"
            yield from _flags(parser, actions, more)
    yield ".SS Without a configuration"
    yield from _flags(parser, groups["options"], more)


def _flags(
    parser: argparse.ArgumentParser, actions: list[argparse.Action], more: Mapping[str, str]
) -> Iterator[str]:
    formatter = parser._get_formatter()
    for action in actions:
        yield ".TP"
        yield _head(action)
        text = formatter._expand_help(action)
        yield from _sentences(f"{text[0].upper()}{text[1:]}.")
        for flag in action.option_strings:
            yield from _sentences(more.get(flag, ""))


def _head(action: argparse.Action) -> str:
    flags = ", ".join(f"\\fB{_escaped(flag)}\\fR" for flag in action.option_strings)
    if action.nargs == 0:
        return flags
    value = f"\\fI{_escaped(str(action.metavar or action.dest.upper()))}\\fR"
    return f"{flags}[={value}]" if action.nargs == "?" else f"{flags} {value}"


def _sentences(text: str) -> Iterator[str]:
    """Yield a text in man(7), a sentence on each line."""
    for sentence in re.split(r"(?<=[.]) +(?=[A-Z0-9])", " ".join(text.split())):
        if sentence:
            yield _marked(sentence)


def _marked(text: str) -> str:
    """Return a text with flags and options in bold."""
    parts, end = [], 0
    for match in _WORDS.finditer(text):
        parts += [_escaped(text[end : match.start()]), f"\\fB{_escaped(match[0])}\\fR"]
        end = match.end()
    marked = "".join([*parts, _escaped(text[end:])])
    return f"\\&{marked}" if marked.startswith((".", "'")) else marked


def _escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-")
