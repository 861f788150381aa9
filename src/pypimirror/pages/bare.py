"""Pages of links alone (PEP 503 and its additions; frozen by PEP 833). Pure."""

import itertools
from collections.abc import Iterable, Iterator

from pypimirror.model import Listed
from pypimirror.pages import markup
from pypimirror.pages.published import PublishedProject

BLOCK = 1000
"""Links of a page that is written piece by piece."""


def project_html(project: PublishedProject) -> bytes:
    """Render a project page."""
    title = f"Links for {project.name}"
    before = markup.before(title, markup.about(project.status, project.status_reason))
    links = "".join([f"{markup.file_anchor(held)}<br>\n" for held in project.files])
    return f"{before}<h1>{title}</h1>\n{links}{markup.AFTER}".encode()


def root_html(projects: Iterable[Listed]) -> Iterator[bytes]:
    """Render the root page block by block; `projects` are sorted by name."""
    return _streamed(
        "Simple index", (markup.project_anchor(project.name, project.display_name) for project in projects)
    )


def full_html(projects: Iterable[PublishedProject]) -> Iterator[bytes]:
    """Render the ancestor's page of all files block by block; `projects` are sorted by name."""
    links = (markup.link(held, f"{project.name}/") for project in projects for held in project.files)
    return _streamed("All files", links)


def _streamed(title: str, links: Iterable[str]) -> Iterator[bytes]:
    yield markup.before(title, {}).encode()
    lines = (f"{link}<br>\n" for link in links)
    while block := "".join(itertools.islice(lines, BLOCK)):
        yield block.encode()
    yield markup.AFTER.encode()
