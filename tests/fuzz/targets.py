"""What is fuzzed, each with what holds for any bytes at all; what the readers may raise is caught here."""

import gzip
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pypimirror import config, filenames, metadata, names, pages
from pypimirror.errors import BadPageError, ConfigError
from pypimirror.model import Digest, File, HeldFile, ListEntry, NormalizedName, ProjectPage
from pypimirror.requirements import dependency, required, sdists
from pypimirror.requirements.environments import Environments
from pypimirror.selection.kinds import built_for, kind_of
from pypimirror.selection.options import FILE_TYPES
from pypimirror.selection.releases import admits, pins, release, release_of
from pypimirror.selection.single import no_other_python
from pypimirror.selection.tags import Tags
from pypimirror.simple import Demands, ListFacts, parse_links, parse_project_list, parse_project_page

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html; charset=utf-8"
LIST = "https://index.example.org/simple/"
PAGE = "https://index.example.org/simple/demo/"
DEMO = NormalizedName("demo")
CHARSETS = ("utf-8", "us-ascii", "utf-16", "iso-8859-1", "shift_jis")


def html_page(content: bytes) -> None:
    """Read a project page in HTML, by the charset that its first byte chooses."""
    charset = CHARSETS[content[0] % len(CHARSETS)] if content else "utf-8"
    _page(content[1:], f"text/html; charset={charset}")
    parse_links(content[1:], HTML, PAGE)


def json_page(content: bytes) -> None:
    """Read a project page in JSON."""
    _page(content, JSON)


def _page(content: bytes, content_type: str) -> None:
    for needs_end in (True, False):
        try:
            page = parse_project_page(content, content_type, PAGE, DEMO, Demands(end=needs_end))
        except BadPageError as error:
            _check_words(error)
            continue
        for file in page.files:
            check_file(file)
        assert page.project in (None, DEMO)
        assert len(page.refused) <= 20
        assert all(len(said) < 1000 for said in (*page.refused, *page.skipped, *page.notes))
        _check_our_own(page)


def check_file(file: File) -> None:
    """Check that a file can be one: a safe name, an address that can be asked for, hex digests."""
    assert filenames.why_unsafe(file.filename) is None
    assert file.url.startswith(("https://", "http://"))
    _, host, *rest = urlsplit(file.url)
    assert "".join(rest).isascii()
    assert file.url.isprintable()
    assert " " not in file.url
    assert host
    assert len(file.url) <= 2000
    assert file.size is None or file.size >= 0
    assert all(set(digest.hexdigest) <= set("0123456789abcdef") for digest in file.digests)


def _check_our_own(page: ProjectPage) -> None:
    """Check that the pages that we would write list these very files."""
    files = {file.filename: file for file in page.files}
    ours = pages.PublishedProject(
        name=DEMO,
        files=tuple(HeldFile(file=file, sha256="0" * 64, size=1) for file in files.values()),
        status=page.status,
        status_reason=page.status_reason,
    )
    look = pages.Style(is_styled=True, most_files=len(files))
    rendered = (pages.project_html(ours), pages.project_html(ours, look), pages.project_json(ours))
    for content, content_type in zip(rendered, (HTML, HTML, JSON), strict=True):
        read = parse_project_page(content, content_type, PAGE, DEMO)
        assert {file.filename for file in read.files} == files.keys()
        assert all(Digest("sha256", "0" * 64) in file.digests for file in read.files)
        assert read.project == DEMO
        # HTML can't hold control characters.
        assert read.status == page.status or not (page.status or "").isprintable()
        # Markup in a text looks as if an unclosed quote swallowed it.
        assert not read.refused or any("<a" in f"{f.requires_python} {f.yanked}".lower() for f in page.files)


def json_list(content: bytes) -> None:
    """Read a project list in JSON, whole and in small pieces: both give the same."""
    _list(content, JSON)


def html_list(content: bytes) -> None:
    """Read a project list in HTML."""
    _list(content, HTML)


def _list(content: bytes, content_type: str) -> None:
    size = content[0] % 64 + 1 if content else 1
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    whole, cut = _entries([content], content_type), _entries(pieces, content_type)
    assert whole == cut
    for entry in whole or ():
        assert entry.url is None or (entry.url.startswith(("http://", "https://")) and len(entry.url) <= 2000)


def _entries(chunks: list[bytes], content_type: str) -> list[ListEntry] | None:
    try:
        demands = Demands(end=False)
        return list(parse_project_list(chunks, content_type, LIST, demands=demands, seen=ListFacts()))
    except BadPageError as error:
        _check_words(error)
        return None


def names_of_files(content: bytes) -> None:
    """Read the name of a file, and the name of a project: whatever passes is a plain name."""
    text = content.decode("utf-8", "surrogateescape")
    try:
        project = names.normalize(text)
    except ValueError:
        project = DEMO
    assert names.normalize(project) == project
    if filenames.why_unsafe(text) is None:
        assert text not in ("", ".", "..", "index.html")
        assert not {"/", "\\", "\0"} & set(text)
        assert text.isprintable()
        assert len(text.encode()) <= 255
    if filenames.is_distribution(text):
        filenames.magic_of(text)
    for name in (project, DEMO, text.partition("-")[0]):
        version = filenames.version_of(text, name)
        if version is not None:
            filenames.version_key(version)
            filenames.canonical_version(version)
        filenames.release_in(text, name)
        release_of(File(filename=text, url="https://files.example.org/x", version=version), name)
        filenames.spelling_of(text, name)

    assert kind_of(text) in FILE_TYPES
    built_for(text)
    for no in (_EVERY_TAG.no(text), no_other_python(_requiring(text), ("3.9",))):
        assert no is None or (no.rule and no.why)
    admits(text, release("1.0"))
    pins(text, release("1.0"))


_EVERY_TAG = Tags(("cp",), ("3.12", "3.13t"), ("linux_x86_64", "macosx_arm64"), (2, 28))


def _requiring(text: str) -> File:
    return File(filename="demo-1.0.zip", url="https://files.example.org/x", requires_python=text)


def wheel(content: bytes) -> None:
    """Take the core metadata out of a wheel."""
    found = metadata.from_wheel(io.BytesIO(content), "demo-1.0-py3-none-any.whl")
    if found is not None:
        assert len(found) <= metadata.MAX_SIZE
        metadata.name_in(found)


def core_metadata(content: bytes) -> None:
    """Read what core metadata requires: requirements which mean the same when read again."""
    told: list[str] = []
    found = required.requires_dist(content, tell=told.append)
    assert list(found) == sorted(set(found))
    for each in found:
        assert dependency.canonical(each) == each
        assert dependency.parsed(each) is not None
        Environments().active(each)
    assert all(len(each) <= 100 for each in told)
    required.is_reliable(content)


def sdist(content: bytes) -> None:
    """Take the core metadata out of an sdist, packed in either way; plain tar files are packed here."""
    for packed, name in (
        (content, "demo-1.0.tar.gz"),
        (content, "demo-1.0.zip"),
        (gzip.compress(content, 1), ""),
    ):
        found = sdists.from_sdist(io.BytesIO(packed), name or "demo-1.0.tar.gz")
        assert found is None or len(found) <= metadata.MAX_SIZE


def ini_file(content: bytes) -> None:
    """Read a configuration: it is one, or all that is wrong is told."""
    try:
        read = config.parse(content, source="pypimirror.cfg", folder=Path("/srv"), overrides={})
    except ConfigError as error:
        _check_words(error)
        return
    assert read.mirror_file_path.is_absolute()
    assert read.index_url.startswith(("http://", "https://"))


def _check_words(error: Exception) -> None:
    """Check that an error has something to say, and not without end."""
    assert 0 < len(str(error)) < 100_000


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    each.__name__: each
    for each in (
        html_page,
        json_page,
        html_list,
        json_list,
        names_of_files,
        wheel,
        ini_file,
        core_metadata,
        sdist,
    )
}
