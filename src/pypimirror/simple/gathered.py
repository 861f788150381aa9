"""A page's entries on their way to files: doubles, refusals, bounds. Both representations go through here."""

from collections.abc import Callable
from typing import Any

import msgspec

from pypimirror import filenames
from pypimirror.model import Digest, File, NormalizedName, ProjectPage
from pypimirror.simple.digests import DigestError, merged
from pypimirror.simple.problems import LONGEST_TEXT, PageError

_MOST_TOLD = 20
_MOST_TEXT = 1 << 25
"""Characters of all addresses and texts of a page together."""


class Gathered:
    """What was found so far."""

    def __init__(self, name: NormalizedName) -> None:
        self._name = name
        self.files: dict[str, File] = {}
        self.unusable: set[str] = set()
        self.nameless = 0
        self._distrusted: set[str] = set()
        self._refused: list[str] = []
        self._refusals = 0
        self._skipped: dict[str, tuple[int, str]] = {}
        self._notes: list[str] = []
        self._text = 0

    def take(self, filename: str, read: Callable[..., File], *arguments: Any) -> None:
        """Take an entry: `read(*arguments)` gives its file, or raises ValueError."""
        if reason := filenames.why_unsafe(filename):
            self._tell(f"{filename[:200]!r}: its name is {reason}")
            return
        if not filenames.is_distribution(filename):
            self.skip("by its ending no distribution", filename)
            return
        try:
            file = read(*arguments)
            known = self.files.get(filename)
            if known is None:
                self._add(file)
            elif known.digests != file.digests:
                digests = merged(known.digests, file.digests)
                self.files[filename] = msgspec.structs.replace(known, digests=digests)
        except DigestError as error:
            self._distrusted.add(filename)
            self.refuse(filename, str(error))
        except ValueError as error:
            self.refuse(filename, str(error))

    def _add(self, file: File) -> None:
        self.files[file.filename] = file
        self._text += len(file.url) + len(file.yanked or "") + len(file.requires_python or "")
        self._text += len(file.filename) + len(file.provenance or "")
        if self._text > _MOST_TEXT:
            raise PageError(f"its addresses and texts are longer than {_MOST_TEXT:,} characters together")

    def refuse(self, filename: str, reason: str) -> None:
        """Note an entry that can't be used; what is held under its name is not gone."""
        self.unusable.add(filename)
        self._tell(f"{filename[:200]!r}: {reason}")

    def refuse_nameless(self, what: str) -> None:
        """Note an entry that may be of any file."""
        self.nameless += 1
        self._tell(what)

    def _tell(self, what: str) -> None:
        self._refusals += 1
        if len(self._refused) < _MOST_TOLD:
            self._refused.append(what)

    def skip(self, why: str, filename: str) -> None:
        """Note an entry that is passed over; what is held under its name is not gone."""
        self.unusable.add(filename)
        count, example = self._skipped.get(why, (0, filename))
        self._skipped[why] = (count + 1, example)

    def note(self, filename: str, what: str) -> None:
        """Note what was dropped of an entry."""
        if len(self._notes) < _MOST_TOLD:
            self._notes.append(f"{filename[:200]!r}: {what}" if filename else what)

    def requires_python(self, filename: str, said: str | None) -> str | None:
        """Return the constraint of Python versions that a file has; one that is too long is dropped."""
        if said and len(said) > LONGEST_TEXT:
            self.note(filename, "its requires-python is too long")
            return None
        return said or None

    def core_metadata(
        self, filename: str, read: Callable[[Any], tuple[Digest, ...]], offer: Any
    ) -> tuple[Digest, ...]:
        """Read the digests that core metadata is offered with; those that can't be relied on are dropped."""
        try:
            return read(offer)
        except DigestError as error:
            self.note(filename, f"its core metadata: {error}")
            return ()

    def skip_others(self) -> None:
        """Pass over files that don't begin with the project's name, as clients do."""
        for filename in [f for f in self.files if filenames.is_of_another(f, self._name)]:
            del self.files[filename]
            self.skip("of another project by its name", filename)

    def names_project(self) -> bool:
        """Tell whether one entry is a file of this project beyond doubt."""
        return any(filenames.is_file_of(f, self._name) for each in (self.files, self.unusable) for f in each)

    def page(self, **fields: Any) -> ProjectPage:
        """Return all that as a page, with what else is known of it."""
        for filename in self._distrusted:
            self.files.pop(filename, None)
        return ProjectPage(
            files=tuple(self.files.values()),
            refused=tuple(self._refused),
            more_refused=self._refusals - len(self._refused),
            skipped=tuple(
                f"{count:,} {why} ({example!r})" for why, (count, example) in self._skipped.items()
            ),
            notes=tuple(self._notes),
            unusable=frozenset(self.unusable - self.files.keys()),
            nameless=self.nameless,
            **fields,
        )
