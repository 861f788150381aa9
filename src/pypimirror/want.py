"""What somebody asks for of a project: a value that the selection, the closure and the state share."""

import msgspec

from pypimirror.model import Digest


class Want(msgspec.Struct, frozen=True, order=True):
    """Releases of a project by a specifier, or the very files that are pinned by their digests."""

    specifier: str = ""
    """A set of version specifiers in canonical text (`str(SpecifierSet)`); empty is every release."""
    digests: tuple[Digest, ...] = ()
    """Only files with one of these."""
    is_exact: bool = False
    """Only the files of the release that the specifier pins: `exact`, where no digest is known."""
