"""`--why`: which rule chose or dropped a project or a file, out of the state, without network."""

from collections import deque
from collections.abc import Iterator
from itertools import groupby, pairwise

from pypimirror import names
from pypimirror.amounts import numbered, size_text
from pypimirror.config import Config
from pypimirror.dependencies.missing import NOTE as MISSING_NOTE
from pypimirror.dependencies.missing import Missing
from pypimirror.filenames import is_distribution
from pypimirror.findings import unmatched
from pypimirror.findings.selected import QUESTION, SELECTED
from pypimirror.model import NormalizedName
from pypimirror.report import why_not
from pypimirror.selection import Selection
from pypimirror.state.reading import Reading
from pypimirror.want import Requires

_ANOTHER = "the configuration is not the one that the last run brought the mirror to; the next run acts on it"
_WAITS = (
    "the configuration changed, and so much would go that it waits for an answer: --allow-removals is a yes"
)
_MOST = 20
"""Lines of who asks for a project."""


def explain(config: Config, selection: Selection, state: Reading, text: str) -> tuple[str, ...]:
    """Return what to tell of a project, or of a file of one; empty where `text` is neither.

    `selection` has to know what is asked for. A file may stand behind its folder, as messages name it.
    """
    filename = text.rpartition("/")[2].removesuffix(".metadata").removesuffix(".provenance")
    if is_distribution(filename):
        said = tuple(_of_file(selection, state, filename))
    elif names.is_valid(text):
        said = tuple(_of_project(config, selection, state, names.normalize(text)))
    else:
        return ()
    if state.note(SELECTED) == selection.of_projects:
        return said
    return (*said, _WAITS if state.note(QUESTION) is not None else _ANOTHER)


# -- projects --------------------------------------------------------------------------------


def _of_project(config: Config, selection: Selection, state: Reading, name: NormalizedName) -> Iterator[str]:
    yield from _chosen(selection, state, name)
    if not selection.selects(name):
        yield from (f"  {line}" for line in why_not.more(config, selection, state, name))
    row = state.project(name)
    if row is None:
        yield f"  nothing of {name} is mirrored{_why_absent(selection, state, name)}"
        return
    held = state.held(name)
    if row.error:
        yield f"  it fails: {row.error}"
    if not row.is_listed:
        waiting = len(state.delisted_of(name))
        wait = "waits for its" if waiting == 1 else "wait for their"
        yield f"  it is on no page; {numbered(waiting, 'file')} of it {wait} removal"
        return
    versions = len({each.file.version for each in held.values()})
    size = size_text(sum(each.size for each in held.values()))
    are = "is" if len(held) == 1 else "are"
    yield f"  mirrored {are} {numbered(len(held), 'file')} of {numbered(versions, 'version')}, {size}"
    left = sorted(rule for rule, _ in state.left_out_of(name).values())
    for rule, files in groupby(left):
        yield f"  {rule} leaves out {numbered(len(list(files)), 'file')}"


def _why_absent(selection: Selection, state: Reading, name: NormalizedName) -> str:
    if not selection.selects(name):
        return ""
    absent = set((state.hint(unmatched.NOTE, unmatched.Unmatched) or unmatched.Unmatched()).names)
    absent |= {each.name for each in state.hint(MISSING_NOTE, tuple[Missing, ...]) or ()}
    return ": upstream has no such project" if name in absent else " yet: no run has got to it"


def _chosen(selection: Selection, state: Reading, name: NormalizedName) -> Iterator[str]:
    """Yield what selects a project, or what leaves it out."""
    needs = _needs(state, name)
    if pattern := selection.excluded_by(name):
        yield f"{name} is left out: package_excludes: {pattern}"
    elif pattern := selection.matched_by(name):
        yield f"{name} is selected: package_matches: {pattern}"
    elif not needs:
        yield f"{name} is not mirrored: {why_not.first(state, name)}"
    for by, requirement in needs[:_MOST]:
        yield _need(state, name, by, requirement)
    if len(needs) > _MOST:
        yield f"  and {len(needs) - _MOST:,} more ask for it"
    yield from _way(selection, state, name)


def _need(state: Reading, name: str, by: str, requirement: str) -> str:
    """Say who asks for a project, with the newest version that does."""
    return f"{name}: {(state.requires_of(NormalizedName(by)) or Requires()).said_by(by, requirement)}"


def _way(selection: Selection, state: Reading, name: NormalizedName) -> Iterator[str]:
    """Yield why those who ask are there, by a shortest way up to what the configuration names."""
    way = _shortest(selection, state, name)
    for project, by in pairwise(way):
        if project != name:
            requirement = next(text for asking, text in _needs(state, project) if asking == by)
            yield f"  {_need(state, project, by, requirement)}"
    if len(way) > 1 and _is_project(way[-1]):
        yield f"  {way[-1]} is selected: package_matches: {selection.matched_by(NormalizedName(way[-1]))}"


def _shortest(selection: Selection, state: Reading, name: NormalizedName) -> list[str]:
    """Return a shortest way from a project to who asks for it, and so on to a root; empty where none is."""
    ways: deque[list[str]] = deque([[name]])
    seen = {str(name)}
    while ways:
        way = ways.popleft()
        last = way[-1]
        if not _is_project(last) or selection.matched_by(NormalizedName(last)):
            return way
        new = [by for by, _ in _needs(state, last) if by not in seen]
        seen |= {*new}
        ways += [[*way, by] for by in dict.fromkeys(new)]
    return []


def _needs(state: Reading, name: str) -> tuple[tuple[str, str], ...]:
    asked = state.asked_of(NormalizedName(name))
    return asked.needs if asked is not None else ()


def _is_project(by: str) -> bool:
    """Tell a project that asks from a file that does: its name has a dot in it."""
    return names.is_normalized(by)


# -- files -----------------------------------------------------------------------------------


def _of_file(selection: Selection, state: Reading, filename: str) -> Iterator[str]:
    name = _project_of(state, filename)
    if name is None:
        yield f"{filename}: no project of the mirror has such a file; --why PROJECT says why it is not there"
        return
    held, left = state.held(name), state.left_out_of(name)
    if filename in held:
        yield f"{filename} is mirrored: {size_text(held[filename].size)}, no rule leaves it out"
    elif filename in left:
        rule, why = left[filename]
        yield f"{filename} is left out: {rule}: {why}"
        if gone := state.delisted_of(name).get(filename):
            yield f"  its {size_text(gone.size)} wait for their removal"
    elif filename in (lacking := state.lacking(name)):
        error = lacking[filename]
        yield f"{filename} is to be mirrored, and not there yet: {error or 'no run has got to it'}"
    elif filename in (delisted := state.delisted_of(name)):
        yield f"{filename} left the pages; its {size_text(delisted[filename].size)} wait for their removal"
    else:
        yield f"{filename} was not on the page of {name} when that was last read"
    yield from _chosen(selection, state, name)


def _project_of(state: Reading, filename: str) -> NormalizedName | None:
    """Return the known project whose name a file's begins with, the longest of them."""
    parts = filename.split("-")
    found = ("-".join(parts[:number]) for number in range(len(parts) - 1, 0, -1))
    candidates = (names.normalize(text) for text in found if names.is_valid(text))
    return next((name for name in candidates if state.project(name) is not None), None)
