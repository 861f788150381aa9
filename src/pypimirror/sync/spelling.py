"""How a project's name is spelled, where no project list tells: as its own files do."""

from pypimirror import metadata, names
from pypimirror.filenames import spelling_of, version_key
from pypimirror.mirror import Mirror
from pypimirror.model import HeldFile, NormalizedName
from pypimirror.publishing import Pages
from pypimirror.store.layout import METADATA

_TRIED = 3
"""Of the newest files; more would tell the same."""


def note(mirror: Mirror, pages: Pages, name: NormalizedName) -> bool:
    """Record how a project's files spell its name, once; tell whether that was done now.

    The project is shown like that, too, where no project list says how, or lists normalized names.
    """
    row = mirror.state.projects.get(name)
    if row is None or row.spelled is not None or row.display_name != name:
        return False
    held = mirror.state.files.held(name).values()
    if not held:
        return False
    newest = sorted(held, key=lambda each: version_key(each.file.version or ""), reverse=True)
    spelled = _by_metadata(mirror, name, newest) or _by_sdist(name, newest) or name
    mirror.state.projects.record_spelled(name, spelled, spelled)
    if spelled != name:
        pages.mark_root_dirty()
    pages.names.intend(name)
    return True


def _by_metadata(mirror: Mirror, name: NormalizedName, newest: list[HeldFile]) -> str | None:
    for held in [each for each in newest if each.metadata][:_TRIED]:
        text = mirror.store.read(name, held.file.filename + METADATA)
        spelled = metadata.name_in(text) if text else None
        if spelled is not None and names.is_spelling(spelled, name):
            return spelled
    return None


def _by_sdist(name: NormalizedName, newest: list[HeldFile]) -> str | None:
    spelled = (spelling_of(each.file.filename, name) for each in newest)
    return next((found for found in spelled if found and names.is_spelling(found, name)), None)
