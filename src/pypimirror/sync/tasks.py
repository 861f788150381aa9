"""What workers do: a task in, an answer out, both values. Errors come as values, too."""

from typing import BinaryIO, NamedTuple

import msgspec

from pypimirror import download
from pypimirror.errors import MirrorError, UnavailableError
from pypimirror.model import File, HeldFile, NormalizedName, ProjectPage, Validators
from pypimirror.simple import ACCEPT, parse_project_page
from pypimirror.store import Temporary
from pypimirror.sync.adopt import Candidate
from pypimirror.upstream import NotModified, Upstream


class PageTask(NamedTuple):
    """A project page to fetch, conditionally where there are validators."""

    name: NormalizedName
    validators: Validators


class PageSeen(NamedTuple):
    """A good page, and what makes the next request for it conditional."""

    page: ProjectPage
    validators: Validators


class PageAnswer(NamedTuple):
    """What became of a page."""

    name: NormalizedName
    result: PageSeen | NotModified | MirrorError


class FileTask(NamedTuple):
    """A file to fetch into a temporary one, unless the candidate is it."""

    name: NormalizedName
    file: File
    temporary: Temporary
    candidate: Candidate | None


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


Answer = PageAnswer | FileAnswer | MetadataAnswer


def fetch_page(upstream: Upstream, task: PageTask) -> PageAnswer:
    """Fetch and read a project page."""
    try:
        url = upstream.project_url(task.name)
        fetched = upstream.page(url, accept=ACCEPT, validators=task.validators)
        if isinstance(fetched, NotModified):
            return PageAnswer(task.name, fetched)
        page = parse_project_page(fetched.content, fetched.content_type, fetched.url, task.name)
        if page.serial is None:
            page = msgspec.structs.replace(page, serial=fetched.serial)
        return PageAnswer(task.name, PageSeen(page, fetched.validators))
    except MirrorError as error:
        return PageAnswer(task.name, error)


def fetch_file(upstream: Upstream, task: FileTask) -> FileAnswer:
    """Adopt or download a file."""
    existing = task.candidate.file if task.candidate else None
    return FileAnswer(task, download.obtain(upstream, task.file, task.temporary.file, existing))


def read_metadata(upstream: Upstream, task: MetadataTask) -> MetadataAnswer:
    """Find the core metadata of a held file."""
    with task.content as content:
        found = download.core_metadata(upstream, task.held.file, content)
        return MetadataAnswer(task.name, task.held, *found)
