"""What the workers does at other hosts than the index's: values and open files in, a value out."""

from functools import partial
from typing import NamedTuple

from pypimirror.disk import FreeSpace
from pypimirror.download import Into
from pypimirror.errors import BadPageError, MirrorError, NotFoundError, UnavailableError
from pypimirror.external import fetch as fetching
from pypimirror.external.model import Origin
from pypimirror.model import File, Link, NormalizedName, Validators
from pypimirror.selection import Selection
from pypimirror.simple import download_url
from pypimirror.store import Temporary, TemporaryFile
from pypimirror.upstream import NotModified, Upstream
from pypimirror.workers import Workers, guarded


class DocumentTask(NamedTuple):
    """A project whose legacy JSON document is to be read; this one is upstream's own."""

    name: NormalizedName


class LegacyDocument(NamedTuple):
    """Where a legacy JSON document of the index's own says that its project can be downloaded, if it does."""

    link: Link | None


class LinkTask(NamedTuple):
    """A link behind which it is to be looked for files."""

    name: NormalizedName
    link: Link
    selection: Selection | None
    """What of a page is wanted; None where pages are not to be read."""


class FetchTask(NamedTuple):
    """A file to fetch, unless it is what it was."""

    name: NormalizedName
    file: File
    temporary: Temporary
    origin: Origin
    """With what may tell that it is what it was; where nothing does, the bytes do."""
    candidate: None = None
    """Nothing in the tree stands for what lies fetching."""


Task = DocumentTask | LinkTask | FetchTask


def submit(workers: Workers[Task], task: Task, space: FreeSpace, dead: frozenset[str]) -> None:
    """Let the workers do a task; `space` is what files may take, and `dead` hosts are not asked."""
    if isinstance(task, DocumentTask):
        workers.submit(task, partial(read_document, name=task.name))
    elif isinstance(task, LinkTask):
        workers.submit(task, partial(look, task=task, dead=dead))
    else:
        work = partial(fetch, file=task.file, origin=task.origin, space=space, dead=dead)
        workers.submit(task, work, [task.temporary.file])


def read_document(upstream: Upstream, *, name: NormalizedName) -> LegacyDocument | MirrorError | None:
    """Read a project's legacy JSON document; None where what comes is none. Errors come as values."""
    return guarded(lambda: _document(upstream, name))


def _document(upstream: Upstream, name: NormalizedName) -> LegacyDocument | None:
    url = upstream.document_url(name)
    try:
        fetched = upstream.page(url, accept="application/json", validators=Validators(), is_of_index=False)
        assert not isinstance(fetched, NotModified)
        found = LegacyDocument(download_url(fetched.content, fetched.url))
        return found if upstream.is_own(fetched.url) else None
    except (NotFoundError, BadPageError):
        return None
    except UnavailableError as error:
        # Whatever an index answers that knows nothing of such documents.
        if error.may_pass or not error.reason.startswith("answers 4"):
            raise
        return None


def look(upstream: Upstream, *, task: LinkTask, dead: frozenset[str]) -> fetching.Looked | MirrorError:
    """Look what is behind a link; errors come as values."""
    return guarded(lambda: fetching.look(upstream.external, task.link, task.name, task.selection, dead))


def fetch(  # noqa: PLR0913 (a task's values, and its open file)
    upstream: Upstream,
    temporary: int,
    *,
    file: File,
    origin: Origin,
    space: FreeSpace,
    dead: frozenset[str],
) -> fetching.Brought | MirrorError | None:
    """Fetch a file, unless it is what it was; the descriptor is closed, errors of upstream's are values."""
    with TemporaryFile(temporary, "r+") as opened:
        into = Into(opened, None, space.check_file)
        return guarded(lambda: fetching.fetch(upstream, file, origin, into, dead))
