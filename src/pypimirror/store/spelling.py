"""Which names a file system takes for one: in other case, or in another form of Unicode."""

import contextlib
import os
import unicodedata
from typing import NamedTuple

from pypimirror.store.layout import PRIVATE

_COMPOSED, _DECOMPOSED = "\u00e9".encode(), "e\u0301".encode()


class Spelling(NamedTuple):
    """What a file system does not tell apart."""

    ignores_case: bool
    ignores_form: bool

    def key(self, name: str) -> str:
        """Return what is equal for names that are one file."""
        if self.ignores_form and not name.isascii():
            name = unicodedata.normalize("NFD", name)
        return unicodedata.normalize("NFD", name.casefold()) if self.ignores_case else name


def ignores_case(root: str) -> bool:
    """Tell whether a mirror's private folder is found by its name in other letters, too."""
    with contextlib.suppress(OSError):
        return os.path.samefile(f"{root}/{PRIVATE}", f"{root}/{PRIVATE.upper()}")
    return False


def ignores_form(folder: str) -> bool:
    """Tell whether a file is found by its name in the other form; it is made in `folder` for that."""
    place = os.fsencode(folder)
    with contextlib.suppress(OSError):
        os.close(os.open(place + b"/" + _COMPOSED, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        try:
            return os.path.lexists(place + b"/" + _DECOMPOSED)
        finally:
            os.unlink(place + b"/" + _COMPOSED)
    return False
