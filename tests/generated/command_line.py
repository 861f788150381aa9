"""The reference of the command line in docs/, of the parser and of what the manual page tells beyond it."""

import argparse
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

_HEAD = """\
# Command line

Look here for what a flag does. `pypimirror --help` prints the same in short, `man pypimirror` in full.

```
pypimirror CONFIG MODE [options]
pypimirror --init DIR
pypimirror --sample-config
```

CONFIG is the [configuration file](configuration.md). What you say on the command line wins over what stands
there. Name one mode. Without one the command prints its usage and ends with status 2.
[Exit statuses](exit-status.md) have a page of their own.

<!-- `python -m tests.generated` makes this page of the parser and man/options.toml. -->
"""
_WITHOUT = "Without a configuration"
_TITLES = {"options": _WITHOUT, "modes": "Modes"}


def page(parser: argparse.ArgumentParser, folder: Path) -> str:
    """Return the page in Markdown."""
    more: dict[str, str] = tomllib.loads((folder / "options.toml").read_text("utf-8"))
    groups = {str(group.title): group._group_actions for group in parser._action_groups}
    groups["options"] = groups.pop("options")  # what needs no configuration comes last
    del groups["positional arguments"]
    return "".join([_HEAD, *_sections(parser, groups, more)])


def _sections(
    parser: argparse.ArgumentParser, groups: Mapping[str, list[argparse.Action]], more: Mapping[str, str]
) -> Iterator[str]:
    for title, actions in groups.items():
        if actions:
            yield f"\n## {_TITLES.get(title, title.capitalize())}\n\n| flag | what it does |\n|---|---|\n"
            yield from (_row(parser, action, more) for action in actions)


def _row(parser: argparse.ArgumentParser, action: argparse.Action, more: Mapping[str, str]) -> str:
    text = parser._get_formatter()._expand_help(action)
    texts = [f"{text[0].upper()}{text[1:]}.", *(more.get(flag, "") for flag in action.option_strings)]
    told = " ".join(" ".join(texts).split())
    return f"| {_flags(action)} | {_escaped(told)} |\n"


def _flags(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
    shown = f"[={value}]" if action.nargs == "?" else f" {value}" if value else ""
    return ", ".join(f"`{_escaped(flag + shown)}`" for flag in action.option_strings)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
