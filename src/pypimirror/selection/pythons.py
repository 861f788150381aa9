"""Which Pythons a file admits by its Requires-Python (PEP 345, PEP 440)."""

import functools

import msgspec

from pypimirror.model import File
from pypimirror.printable import printable
from pypimirror.selection.want import No

_LONGEST = 250
"""Characters: what is longer is not read, as reading it takes the square of their number."""
_LATE = 999
"""A micro version that comes after all that are named."""


class RequiresPython(msgspec.Struct, frozen=True):
    """The rule `python_versions`, for what a file says by itself."""

    python_versions: tuple[str, ...]

    def no(self, file: File) -> No | None:
        """Say why a file is left out; None where it is not."""
        requires = file.requires_python
        if not requires or any(has_fitting_micro(requires, python) for python in self.python_versions):
            return None
        asked = " ".join(sorted(self.python_versions))
        return No("python_versions", f"Requires-Python {printable(requires)} admits none of {asked}")


@functools.lru_cache(maxsize=4096)
def has_fitting_micro(requires: str, python: str) -> bool:
    """Tell whether some X.Y.Z of a Python X.Y satisfies Requires-Python; what can't be read fits."""
    if len(requires) > _LONGEST:
        return True
    try:
        return _is_fit(requires, python.rstrip("t"))
    except ValueError:  # InvalidSpecifier, and numbers of too many digits
        return True


def _is_fit(requires: str, python: str) -> bool:
    from packaging.specifiers import SpecifierSet

    specifiers = SpecifierSet(requires)
    micros = {0, _LATE}
    for specifier in specifiers:
        found = specifier.version.removesuffix(".*").split(".")
        if len(found) > 2 and ".".join(found[:2]) == python and found[2].isdigit():
            micros |= {max(int(found[2]) + step, 0) for step in (-1, 0, 1)}
    return any(specifiers.contains(f"{python}.{micro}", prereleases=True) for micro in sorted(micros))
