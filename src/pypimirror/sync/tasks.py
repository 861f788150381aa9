"""What workers do: a task in, an answer out, both values. Errors come as values, too."""

import logging
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

import msgspec

from pypimirror import download
from pypimirror.errors import BrokenWorkerError, MirrorError, NotFoundError, UnavailableError
from pypimirror.model import File, HeldFile, NormalizedName, ProjectPage, Validators
from pypimirror.simple import ACCEPT, is_json, parse_project_page
from pypimirror.store import Temporary
from pypimirror.sync.adopt import Candidate
from pypimirror.upstream import NotModified, Upstream

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
    """HTML has to name its API version, as this index speaks JSON."""


class PageSeen(NamedTuple):
    """A good page, and what makes the next request for it conditional."""

    page: ProjectPage
    validators: Validators
    is_json: bool


class PageAnswer(NamedTuple):
    """What became of a page; it `is_stale` where it is not the one that the project list speaks of."""

    name: NormalizedName
    result: PageSeen | NotModified | MirrorError
    is_stale: bool


class FileTask(NamedTuple):
    """A file to fetch into a temporary one, unless the candidate is it."""

    name: NormalizedName
    file: File
    temporary: Temporary
    candidate: Candidate | None
    validator: str | None
    """Where the temporary file has what an earlier run got: which file that was."""
    check_space: Callable[[int], None]
    """Raises DiskFullError where there is no space for so many bytes."""


class FileAnswer(NamedTuple):
    """What became of a file; an OSError is the machine's."""

    task: FileTask
    result: download.Received | MirrorError | OSError


class MetadataTask(NamedTuple):
    """A held file, open, whose core metadata is missing."""

    name: NormalizedName
    held: HeldFile
    content: BinaryIO


class MetadataAnswer(NamedTuple):
    """What became of a file's core metadata."""

    name: NormalizedName
    held: HeldFile
    text: bytes | None
    notes: tuple[str, ...]
    error: UnavailableError | None


class ProvenanceTask(NamedTuple):
    """A held file whose document of provenance is to be fetched, or looked at again."""

    name: NormalizedName
    held: HeldFile
    url: str


class ProvenanceAnswer(NamedTuple):
    """What became of a document of provenance."""

    name: NormalizedName
    held: HeldFile
    result: download.Document | NotModified | MirrorError


Answer = PageAnswer | FileAnswer | MetadataAnswer | ProvenanceAnswer


def fetch_page(upstream: Upstream, task: PageTask) -> PageAnswer:
    """Fetch and read a project page; one that caches kept too long is asked for past them."""
    result = _asked(upstream, task, is_fresh=False)
    if _is_stale(task, result):
        result = _asked(upstream, task._replace(validators=Validators()), is_fresh=True)
    return PageAnswer(task.name, result, _is_stale(task, result))


def _asked(upstream: Upstream, task: PageTask, *, is_fresh: bool) -> PageSeen | NotModified | MirrorError:
    try:
        url = upstream.project_url(task.name)
        fetched = upstream.page(url, accept=ACCEPT, validators=task.validators, is_fresh=is_fresh)
        if isinstance(fetched, NotModified):
            return fetched
        page = parse_project_page(
            fetched.content,
            fetched.content_type,
            fetched.url,
            task.name,
            needs_version=task.needs_version,
            serial=task.serial,
        )
        if not upstream.is_own(fetched.url):
            page = msgspec.structs.replace(page, is_conclusive=False)
        if page.serial is None:
            page = msgspec.structs.replace(page, serial=fetched.serial)
        return PageSeen(page, fetched.validators, is_json(fetched.content_type))
    except MirrorError as error:
        return error
    except OSError:  # the machine's
        raise
    except Exception as error:  # noqa: BLE001 (a bug costs one project, not the run)
        return _broken(error)


def _is_stale(task: PageTask, result: PageSeen | NotModified | MirrorError) -> bool:
    if isinstance(result, MirrorError):
        return task.is_from_list and isinstance(result, NotFoundError)
    # A page without a serial, from an index that has them, is no newer than the last one.
    serial = result.page.serial if isinstance(result, PageSeen) else None
    return task.serial is not None and (serial or task.page_serial) not in (None, task.serial)


def fetch_file(upstream: Upstream, task: FileTask) -> FileAnswer:
    """Adopt or download a file."""
    existing = task.candidate.file if task.candidate else None
    try:
        into = download.Into(task.temporary.file, task.validator, task.check_space)
        result = download.obtain(upstream, task.file, into, existing)
    except Exception as error:  # noqa: BLE001 (a bug costs one file, not the run)
        result = _broken(error)
    return FileAnswer(task, result)


def _broken(error: Exception) -> BrokenWorkerError:
    _log.error("a bug in a worker", exc_info=error)
    return BrokenWorkerError(f"a bug in pypimirror ({error!r}); the log has the details")


def read_metadata(upstream: Upstream, task: MetadataTask) -> MetadataAnswer:
    """Find the core metadata of a held file."""
    file = task.held.file
    with task.content as content:
        try:
            found = download.core_metadata(upstream, file, content)
        except OSError:  # the machine's
            raise
        except Exception as error:  # noqa: BLE001 (as above)
            found = None, (), UnavailableError(file.url, str(_broken(error)), may_pass=False)
        return MetadataAnswer(task.name, task.held, *found)


def fetch_provenance(upstream: Upstream, task: ProvenanceTask) -> ProvenanceAnswer:
    """Fetch a document of provenance, conditionally where there is one."""
    known = task.held.provenance
    validators = Validators(known.etag, known.last_modified) if known else Validators()
    try:
        result: download.Document | NotModified | MirrorError = download.provenance(
            upstream, task.url, validators
        )
    except MirrorError as error:
        result = error
    except OSError:  # the machine's
        raise
    except Exception as error:  # noqa: BLE001 (as above)
        result = _broken(error)
    return ProvenanceAnswer(task.name, task.held, result)
