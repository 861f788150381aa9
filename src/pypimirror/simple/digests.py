"""Digests in every form in which indexes offer them. An unreadable one is not taken for a missing one."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from pypimirror.checksums import DIGITS
from pypimirror.model import Digest

_MOST = 20
_HEX = re.compile(r"[0-9a-f]{8,256}")
_ALGORITHM = re.compile(r"[a-z0-9_-]{1,32}")
_NEXT = re.compile("[&#;]")
_PAIR = re.compile("[=:]")
_USUAL = re.compile("sha256=([0-9a-f]{64})")
"""What nearly all links have."""


class DigestError(ValueError):
    """What an index says of a file's digests can't be relied on, so that nothing vouches for the file."""


def digests(offered: Iterable[tuple[str, object]]) -> tuple[Digest, ...]:
    """Return the well-formed digests, sorted by algorithm.

    Raises DigestError where one algorithm has two, or where digests that could be checked were offered and
    not one of them can be read.
    """
    found: dict[str, str] = {}
    unread = None
    is_checked = False
    for spelled, value in offered:
        algorithm = _name(spelled)
        hexdigest = value.strip().lower() if isinstance(value, str) else ""
        length = DIGITS.get(algorithm)
        if not _HEX.fullmatch(hexdigest) or length not in (None, len(hexdigest)):
            unread = unread or (algorithm if length else None)
        elif found.setdefault(algorithm, hexdigest) != hexdigest:
            raise DigestError(f"two different {algorithm} digests")
        is_checked = is_checked or (algorithm in found and length is not None)
    if unread and not is_checked:
        raise DigestError(f"its {unread} is no digest")
    well_formed = [Digest(a, v) for a, v in found.items() if _ALGORITHM.fullmatch(a)]
    if len(well_formed) > _MOST:
        well_formed = [each for each in well_formed if each.algorithm in DIGITS]
    return tuple(sorted(well_formed))


def in_fragment(reference: str) -> tuple[Digest, ...]:
    """Return the digests that a link's fragment offers (PEP 503), among other pairs, encoded or not."""
    fragment = reference.partition("#")[2]
    if usual := _USUAL.fullmatch(fragment):
        return (Digest("sha256", usual[1]),)
    return in_pairs(fragment) if fragment else ()


def in_pairs(text: str) -> tuple[Digest, ...]:
    """Return the digests of `key=value` pairs; raise DigestError as `digests` does."""
    parts = (_PAIR.split(part.strip(), maxsplit=1) for part in _NEXT.split(unquote(text)))
    return digests((part[0], part[1]) for part in parts if len(part) == 2)


def merged(one: tuple[Digest, ...], other: tuple[Digest, ...]) -> tuple[Digest, ...]:
    """Return the digests of both; raise DigestError where they don't agree."""
    return one if one == other or not other else digests((*one, *other))


def _name(spelled: str) -> str:
    """Return an algorithm's name as hashlib has it, however the index spells it (`SHA-256`)."""
    name = spelled.strip().lower()
    if name in DIGITS or len(name) > 32:
        return name
    return next((n for n in (name.replace("-", "_"), re.sub("[-_]", "", name)) if n in DIGITS), name)
