"""Completions for shells, by shtab."""

import argparse

import shtab

NAMES = {"bash": "pypimirror", "zsh": "_pypimirror", "fish": "pypimirror.fish"}
"""What each shell's script is called where the shell looks for it."""
_FILES = {"CONFIG": shtab.FILE, "FILE": shtab.FILE, "DIR": shtab.DIRECTORY}
"""What completes a value, by what --help calls it."""


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return a script that completes the command in a shell."""
    for action in parser._actions:
        if isinstance(action.metavar, str) and action.metavar in _FILES:
            vars(action)["complete"] = _FILES[action.metavar]
        if action.nargs == "?" and action.option_strings:
            # Its value is given with "=" alone: the next word is no part of it.
            action.nargs, action.choices = 0, None
    text = shtab.complete(parser, shell)
    return "".join(f"{line.rstrip()}\n" for line in text.rstrip().splitlines())
