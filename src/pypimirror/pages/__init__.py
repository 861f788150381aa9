"""Model to bytes: the pages of the mirror, in both representations of API 1.4, everything escaped. Pure.

Links are relative, so that the tree works under any host, path or scheme. Pages hold no clock, and everything
in them is sorted here, so that the same state always gives the same bytes. To people a page may look better
than bare; to clients, which read its anchors alone, it is the same.
"""

from collections.abc import Iterable, Iterator

from pypimirror.model import Listed
from pypimirror.pages import bare
from pypimirror.pages.as_json import project_json, root_json
from pypimirror.pages.bare import full_html
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


def project_html(project: PublishedProject, style: Style = PLAIN) -> bytes:
    """Render a project page."""
    if not style.is_styled or len(project.files) > style.most_files:
        return bare.project_html(project)
    from pypimirror.pages import styled  # a run without changes renders nothing

    return styled.project_html(project, style.base_url)


def root_html(
    projects: Iterable[Listed], counts: PageTotals | None = None, style: Style = PLAIN
) -> Iterator[bytes]:
    """Render the root page block by block; `projects` are sorted by name, and so many as `counts` tells."""
    if counts is None or not style.is_styled or counts.projects > style.most_projects:
        return bare.root_html(projects)
    from pypimirror.pages import styled  # a run without changes renders nothing

    return styled.root_html(projects, counts, style.base_url)
