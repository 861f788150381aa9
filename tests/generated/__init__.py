"""Files that are made of the command's parser: the manual page, a page of docs/, and completions for shells.

`python -m tests.generated` writes them; a test holds that they are what it would write. A change of the
parser needs nothing else, so that two changes merge by running it again.
"""

from collections.abc import Mapping
from pathlib import Path

from pypimirror.cli import arguments
from tests.generated import command_line, completions, manual

TOP = Path(__file__).parents[2]


def contents() -> Mapping[Path, str]:
    """Return each file with what has to be in it."""
    pages = {
        TOP / "man/pypimirror.1": manual.page(arguments._parser(), TOP / "man"),
        TOP / "docs/command-line.md": command_line.page(arguments._parser(), TOP / "man"),
    }
    return pages | {
        TOP / "completions" / name: completions.script(arguments._parser(), shell)
        for shell, name in completions.NAMES.items()
    }
