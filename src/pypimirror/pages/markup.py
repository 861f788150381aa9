"""Text to HTML: escaped, and with the anchors that clients read. Pure."""

import functools
import re
from urllib.parse import quote

from pypimirror.model import HeldFile

API_VERSION = "1.4"

_NOT_IN_HTML = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
    + "]"
)
"""Control characters and noncharacters."""

_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What turns the direction of what follows, so that a text reads as another one (UAX #9)."""
_LONGEST_SHOWN = 500

_MARKUP = re.compile(r"[&<>'\"]|(?:href|rel)\s*=", re.IGNORECASE)
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", '"': "&#34;"})
# easy_install and buildout look for these words all over a page, not in tags alone.
_LIKE_A_LINK = re.compile(r"((?:href|rel)\s*)=", re.IGNORECASE)
_AS_IT_IS = re.compile(r"[A-Za-z0-9_.~-]+")

_BEFORE = f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="pypi:repository-version" content="{API_VERSION}">
"""
AFTER = "</body>\n</html>"


def escaped(text: str) -> str:
    """Return `text` as it may stand in a page and in a value, and as no client takes it for a link."""
    if not _MARKUP.search(text):
        return text
    return _LIKE_A_LINK.sub(r"\1&#61;", text.translate(_ESCAPES))


def printable(text: str) -> str:
    """Return `text` as an HTML page may hold it (HTML standard, 3.2.1 and 13.1.2.3)."""
    return _NOT_IN_HTML.sub("\N{REPLACEMENT CHARACTER}", text)


@functools.lru_cache(maxsize=1024)
def written(text: str) -> str:
    """Return any text of upstream's as it may stand in a page; the same few come again and again."""
    return escaped(printable(text))


def shown(text: str) -> str:
    """Return a text of upstream's for people to read: not too long, and in the direction of the page."""
    short = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
    return written(_DIRECTIONS.sub("\N{REPLACEMENT CHARACTER}", short))


def before(title: str, head: str = "", *, status: str | None = None, reason: str | None = None) -> str:
    """Return what comes before the content of a page, with what it says of its project (PEP 792)."""
    metas = "".join(
        f'<meta name="pypi:project-{key}" content="{written(value)}">\n'
        for key, value in (("status", status), ("status-reason", reason))
        if status and value
    )
    return f"{_BEFORE}{metas}{head}<title>{escaped(title)}</title>\n</head>\n<body>\n"


def project_anchor(name: str, display_name: str) -> str:
    """Return the link to a project's page."""
    text = display_name if _AS_IT_IS.fullmatch(display_name) else escaped(display_name)
    return f'<a href="{name}/">{text}</a>'


def file_anchor(held: HeldFile) -> str:
    """Return the link to a file, with what clients have to know of it (PEP 503, 592, 658, 740)."""
    return link(held, "", _attributes(held))


def link(held: HeldFile, folder: str, attributes: str = "") -> str:
    """Return a link to a file in `folder`, which is empty or ends in a slash."""
    filename = held.file.filename
    if _AS_IT_IS.fullmatch(filename):
        return f'<a href="{folder}{filename}#sha256={held.sha256}"{attributes}>{filename}</a>'
    # quote() also hides what would make a scheme, a query or a fragment of a file's name.
    href = f"{folder}{quote(filename, safe='')}"
    return f'<a href="{href}#sha256={held.sha256}"{attributes}>{escaped(filename)}</a>'


def _attributes(held: HeldFile) -> str:
    file = held.file
    given = ""
    if file.requires_python is not None:
        given = f' data-requires-python="{written(file.requires_python)}"'
    if held.metadata:
        given += f' data-core-metadata="sha256={held.metadata}"'
    if file.yanked is not None:
        given += f' data-yanked="{written(file.yanked)}"'
    if file.provenance is not None:
        given += f' data-provenance="{written(file.provenance)}"'
    return given
