"""What is asked for of a project, and by whom: the values that the state keeps of it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from pypimirror.model import Digest

UNREADABLE = "%s: %s requires what can't be read as it stands: %s"
"""Logged of a project's file, with the requirement."""


class Want(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """What somebody asks for of a project: releases by a specifier, or files by pinned digests."""

    specifier: str = ""
    """A PEP 440 specifier set in canonical text; empty is every release."""
    digests: tuple[Digest, ...] = ()
    """Only files with one of these are meant."""
    is_exact: bool = False
    """Only files of the release that the specifier pins are meant."""


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What requirements and dependencies ask for of one project, and who does."""

    wants: tuple[Want, ...] = ()
    needs: tuple[tuple[str, str], ...] = ()
    """Who asks (`plone-api`, or `requirements.txt:3`), and by which requirement (`zope.event>=5`)."""


class Requires(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the mirrored releases of one project require, by their core metadata."""

    requirements: tuple[tuple[str, str], ...] = ()
    """Distinct requirements, each with the newest version that has it; sorted."""
    unknown: tuple[str, ...] = ()
    """Versions of which nothing reliable tells what they require."""

    def with_all_of(self, before: "Requires") -> "Requires":
        """Return what is required now or was before."""
        known = dict(before.requirements) | dict(self.requirements)
        return Requires(tuple(sorted(known.items())), self.unknown)

    def said_by(self, name: str, requirement: str) -> str:
        """Say which version of a project, the newest, has a requirement: `plone-api 2.1 requires six>=1`."""
        version = dict(self.requirements).get(requirement)
        return f"{name} {f'{version} ' if version else ''}requires {requirement}"


class Told(NamedTuple):
    """What the core metadata of one file of a release requires; None where nothing reliable tells."""

    version: str
    requirements: tuple[str, ...] | None


Read = Mapping[str, tuple[str, ...]]
"""What core metadata requires, by its sha256."""
NOTHING_READ: Read = MappingProxyType({})
