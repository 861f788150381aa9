"""Following what mirrored releases require (`dependencies`): more while a run works, and less at its end.

What is asked for only grows while a run works, so that nothing is dropped that a page still to come asks for.
At the end it is computed anew out of the state; what nobody asks for any more leaves then, but only where
every project's requirements could be had.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pypimirror.amounts import listed
from pypimirror.dependencies import missing
from pypimirror.mirror import Mirror
from pypimirror.model import HeldFile, NormalizedName
from pypimirror.want import NOTHING_READ, Asked, Read, Requires, Told, Want

if TYPE_CHECKING:
    from pypimirror.closure import Closure

_log = logging.getLogger(__name__)

_NOTE = "followed"
"""The configuration whose dependencies were followed to their end, or that they were not."""
_INCOMPLETE = "incomplete"

NO_LONGER_NOTE = "no longer required"
_MOST_NO_LONGER = 1000


class Dependencies:
    """What requirements files and mirrored releases ask for."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._growing: Closure | None = None
        self._only_grows = True
        """Nothing was taken back of what projects require."""
        self._has_changed = False
        self._known: dict[NormalizedName, Asked] = {}
        """What was asked for when the run began."""
        self._before: dict[NormalizedName, Asked] = {}
        """What was asked for, and by whom, until it is recorded who asks for what now."""
        self.is_stale = False
        """Whether more may be asked for than the last run got to: that was cut off, failed, or had another
        configuration."""
        self.is_new = False
        """Nothing was followed before: what is held may be what is required, and nobody knows yet."""
        self.grown: set[NormalizedName] = set()
        """Projects of which more is asked for than when this was last looked at."""

        self._touched: set[NormalizedName] = set()
        """Projects of which something came or went in this run."""
        self.as_held: set[NormalizedName] = set()
        """Projects of which this run has all, but for files that upstream changed and that are kept as they
        were: what these require counts."""

    @property
    def are_followed(self) -> bool:
        """Whether what is required is mirrored, too."""
        return self._mirror.config.dependencies

    @property
    def are_used(self) -> bool:
        """Whether anything but patterns says what to mirror."""
        return bool(self._mirror.config.requirements.roots or self.are_followed)

    def begin(self) -> None:
        """Let the selection know what is asked for: by the requirements, and by what was followed before."""
        if not self.are_used:
            return
        followed = self._mirror.state.notes.get(_NOTE)
        self._known = self._before = self._mirror.state.choices.asked()
        self.is_stale = self._has_changed = followed != self._mirror.selection.of_projects
        self.is_new = self.are_followed and followed is None
        if self.is_stale:
            self._ask_all(self._closure().wants)
        if self.are_followed or not self._has_changed:
            self._ask_all({name: asked.wants for name, asked in self._known.items()})

    def _ask_all(self, wants: Mapping[NormalizedName, Iterable[Want]]) -> None:
        asked = self._mirror.selection.asked
        for name, more in wants.items():
            asked[name] = asked.get(name, frozenset()) | frozenset(more)

    def unlisted(self) -> list[NormalizedName]:
        """Return the projects that are asked for and on no page, sorted."""
        if self.is_stale:
            listed = {each.name for each in self._mirror.state.projects.listed()}
            return sorted(self._mirror.selection.asked.keys() - listed)
        return self._mirror.state.choices.asked_but_unlisted() if self._known else []

    def catch_up(self) -> None:
        """Look at what held releases require of which nobody did, as the option is new."""
        if not self.are_used:
            self._mirror.state.choices.forget_asked_and_required()
            self._mirror.state.notes.set(_NOTE, None)
        if self.are_followed and self._has_changed:
            for name in self._mirror.state.choices.without_requires():
                self.note(name, has_changed=True)

    # -- while the run works -----------------------------------------------------------------

    def note(
        self,
        name: NormalizedName,
        *,
        has_changed: bool,
        told: Iterable[Told] = (),
        read: Read = NOTHING_READ,
        held: Iterable[HeldFile] | None = None,
    ) -> None:
        """Note what the mirrored releases of a project require; in a dry run upstream `told` of some.

        Of core metadata that was `read` just now, by its sha256, that is known. What is `held` is read from
        the state where it is not given.
        """
        choices = self._mirror.state.choices
        if not self.are_followed:
            return
        if has_changed:
            self._touched.add(name)
        before = choices.requires_of(name)
        if before is not None and not has_changed:
            return
        from pypimirror.dependencies import requires  # a run without news needs none of it

        held = self._mirror.state.files.held(name).values() if held is None else held
        now, unread = requires.of_project(self._mirror.store, name, held, told, read)
        for each in unread:
            _log.warning("%s", each)
        if unread and before is not None:  # what can't be read may require what it did
            now = now.with_all_of(before)
        if before == now:
            return
        choices.record_requires(name, now)
        if now.unknown:
            _log.info("%s: nothing reliable tells what %s require", name, ", ".join(now.unknown))
        # What is not as it was before is not all that is asked for at the end.
        self._only_grows = self._only_grows and before is None
        if before is None or _texts(before) != _texts(now):
            self._follow(name, now)

    def forget(self, name: NormalizedName) -> None:
        """Note that a project left, so that what it requires counts no more."""
        if self.are_followed:
            self._mirror.state.choices.forget_requires(name)
            self._only_grows = False
            self._note_change()

    def _note_change(self) -> None:
        """Remember that it has to be found anew who asks for what, should this run be cut off."""
        self._has_changed = True
        notes = self._mirror.state.notes
        if notes.get(_NOTE) not in (None, _INCOMPLETE):
            notes.set(_NOTE, _INCOMPLETE)

    def _follow(self, name: NormalizedName, now: Requires) -> None:
        self._note_change()
        if self._growing is None:
            self._growing = self._closure_of_state()
            self._grow(self._growing, self._growing.wants)
        if self._mirror.selection.matches(name):
            self._grow(self._growing, self._growing.add_root_project(name))
        self._grow(self._growing, self._growing.add_project(name, now.requirements))

    def _grow(self, closure: Closure, names: Iterable[NormalizedName]) -> None:
        """Ask for all that is asked for of these projects; note those of which that is more than before."""
        asked = self._mirror.selection.asked
        grown = {name for name in names if not closure.wants_of(name) <= asked.get(name, frozenset())}
        self._ask_all({name: closure.wants_of(name) for name in grown})
        self.grown |= grown

    def _closure(self) -> Closure:
        if not self.are_followed:
            return self.of_roots()
        growing = self._growing
        if growing and self._only_grows and growing.known == self._mirror.state.choices.with_requires():
            return growing
        return self._closure_of_state()

    def of_roots(self) -> Closure:
        """Return what the requirements files ask for by themselves."""
        from pypimirror.closure import Closure  # a run without news needs none of it

        config = self._mirror.config
        return Closure(
            config.requirements,
            environments=config.environments,
            extras={name: frozenset(extras) for name, extras in config.extras},
            is_matching=config.dependency_versions == "matching",
            is_excluded=self._mirror.selection.excludes,
        )

    def _closure_of_state(self) -> Closure:
        state, selection = self._mirror.state, self._mirror.selection
        closure = self.of_roots()
        listed = {each.name: each.display_name for each in state.projects.listed()}
        for name, found in state.choices.every_requires():
            if name in listed:
                closure.add_project(name, found.requirements)
        for name in listed:
            if selection.matches(name):
                closure.add_root_project(name)
        return closure

    # -- at the end --------------------------------------------------------------------------

    def record(self, *, is_whole: bool) -> set[NormalizedName]:
        """Record who asks for what now; return the projects of which less is asked for than before.

        With `is_whole` every project was asked about that had to be. Nothing is dropped where a project's
        requirements could not be had.
        """
        touched, self._touched = self._touched, set()
        if not self._has_changed:
            if touched:
                missing.tell(self._mirror, None, self._known, touched)
            return set()
        closure = self._closure()
        self._growing = None  # it may know what is no longer asked for
        now = {name: _asked(closure, name) for name in closure.wants}
        is_complete = is_whole and not self._is_unsure(now)
        if not is_complete:
            now = _united(now, self._known)
        selection = self._mirror.selection
        asked = selection.asked
        self._before = _united(self._known, {name: Asked(tuple(wants)) for name, wants in asked.items()})
        # Another configuration may have made other releases of whatever project leave.
        news = {name for name, each in now.items() if self._known.get(name) != each or self.is_stale}
        self._save(now)
        missing.tell(self._mirror, closure, now, touched | news)
        less = {name for name, wants in asked.items() if not wants <= {*now.get(name, Asked()).wants}}
        asked.clear()
        asked |= {name: frozenset(each.wants) for name, each in now.items()}
        if is_complete:
            if self.is_new:
                less |= self._not_decided_so()
            self._has_changed = self.is_new = False
        # Whether the next run can begin with what is known now.
        self._mirror.state.notes.set(_NOTE, selection.of_projects if is_complete else _INCOMPLETE)
        return less

    def _not_decided_so(self) -> set[NormalizedName]:
        """Return the projects of which something may be held that is not what is asked for now."""
        state, selection = self._mirror.state.projects, self._mirror.selection
        listed = {each.name for each in state.listed()}
        so = {name for name, by in state.selections() if by == selection.fingerprint(name)}
        return {name for name in listed if name not in so or not selection.selects(name)}

    def keep_asking(self) -> None:
        """Go on asking for what was asked for before: so much goes only when the operator says yes."""
        self._save(_united(self._known, self._before))
        self._ask_all({name: each.wants for name, each in self._known.items()})
        self._mirror.state.notes.set(_NOTE, _INCOMPLETE)

    def no_longer(self, name: NormalizedName) -> str:
        """Say who asked for a project that nothing asks for any more; empty where nobody did."""
        asking = list(dict.fromkeys(by for by, _ in self._before.get(name, Asked()).needs))
        return f"no longer required by {listed(asking, missing.MOST_NEEDS)}" if asking else ""

    def record_no_longer(self, why: Mapping[NormalizedName, str]) -> None:
        """Keep why projects left that nobody requires any more: of the latest, and for `--why` alone."""
        if not why:
            return
        notes, projects = self._mirror.state.notes, self._mirror.state.projects
        known = notes.hint(NO_LONGER_NOTE, dict[NormalizedName, str]) or {}
        known = {name: said for name, said in known.items() if projects.get(name) is None} | dict(why)
        notes.keep(NO_LONGER_NOTE, dict(list(known.items())[-_MOST_NO_LONGER:]))

    def _save(self, now: dict[NormalizedName, Asked]) -> None:
        choices = self._mirror.state.choices
        choices.record_asked({name: asked for name, asked in now.items() if self._known.get(name) != asked})
        choices.forget_asked(self._known.keys() - now.keys())
        self._known = now

    def _is_unsure(self, now: Mapping[NormalizedName, Asked]) -> bool:
        """Tell whether a project that is asked for could not be had as it is now."""
        selection, state = self._mirror.selection, self._mirror.state
        stale = set(state.projects.stale()) - self.as_held
        return self.are_followed and any(
            name in now or selection.matches(name) for name in [*stale, *state.choices.without_requires()]
        )


def _texts(found: Requires) -> list[str]:
    return [text for text, _ in found.requirements]


def _asked(closure: Closure, name: NormalizedName) -> Asked:
    needs = closure.needs_of(name)
    return Asked(
        tuple(sorted(closure.wants_of(name))),
        tuple(dict.fromkeys((need.parent or need.by, need.requirement) for need in needs)),
    )


def _united(
    now: Mapping[NormalizedName, Asked], before: Mapping[NormalizedName, Asked]
) -> dict[NormalizedName, Asked]:
    found = dict(now)
    for name, old in before.items():
        new = now.get(name, Asked())
        found[name] = Asked(tuple(sorted({*new.wants, *old.wants})), new.needs or old.needs)
    return found
