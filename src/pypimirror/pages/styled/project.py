"""The page of a project as people like it: what there is, how to install it, and a table of files. Pure."""

import functools
import itertools
import re

from pypimirror.amounts import numbered, size_text
from pypimirror.filenames import canonical_version
from pypimirror.model import HeldFile
from pypimirror.pages import markup
from pypimirror.pages.markup import escaped, shown, written
from pypimirror.pages.published import PublishedProject
from pypimirror.pages.styled.head import commands, head
from pypimirror.pages.styled.kinds import kind
from pypimirror.upload_times import normal_time

_HEAD = head("""
table{width:100%;margin:.7rem 0;border-collapse:collapse}
th,td{padding:.25rem .9rem .25rem 0;text-align:left;vertical-align:baseline}
th,td+td{color:var(--dim);font-size:.9rem}
th,td+td+td{white-space:nowrap}
td+td{width:30%}
td+td+td{width:auto}
td+td+td+td+td{width:12%;white-space:normal}
tbody{border-top:1px solid var(--line)}
[data-yanked]{text-decoration:line-through}
i{display:block;color:var(--bad);font-size:.9rem}
@media(max-width:44rem){table,tbody,tr,td:first-child{display:block}
thead{display:none}
tr{padding:.4rem 0}
td{display:inline-block;padding:0 .4rem 0 0}
td:nth-child(n){width:auto}
td+td+td:not(:empty)::before{content:"· "}
td:nth-child(5):not(:empty)::before{content:"· Python "}}
""")
_TABLE = "<table>\n<thead><tr><th>File<th>Type<th>Size<th>Uploaded<th>Python</thead>\n"

_FEW = 3
_ONE_DIGIT = re.compile(r"(-[a-z]{2,9}3)(\d)(?=-)")
"""The tag of a Python before 3.10 in the name of a wheel."""

_STATUSES = {
    "archived": "This project is archived: do not expect new releases.",
    "quarantined": "This project is in quarantine: it is considered unsafe, and offers no files.",
    "deprecated": "This project is deprecated: it is obsolete, and another may have taken its place.",
}
"""PEP 792."""


def project_html(project: PublishedProject, base_url: str) -> bytes:
    """Render a project's page; the newest version comes first."""
    links = f"Links for {project.name}"
    before = markup.before(links, _HEAD, status=project.status, reason=project.status_reason)
    title = f"<h1>{escaped(project.display_name or project.name)}</h1>\n"
    files = _table(project, base_url) if project.files else "<p>No files.</p>\n"
    return f"{before}{title}{_banner(project)}{files}{markup.AFTER}".encode()


def _banner(project: PublishedProject) -> str:
    status, reason = project.status, project.status_reason
    if not status or status == "active":
        return ""
    words = _STATUSES.get(status) or f"The status of this project is {status}."
    reason = f" Reason given: {reason}" if reason else ""
    return f'<p class="status">{shown(words + reason)}</p>\n'


def _table(project: PublishedProject, base_url: str) -> str:
    install = commands(base_url, project.name) if base_url else ""
    versions = [list(files) for _, files in itertools.groupby(reversed(project.files), key=_version)]
    # Lines between versions are there for those that have several files.
    start = "<tbody>" if len(versions) < len(project.files) else ""
    rows = "".join([start + "".join(map(_row, _newest_python_first(files))) for files in versions])
    return f"<p>{_summary(project)}</p>\n{install}{_TABLE}{rows}</table>\n"


def _newest_python_first(files: list[HeldFile]) -> list[HeldFile]:
    """Return the files of one version as people read them: sources first, Python 3.10 before 3.9."""
    if len(files) < _FEW:
        return files
    return sorted(files, key=lambda held: _ONE_DIGIT.sub(r"\g<1>0\2", held.file.filename), reverse=True)


def _version(held: HeldFile) -> str | None:
    return held.file.version


def _summary(project: PublishedProject) -> str:
    files = project.files
    versions = {canonical_version(version) for version in set(map(_version, files)) if version is not None}
    parts = [numbered(len(files), "file"), size_text(sum([held.size for held in files]))]
    if versions:
        parts.insert(0, numbered(len(versions), "version"))
    if last := max([_day(held.file.upload_time or "") for held in files]):
        parts.append(f"last upload {last}")
    return ", ".join(parts)


def _row(held: HeldFile) -> str:
    file = held.file
    reason = f": {shown(file.yanked)}" if file.yanked else ""
    yanked = f"<i>Yanked{reason}</i>" if file.yanked is not None else ""
    python = f"<td>{shown(file.requires_python)}" if file.requires_python else ""
    return (
        f"<tr><td>{markup.file_anchor(held)}{yanked}<td>{written(kind(file.filename))}"
        f"<td>{size_text(held.size)}<td>{_day(file.upload_time or '')}{python}\n"
    )


@functools.lru_cache(maxsize=1024)
def _day(upload_time: str) -> str:
    """Return the day in UTC; empty where nobody tells."""
    return (normal_time(upload_time) or "")[:10]
