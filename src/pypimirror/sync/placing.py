"""The way of a file, and of what lies beside it, to where it is served: there is no other.

Nothing takes the place of what has a name already, and no companion is written, while a published page may
still link to what is there: the link goes first, the bytes change then, and the new link comes last. A page
that an earlier run did not get to write is such a page. A name that is new needs none of this.
"""

from pypimirror.errors import TreeError
from pypimirror.model import External, File, NormalizedName
from pypimirror.store import Temporary
from pypimirror.sync import publish
from pypimirror.sync.run import Run


def finish_page(run: Run, name: NormalizedName) -> None:
    """Write the page that an earlier run left as it was, so that it links to what is held and no more.

    The project's page is due again then. Raises TreeError where that can't be.
    """
    run.state.commit()
    _publish(run, name)
    if not run.is_full_finished:
        publish.full(run)
        run.is_full_finished = True
    run.state.record_pages_unsure(name)


def withdraw(run: Run, name: NormalizedName, file: File, external: External | None = None) -> None:
    """Take a file's link away before its bytes change; the page is due again then.

    Raises TreeError where that can't be.
    """
    run.state.record_arriving(name, [file])
    if external is not None:
        run.state.record_external(name, file, external)
    run.state.record_pages_unsure(name)
    run.state.commit()
    _publish(run, name)
    publish.full(run)
    run.state.record_pages_unsure(name)


def place(
    run: Run, name: NormalizedName, temporary: Temporary, filename: str, *, mtime: float | None = None
) -> None:
    """Give a file that came in its place; raise TreeError where something is in the way."""
    _check(run, name)
    run.store.place(temporary, name, filename, mtime=mtime)


def take_over(run: Run, name: NormalizedName, folder: str, filename: str) -> None:
    """Give a file of another folder its place; raise TreeError where something is in the way."""
    _check(run, name)
    run.store.link_from(folder, name, filename)


def write_beside(run: Run, name: NormalizedName, companion: str, content: bytes) -> bool:
    """Write what lies beside a file, and tell whether it changed; raise TreeError where that can't be."""
    _check(run, name)
    return run.store.write(name, companion, content)


def _publish(run: Run, name: NormalizedName) -> None:
    if not publish.project(run, name):
        _check(run, name)


def _check(run: Run, name: NormalizedName) -> None:
    """Raise TreeError where a page is not what the state renders to, and could not be made so."""
    if name in run.unwritable:
        raise TreeError(name, "its page can't be written, and may still link to what is there")
