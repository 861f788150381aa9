"""The rules that look at each want by itself: `requirements`, `prereleases` and `latest_releases`."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from pypimirror.model import File
from pypimirror.selection.options import Prereleases
from pypimirror.selection.releases import Release, names_prerelease, newest_first
from pypimirror.selection.want import No, asks_for, is_pinned, text_of
from pypimirror.want import Want

Candidate = tuple[File, Release]


class Newest(msgspec.Struct, frozen=True):
    """What counts for one project."""

    prereleases: Prereleases = True
    latest: int = 0
    """0 is all."""

    def no(self, candidates: Collection[Candidate], wants: Iterable[Want]) -> Mapping[str, No]:
        """Say by their names which files are left out, and why: those that no want leads to."""
        noes: dict[str, No] = {}
        kept: set[str] = set()
        asking = sorted(wants)
        is_plain = self.prereleases is True and not self.latest
        for want in asking:
            asked = [each for each in candidates if asks_for(want, *each)]
            if is_plain:
                kept.update(file.filename for file, _ in asked)
                continue
            pinned = {file.filename for file, release in asked if is_pinned(want, file, release)}
            final = self._without_prereleases(want, asked, pinned, noes)
            kept |= pinned | self._latest(final, pinned, noes)
        if len(kept) == len(candidates):
            return {}
        unasked = No("requirements", f"it is none of what is asked for: {_shown(asking)}")
        return {
            file.filename: noes.get(file.filename, unasked)
            for file, _ in candidates
            if file.filename not in kept
        }

    def _without_prereleases(
        self, want: Want, asked: list[Candidate], pinned: set[str], noes: dict[str, No]
    ) -> list[Candidate]:
        if self.prereleases is True:
            return asked
        final = [each for each in asked if not each[1].is_prerelease]
        may_be_needed = self.prereleases == "if-needed" or names_prerelease(want.specifier)
        if may_be_needed and not final:
            return asked
        for file, release in asked:
            if release.is_prerelease and file.filename not in pinned:
                noes.setdefault(file.filename, No("prereleases", f"{release.shown} is a pre-release"))
        return final

    def _latest(self, asked: list[Candidate], pinned: set[str], noes: dict[str, No]) -> set[str]:
        if not self.latest:
            return {file.filename for file, _ in asked}
        numbers = _numbers(asked)
        for file, release in asked:
            number = numbers[release.text]
            if number > self.latest and file.filename not in pinned:
                taken = "1 is taken" if self.latest == 1 else f"{self.latest} are taken"
                why = f"{release.shown} is number {number} of the newest, and {taken}"
                noes.setdefault(file.filename, No("latest_releases", why))
        return {file.filename for file, release in asked if numbers[release.text] <= self.latest}


def _numbers(candidates: Iterable[Candidate]) -> dict[str, int]:
    """Return numbers of the releases by their texts, 1 for the newest; the local part makes no other one."""
    newest = newest_first(release for _, release in candidates)
    publics = {public: n for n, public in enumerate(dict.fromkeys(r.public for r in newest), start=1)}
    return {each.text: publics[each.public] for each in newest}


def _shown(wants: list[Want]) -> str:
    shown = [text_of(want) for want in wants[:5]]
    return ", or ".join(shown) + (f", or {len(wants) - 5:,} more" if len(wants) > 5 else "")
