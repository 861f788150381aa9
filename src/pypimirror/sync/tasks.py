"""What the workers does: values and open files in, a value out. Errors come as values, too."""

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from functools import partial
from typing import BinaryIO, NamedTuple

import msgspec

from pypimirror import attestations, documents, download
from pypimirror.adopt import Candidate
from pypimirror.disk import FreeSpace
from pypimirror.errors import MirrorError, NotFoundError, UnavailableError
from pypimirror.model import File, HeldFile, NormalizedName, ProjectPage, Provenance, Validators
from pypimirror.simple import ACCEPT, Demands, is_json, page_serial, parse_project_page
from pypimirror.store import Temporary, TemporaryFile
from pypimirror.upstream import NotModified, Upstream
from pypimirror.want import UNREADABLE
from pypimirror.workers import Workers, broken, guarded

_log = logging.getLogger(__name__)


class PageTask(NamedTuple):
    """A project page to fetch, conditionally where there are validators."""

    name: NormalizedName
    validators: Validators
    serial: str | None
    """What the project list says."""
    page_serial: str | None
    """What the last page said."""
    is_from_list: bool
    needs_version: bool
    """HTML has to name its API version, as this address gave JSON."""
    url: str | None = None
    """Where the project list's own link leads, if not to the normalized address."""


class PageSeen(NamedTuple):
    """A good page, and what makes the next request for it conditional."""

    packed: bytes
    """The page as MessagePack, which takes a tenth of the memory while it waits to be taken."""
    serial: str | None
    validators: Validators
    is_json: bool

    @property
    def page(self) -> ProjectPage:
        """The page, made anew at each look."""
        return _unpack(self.packed)


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(ProjectPage).decode


class PageResult(NamedTuple):
    """What became of a page; it `is_stale` where it is not the one that the project list speaks of."""

    result: PageSeen | NotModified | MirrorError
    is_stale: bool = False


class FileTask(NamedTuple):
    """A file to fetch into a temporary one, unless the candidate is it."""

    name: NormalizedName
    file: File
    temporary: Temporary
    candidate: Candidate | None
    validator: str | None
    """Where the temporary file has what an earlier run got: which file that was."""
    is_attested: bool = False
    """It is taken only with a provenance that is verified."""
    asks_requires: bool = False
    """What its core metadata requires is to be told, too."""


class Expected(NamedTuple):
    """What a worker is to fetch, and the room that it may take."""

    file: File
    validator: str | None
    """As of the task."""
    space: FreeSpace


class LookTask(NamedTuple):
    """A held file that upstream offers no digest of: whether it is still the same there."""

    name: NormalizedName
    held: HeldFile
    temporary: Temporary
    trusts_size: bool
    """Nothing else tells of a change: what upstream says of the file counts, without its bytes."""
    candidate: None = None
    """Nothing in the tree stands for it."""

    @property
    def file(self) -> File:
        """What comes, if it changed: nothing that was said of the old bytes counts for it."""
        return msgspec.structs.replace(self.held.file, digests=(), size=None)


class MetadataTask(NamedTuple):
    """A held file, open, whose core metadata is missing."""

    name: NormalizedName
    held: HeldFile
    content: BinaryIO
    asks_requires: bool = False
    """What it requires is to be told, too."""


class Metadata(NamedTuple):
    """What became of a file's core metadata."""

    text: bytes | None
    notes: tuple[str, ...]
    error: MirrorError | None
    requires: tuple[str, ...] | None = None
    """What it requires, where that was asked."""


class ProvenanceTask(NamedTuple):
    """A held file whose document of provenance is to be fetched, or looked at again."""

    name: NormalizedName
    held: HeldFile
    url: str
    is_attested: bool = False
    """The document has to prove who published the file."""


class RequiresTask(NamedTuple):
    """A wheel of which a dry run reads the core metadata alone."""

    name: NormalizedName
    file: File


Task = PageTask | FileTask | LookTask | MetadataTask | ProvenanceTask | RequiresTask


def submit(workers: Workers[Task], task: Task, space: FreeSpace) -> None:
    """Let the workers do a task; `space` is what files may take."""
    if isinstance(task, PageTask):
        workers.submit(task, partial(fetch_page, task=task))
    elif isinstance(task, FileTask):
        files = [task.temporary.file] + ([task.candidate.file] if task.candidate else [])
        obtain = fetch_attested if task.is_attested else fetch_file
        fetch = partial(obtain, expected=Expected(task.file, task.validator, space))
        if task.asks_requires:
            filename = task.file.filename
            fetch = partial(file_with_requires, fetch=fetch, name=task.name, filename=filename)
        workers.submit(task, fetch, files)
    elif isinstance(task, LookTask):
        look = partial(look_again, held=task.held, space=space, trusts_size=task.trusts_size)
        workers.submit(task, look, [task.temporary.file])
    elif isinstance(task, MetadataTask):
        asking = task.name if task.asks_requires else None
        read = partial(read_metadata, file=task.held.file, asking=asking)
        workers.submit(task, read, [task.content])
    elif isinstance(task, RequiresTask):
        workers.submit(task, partial(fetch_requires, file=task.file, name=task.name))
    else:
        fetch_document = attested_provenance if task.is_attested else fetch_provenance
        workers.submit(task, partial(fetch_document, url=task.url, held=task.held))


def fetch_page(upstream: Upstream, task: PageTask) -> PageResult:
    """Fetch and read a project page; one that caches kept too long is asked for past them."""
    result = _asked(upstream, task, is_fresh=False)
    if _is_stale(task, result):
        result = _asked(upstream, task._replace(validators=Validators()), is_fresh=True)
    return PageResult(result, _is_stale(task, result))


_LARGE = 1 << 22
_one_at_a_time = threading.Lock()
"""What reads a page of more than _LARGE bytes takes several times as much memory: no two at once."""


def _asked(upstream: Upstream, task: PageTask, *, is_fresh: bool) -> PageSeen | NotModified | MirrorError:
    return guarded(lambda: _page(upstream, task, is_fresh=is_fresh))


def _page(upstream: Upstream, task: PageTask, *, is_fresh: bool) -> PageSeen | NotModified:
    usual = upstream.project_url(task.name)
    try:
        return _page_at(upstream, task.url or usual, task, is_fresh=is_fresh)
    except NotFoundError:
        if task.url is None:
            raise
        # The list's link leads nowhere (any more): the normalized address is what installers ask for.
        usual_task = task._replace(validators=Validators(), needs_version=False)
        return _page_at(upstream, usual, usual_task, is_fresh=is_fresh)


def _page_at(upstream: Upstream, url: str, task: PageTask, *, is_fresh: bool) -> PageSeen | NotModified:
    fetched = upstream.page(url, accept=ACCEPT, validators=task.validators, is_fresh=is_fresh)
    if isinstance(fetched, NotModified):
        return fetched
    with _one_at_a_time if len(fetched.content) > _LARGE else contextlib.nullcontext():
        page = parse_project_page(
            fetched.content,
            fetched.content_type,
            fetched.url,
            task.name,
            Demands(version=task.needs_version, end=not fetched.tells_its_end),
        )
        project = page.project if upstream.is_own(fetched.url) else None
        serial = page.serial or page_serial(fetched.content, task.serial) or fetched.serial
        page = msgspec.structs.replace(page, project=project, serial=serial)
        packed = _pack(page)
    return PageSeen(packed, page.serial, fetched.validators, is_json(fetched.content_type))


def _is_stale(task: PageTask, result: PageSeen | NotModified | MirrorError) -> bool:
    if isinstance(result, MirrorError):
        return task.is_from_list and isinstance(result, NotFoundError)
    # A page without a serial, from an index that has them, is no newer than the last one.
    serial = result.serial if isinstance(result, PageSeen) else None
    return task.serial is not None and (serial or task.page_serial) not in (None, task.serial)


def fetch_file(
    upstream: Upstream, temporary: int, existing: int | None = None, *, expected: Expected
) -> download.Received | MirrorError | OSError:
    """Adopt or download a file; the two descriptors are closed."""
    with contextlib.ExitStack() as opened:
        into = opened.enter_context(TemporaryFile(temporary, "r+"))
        opened.callback(into.begin_write_back)
        candidate = None if existing is None else opened.enter_context(os.fdopen(existing, "rb"))
        try:
            place = download.Into(into, expected.validator, expected.space.check_file)
            return download.obtain(upstream, expected.file, place, candidate)
        except Exception as error:  # noqa: BLE001 (a bug costs one file, not the run)
            return broken(error)


def file_with_requires(
    upstream: Upstream,
    *descriptors: int,
    fetch: Callable[..., download.Received | MirrorError | OSError],
    name: NormalizedName,
    filename: str,
) -> download.Received | MirrorError | OSError:
    """Obtain a file of a project, and tell what its core metadata requires."""
    found = fetch(upstream, *descriptors)
    if isinstance(found, download.Received) and found.metadata is not None:
        return found._replace(requires=_requires(found.metadata, name, filename))
    return found


def _requires(metadata: bytes, name: NormalizedName, filename: str) -> tuple[str, ...]:
    from pypimirror.requirements.required import requires_dist

    return requires_dist(metadata, tell=partial(_log.info, UNREADABLE, name, filename))


def fetch_attested(
    upstream: Upstream, temporary: int, existing: int | None = None, *, expected: Expected
) -> download.Received | MirrorError | OSError:
    """Adopt or download a file, if a document of provenance proves who published it.

    The document comes first: a file that can't be taken is not downloaded.
    """
    file = expected.file
    promised = dict(file.digests).get("sha256")
    document = _document(upstream, file, promised) if promised else None
    if isinstance(document, MirrorError):
        for descriptor in (temporary, existing):
            if descriptor is not None:
                os.close(descriptor)
        return document
    found = fetch_file(upstream, temporary, existing, expected=expected)
    if not isinstance(found, download.Received):
        return found
    if document is None or found.sha256 != promised:
        document = _document(upstream, file, found.sha256)
    return document if isinstance(document, MirrorError) else found._replace(provenance=document)


def _document(upstream: Upstream, file: File, sha256: str) -> documents.Document | MirrorError:
    url = file.provenance or ""
    found = guarded(lambda: _verified(_provenance(upstream, url, None), url, file.filename, sha256))
    if isinstance(found, NotModified):
        return UnavailableError(url, "an unconditional request was answered with 304")
    return found


def look_again(
    upstream: Upstream, temporary: int, *, held: HeldFile, space: FreeSpace, trusts_size: bool
) -> download.Received | download.Unchanged | MirrorError | OSError:
    """Look whether a held file is still what upstream has; the descriptor is closed."""
    with TemporaryFile(temporary, "r+") as opened:
        into = download.Into(opened, None, space.check)
        return guarded(lambda: download.look_again(upstream, held, into, trusts_size=trusts_size))


def read_metadata(
    upstream: Upstream, content: int, *, file: File, asking: NormalizedName | None = None
) -> Metadata:
    """Find the core metadata of a held file; its descriptor is closed.

    What it requires is told where it is asked for, by the name of the project.
    """
    with os.fdopen(content, "rb") as held:
        found = guarded(lambda: Metadata(*download.core_metadata(upstream, file, held)))
    if isinstance(found, MirrorError):
        return Metadata(None, (), found)
    if asking is not None and found.text is not None:
        return found._replace(requires=_requires(found.text, asking, file.filename))
    return found


def fetch_requires(upstream: Upstream, *, file: File, name: NormalizedName) -> tuple[str, ...] | MirrorError:
    """Fetch the core metadata that upstream offers of a wheel of a project, and tell what it requires."""
    return guarded(lambda: _requires(download.offered_metadata(upstream, file), name, file.filename))


def fetch_provenance(
    upstream: Upstream, *, url: str, held: HeldFile
) -> documents.Document | NotModified | MirrorError:
    """Fetch a document of provenance, conditionally where there is one."""
    return guarded(lambda: _provenance(upstream, url, held.provenance))


def attested_provenance(
    upstream: Upstream, *, url: str, held: HeldFile
) -> documents.Document | NotModified | MirrorError:
    """Fetch a document that proves who published a held file; unchanged is one that did before."""
    known = held.provenance if held.is_attested else None
    return guarded(lambda: _verified(_provenance(upstream, url, known), url, held.file.filename, held.sha256))


def _provenance(upstream: Upstream, url: str, known: Provenance | None) -> documents.Document | NotModified:
    validators = Validators(known.etag, known.last_modified) if known else Validators()
    return documents.provenance(upstream, url, validators)


def _verified(
    found: documents.Document | NotModified, url: str, filename: str, sha256: str
) -> documents.Document | NotModified:
    if isinstance(found, documents.Document):
        publishers = attestations.verify(found.content, url=url, filename=filename, sha256=sha256)
        _log.debug("%s: published by %s", filename, ", ".join(publishers))
        return found._replace(is_verified=True)
    return found
