"""Model to bytes: the pages of the mirror, in both representations of API 1.4, everything escaped. Pure.

Links are relative, so that the tree works under any host, path or scheme. Pages hold no clock, and everything
in them is sorted here, so that the same state always gives the same bytes. To people a page may look better
than bare, which is links alone (PEP 503, frozen by PEP 833); to clients, which read its anchors alone, it is
the same.
"""

import itertools
from collections.abc import Iterable, Iterator

from pypimirror.model import Listed
from pypimirror.pages import markup
from pypimirror.pages.as_json import project_json, root_json
from pypimirror.pages.markup import API_VERSION
from pypimirror.pages.published import PLAIN, PageTotals, PublishedProject, Style

__all__ = [
    "API_VERSION",
    "PLAIN",
    "RENDERER",
    "PageTotals",
    "PublishedProject",
    "Style",
    "full_html",
    "project_html",
    "project_json",
    "root_html",
    "root_json",
]

RENDERER = "5"
"""To be changed whenever the same state renders to other bytes: that is how an upgrade reaches old pages."""

_BLOCK = 1000
"""Links of a page that is written piece by piece."""


def project_html(project: PublishedProject, style: Style = PLAIN) -> bytes:
    """Render a project page."""
    if style.is_styled and len(project.files) <= style.most_files:
        from pypimirror.pages import styled  # a run without changes renders nothing

        return styled.project_html(project, style.base_url)
    title = f"Links for {project.name}"
    before = markup.before(title, status=project.status, reason=project.status_reason)
    links = "".join([f"{markup.file_anchor(held)}<br>\n" for held in project.files])
    return f"{before}<h1>{title}</h1>\n{links}{markup.AFTER}".encode()


def root_html(
    projects: Iterable[Listed], counts: PageTotals | None = None, style: Style = PLAIN
) -> Iterator[bytes]:
    """Render the root page block by block; `projects` are sorted by name, and so many as `counts` tells."""
    if counts is not None and style.is_styled and counts.projects <= style.most_projects:
        from pypimirror.pages import styled  # a run without changes renders nothing

        return styled.root_html(projects, counts, style.base_url)
    anchors = (markup.project_anchor(project.name, project.display_name) for project in projects)
    return _streamed("Simple index", anchors)


def full_html(projects: Iterable[PublishedProject]) -> Iterator[bytes]:
    """Render the ancestor's page of all files block by block; `projects` are sorted by name."""
    links = (markup.link(held, f"{project.name}/") for project in projects for held in project.files)
    return _streamed("All files", links)


def _streamed(title: str, links: Iterable[str]) -> Iterator[bytes]:
    yield markup.before(title).encode()
    lines = (f"{link}<br>\n" for link in links)
    while block := "".join(itertools.islice(lines, _BLOCK)):
        yield block.encode()
    yield markup.AFTER.encode()
