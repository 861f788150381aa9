"""What is asked for by requirements: of people, in files; and of projects, in their core metadata.

Here are the values; the modules are imported one by one, as a run without such options needs none: `files`
reads what the option `requirements` names (by `lines` and `locks`), `required` reads core metadata,
`dependency` one requirement, and `environments` says where its marker holds (by `markers`).
"""

from typing import NamedTuple

import msgspec

from pypimirror.model import Digest, NormalizedName
from pypimirror.want import Want


class Root(msgspec.Struct, frozen=True, order=True):
    """One line of a requirements file, or one package of a lock file."""

    name: NormalizedName
    want: Want = Want()
    extras: tuple[str, ...] = ()
    """In PEP 685 form, sorted."""
    marker: str = ""
    """The environments in which it counts (PEP 508); empty is all of them."""
    source: str = ""
    """Where it stands: `requirements.txt:3`."""

    @property
    def words(self) -> str:
        """What it says, as a requirement."""
        bracketed = f"[{','.join(self.extras)}]" if self.extras else ""
        return f"{self.name}{bracketed}{self.want.specifier}" + (f"; {self.marker}" if self.marker else "")


class Constraint(msgspec.Struct, frozen=True, order=True):
    """One line of a constraints file: it asks for nothing, and narrows what others ask for."""

    name: NormalizedName
    specifier: str = ""
    digests: tuple[Digest, ...] = ()
    marker: str = ""
    source: str = ""


class Lock(NamedTuple):
    """For which Pythons and environments a lock file was made (PEP 751); empty is any."""

    source: str
    requires_python: str = ""
    environments: tuple[str, ...] = ()
    """Markers, of which one holds."""


class Roots(NamedTuple):
    """All that the files say, in their order."""

    roots: tuple[Root, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    ignored: tuple[str, ...] = ()
    """What stands in them and has no effect here, each with its place: options, direct references, paths."""
    files: tuple[str, ...] = ()
    """The files that were read, those that others name too."""
    locks: tuple[Lock, ...] = ()

    @property
    def asked(self) -> tuple[object, ...]:
        """What is asked for, whatever the order and the place of the lines: made for a fingerprint."""
        roots = sorted({msgspec.structs.replace(root, source="") for root in self.roots})
        constraints = sorted({msgspec.structs.replace(each, source="") for each in self.constraints})
        return (tuple(roots), tuple(constraints))
