"""Why nothing selects a project: who asks for it in vain, who did before, and what else may be meant."""

import difflib
from collections.abc import Iterator

from pypimirror.config import Config
from pypimirror.config.nothing import active, inactive
from pypimirror.dependencies import NO_LONGER_NOTE
from pypimirror.model import NormalizedName
from pypimirror.requirements.dependency import Dependency, parsed
from pypimirror.requirements.environments import Environments
from pypimirror.selection import Selection
from pypimirror.state.reading import Reading

_MOST = 5


def first(state: Reading, name: NormalizedName) -> str:
    """Say in one clause why a project is not mirrored that nothing selects."""
    known = state.hint(NO_LONGER_NOTE, dict[NormalizedName, str]) or {}
    return known.get(name, "nothing selects it")


def more(config: Config, selection: Selection, state: Reading, name: NormalizedName) -> Iterator[str]:
    """Yield who asks for it all the same, and why that does not count; else what may be meant."""
    is_excluded = selection.excludes(name)
    said = [*_lines(config, name), *_requirements(config, state, name, is_excluded=is_excluded)]
    if is_excluded:
        said += [f"{each.source} asks for {each.words}" for each in active(config) if each.name == name]
    yield from said[:_MOST]
    if len(said) > _MOST:
        yield f"and {len(said) - _MOST:,} more ask for it so"
    if (
        not said
        and not is_excluded
        and state.project(name) is None
        and (near := _nearest(selection, state, name))
    ):
        yield f"did you mean {near}?"


def _lines(config: Config, name: NormalizedName) -> Iterator[str]:
    for root in inactive(config):
        if root.name == name:
            yield f"{root.source} asks for {root.words}: that counts in no environment that is mirrored for"


def _requirements(
    config: Config, state: Reading, name: NormalizedName, *, is_excluded: bool
) -> Iterator[str]:
    known = config.environments
    for project, required in state.every_requires():
        for text, version in required.requirements:
            found = parsed(text)
            if found is not None and found.name == name != project:
                why = _why_not_followed(known, found, is_excluded=is_excluded)
                yield f"{project} {version} requires {text}{why and f': {why}'}"


def _why_not_followed(known: Environments, found: Dependency, *, is_excluded: bool) -> str:
    if found.url is not None:
        return "an address is never followed"
    if known.may_hold(found.marker):
        return "" if is_excluded else "the next run sees to it"
    if "extra" in found.marker:
        return "nothing asks for that extra, or no environment that is mirrored for needs it"
    return "that counts in no environment that is mirrored for"


def _nearest(selection: Selection, state: Reading, name: NormalizedName) -> str | None:
    known = {each.name for each in state.listed()} | selection.projects.literals | selection.asked.keys()
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)), None)
