"""What the configuration names and upstream does not have, as the state keeps it."""

import msgspec

from pypimirror.mirror import Mirror

NOTE = "unmatched"
OF_FILES = "filename_matches: "


def _remark(pattern: str) -> str:
    return f"{pattern} matches nothing; correct the pattern, or take it out"


class Unmatched(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of a selection leads to nothing."""

    selection: str = ""
    """Of which selection this was found."""
    names: tuple[str, ...] = ()
    """Projects that are named, and that upstream does not have."""
    patterns: tuple[str, ...] = ()
    """Patterns that match nothing, each with its option."""
    roots: tuple[str, ...] = ()
    """Lines of requirements files that no file of their projects answers, each with why."""
    nothing: str = ""
    """Why no file at all is selected."""

    def failures(self) -> tuple[str, ...]:
        """Return what keeps the mirror from being what was asked for, each with what to do."""
        missing = tuple(
            f"{name}: upstream has no such project; correct the name in the configuration, or take it out"
            for name in self.names
        )
        lines = tuple(f"{each}; correct the line, or take it out" for each in self.roots)
        nothing = f"{self.nothing}; is the configuration what you mean?"
        return (*missing, *lines, *((nothing,) if self.nothing else ()))

    def remarks(self) -> tuple[str, ...]:
        """Return what is most likely a slip of the pen, each with what to do: patterns of projects."""
        return tuple(_remark(pattern) for pattern in self.patterns if not pattern.startswith(OF_FILES))

    def notes(self) -> tuple[str, ...]:
        """Return what may be meant so: patterns of files are often written for kinds that may come yet."""
        return tuple(_remark(pattern) for pattern in self.patterns if pattern.startswith(OF_FILES))

    def lines(self) -> tuple[str, ...]:
        """Return all of it."""
        return (*self.failures(), *self.remarks(), *self.notes())


def known(mirror: Mirror) -> Unmatched:
    """Return what is kept of the mirror's selection; nothing where it is of another one."""
    found, selection = mirror.state.notes.hint(NOTE, Unmatched), mirror.selection.of_projects
    return found if found is not None and found.selection == selection else Unmatched(selection)
