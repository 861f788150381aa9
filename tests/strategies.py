"""Hypothesis strategies for what upstreams send and what operators write, in all the ways they spell it.

Each is made once: to make and to look through one anew for each draw takes longer than the draw.
"""

import functools
import hashlib
import string
from typing import NamedTuple

import msgspec
from hypothesis import strategies as st

from pypimirror.filenames import canonical_version, is_distribution, version_of, why_unsafe
from pypimirror.model import Digest, File, HeldFile, NormalizedName, ProjectPage
from pypimirror.names import normalize

NAME_CHARACTERS = frozenset(string.ascii_lowercase + string.digits + "-")
"""What a normalized name is made of."""

MARKUP = (
    "\"><script>alert('1')</script>",
    "</a></body></html>",
    "<!-- ",
    "]]>",
    "&amp;lt;&#60;",
    "{{ 7 * 7 }}{% endif %}",
    "' onclick='x",
    '>=3.8, <4 & "x"',
    "na\u00efve \u6f22\u5b57 \U0001f40d",
)

_words = st.text(string.ascii_letters + string.digits, min_size=1, max_size=6)
_separators = st.text("-_.", min_size=1, max_size=3)
_parts = st.lists(_words, min_size=1, max_size=4)


@st.composite
def project_names(draw: st.DrawFn) -> str:
    """Names of projects as people spell them."""
    first, *others = draw(_parts)
    return first + "".join(draw(_separators) + word for word in others)


def normalized_names() -> st.SearchStrategy[NormalizedName]:
    """Names of projects in PEP 503 form."""
    return project_names().map(normalize)


@st.composite
def spellings(draw: st.DrawFn, name: str) -> str:
    """Other spellings of a normalized name."""
    swapped = draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    cased = (c.upper() if is_upper else c for c, is_upper in zip(name, swapped, strict=True))
    return "".join(draw(_separators) if c == "-" else c for c in cased)


class Glob(NamedTuple):
    """A glob of project names, and what it means: for each place the characters it takes, None for `*`."""

    text: str
    places: tuple[frozenset[str] | None, ...]


_is_so = st.booleans()
_ranges = st.sampled_from(["a-f", "A-F", "0-4", "x-z", "i-i"])
_members = st.lists(st.sampled_from([*"aBq7._"]) | _ranges, min_size=1, max_size=4)


@st.composite
def _brackets(draw: st.DrawFn) -> Glob:
    members = draw(_members)
    taken = {c for member in members for c in _range(member.lower())}
    if draw(_is_so):
        members = [*members, "-"] if draw(_is_so) else ["-", *members]
        taken.add("-")
    is_negated = draw(_is_so)
    text = f"[{'!' if is_negated else ''}{''.join(members)}]"
    return Glob(text, (frozenset(NAME_CHARACTERS - taken if is_negated else taken),))


def _range(member: str) -> set[str]:
    if member in {".", "_"}:
        return {"-"}
    return {chr(code) for code in range(ord(member[0]), ord(member[-1]) + 1)}


def _literal(text: str) -> Glob:
    return Glob(text, tuple(frozenset(c) for c in text.lower()))


_wildcard = st.just(Glob("*", (None,))) | st.just(Glob("?", (NAME_CHARACTERS,))) | _brackets()
_separator = _separators.map(lambda text: Glob(text, (frozenset("-"),)))
# A separator stands between others, so that its run is all of it.
_block = st.lists(_wildcard | _words.map(_literal), min_size=1, max_size=4)


@st.composite
def name_globs(draw: st.DrawFn) -> Glob:
    """Globs of project names with a wildcard, in all spellings, with what they mean in PEP 503 form."""
    parts = [*draw(_block), draw(_wildcard)]
    if draw(_is_so):
        parts += [draw(_separator), *draw(_block)]
    return Glob("".join(p.text for p in parts), tuple(place for p in parts for place in p.places))


_one = st.sampled_from(sorted(NAME_CHARACTERS))
_some = st.text(_one, max_size=3)
_others = st.text(_one, max_size=2)


@functools.cache
def _one_of(place: frozenset[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(place)) if place else _one


@st.composite
def texts_of(draw: st.DrawFn, glob: Glob) -> str:
    """Texts that are what a glob takes, or nearly so."""
    parts = [draw(_some if place is None else _one_of(place)) for place in glob.places]
    if draw(_is_so):
        parts[draw(st.integers(0, len(parts) - 1))] = draw(_others)
    return "".join(parts)


@functools.cache
def texts() -> st.SearchStrategy[str]:
    """Texts of every kind that JSON can carry: quotes, markup, non-ASCII, control characters."""
    character = st.sampled_from("\"'<>&;#={}\\/\0\x1b\r\n\t\x7f\x85\u2028\ufeff") | st.characters(
        exclude_categories=["Cs"]
    )
    return st.sampled_from(MARKUP) | st.text(character, min_size=1, max_size=12)


@functools.cache
def html_texts() -> st.SearchStrategy[str]:
    """Texts that HTML can carry: no control characters, and no code points that are no characters."""
    character = st.sampled_from("\"'<>&;#={}\\/\n") | st.characters(exclude_categories=["Cs", "Cc", "Cn"])
    return st.sampled_from(MARKUP) | st.text(character, min_size=1, max_size=12)


@functools.cache
def versions() -> st.SearchStrategy[str]:
    """Versions in PEP 440 normal form."""
    release = st.lists(st.integers(0, 30).map(str), min_size=1, max_size=3).map(".".join)
    end = st.sampled_from(["", "rc1", ".post2", ".dev0", "a1.dev3", "+local.1"])
    return st.builds("{}{}{}".format, st.sampled_from(["", "1!"]), release, end)


@functools.cache
def filenames(project: str = "demo") -> st.SearchStrategy[str]:
    """Safe names of distribution files: what build tools make, and what nobody expected."""
    wheel = st.builds(
        lambda version, tag: f"{project.replace('-', '_')}-{version}-{tag}.whl",
        versions(),
        st.sampled_from(["py3-none-any", "cp312-cp312-win32"]),
    )
    sdist = st.builds(
        lambda version, suffix: f"{project}-{version}{suffix}",
        versions(),
        st.sampled_from([".tar.gz", ".zip", ".tar.bz2"]),
    )
    odd = st.builds("{}{}".format, html_texts(), st.sampled_from([".zip", ".tar.gz", ".egg", ".exe"]))
    return (wheel | sdist | odd).filter(lambda name: why_unsafe(name) is None and is_distribution(name))


def hostile_filenames() -> st.SearchStrategy[str]:
    """Names that would leave the project's folder, or stand for something else in it."""
    known = [
        "",
        ".",
        "..",
        "../six-1.0.zip",
        "/etc/six-1.0.zip",
        "a/six-1.0.zip",
        "..\\six-1.0.zip",
        ".hidden-1.0.zip",
        "-rf-1.0.zip",
        " six-1.0.zip",
        "six-1.0.zip ",
        "six-1.0.zip.",
        "six-1.0\0.zip",
        "six\n-1.0.zip",
        "six\u202e-1.0.zip",
        "index.html",
        "INDEX.HTML",
        "index.v1_json",
        "six-1.0-py3-none-any.whl.metadata",
        "six-1.0.zip.provenance",
        "six.php",
        "a" * 250 + ".zip",
    ]
    odd = st.builds("{}{}{}".format, texts(), st.sampled_from(["/", "\\", "\0", "\n", "\x1b"]), texts())
    return st.sampled_from(known) | odd


@functools.cache
def digests(*algorithms: str) -> st.SearchStrategy[Digest]:
    """Digests of any content, by one of `algorithms`."""
    names = algorithms or ("md5", "sha1", "sha256", "sha384", "sha512", "blake2b")
    return st.builds(
        lambda algorithm, content: Digest(algorithm, hashlib.new(algorithm, content).hexdigest()),
        st.sampled_from(names),
        st.binary(max_size=4),
    )


@functools.cache
def digest_sets() -> st.SearchStrategy[tuple[Digest, ...]]:
    """What an index says of one file: at most one digest an algorithm, sorted."""
    unique = st.lists(digests(), max_size=3, unique_by=lambda digest: digest.algorithm)
    return unique.map(lambda found: tuple(sorted(found)))


_sha256 = digests("sha256").map(lambda digest: digest.hexdigest)
_perhaps_sha256 = st.none() | _sha256
_paths = st.sampled_from(["packages", "a/b%20c", "x%3By"])
_digits = st.integers(0, 9)
_serials = st.none() | st.integers(0, 2**40).map(str)
_statuses = st.none() | st.sampled_from(["archived", "quarantined", "deprecated"])
_sizes = st.integers(1, 2**40)
_perhaps_sizes = st.none() | _sizes
_core_metadata = st.none() | st.just(()) | digests("sha256").map(lambda digest: (digest,))
_upload_times = st.none() | st.just("2024-01-02T03:04:05.678901Z")
_provenance = st.none() | st.just('https://index.example.org/provenance?a=1&b="2"')


@functools.cache
def _perhaps(words: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | words


@functools.cache
def _yanked(words: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | st.just("") | words


@functools.cache
@st.composite
def files(
    draw: st.DrawFn,
    *,
    filename: str | None = None,
    project: str = "demo",
    text: st.SearchStrategy[str] | None = None,
) -> File:
    """Files as upstream lists them, with the version that their name spells."""
    words = texts() if text is None else text
    name = draw(filenames(project)) if filename is None else filename
    return File(
        filename=name,
        url=f"https://files.example.org/{draw(_paths)}/{draw(_digits)}.zip",
        digests=draw(digest_sets()),
        size=draw(_perhaps_sizes),
        version=version_of(name, project),
        requires_python=draw(_perhaps(words)),
        yanked=draw(_yanked(words)),
        core_metadata=draw(_core_metadata),
        upload_time=draw(_upload_times),
        provenance=draw(_provenance),
    )


@functools.cache
@st.composite
def held_files(
    draw: st.DrawFn, *, project: str = "demo", text: st.SearchStrategy[str] | None = None
) -> HeldFile:
    """Files in the tree, of which upstream says nothing that is not so."""
    file = draw(files(project=project, text=text))
    sha256, size = draw(_sha256), draw(_sizes)
    said = tuple(Digest("sha256", sha256) if d.algorithm == "sha256" else d for d in file.digests)
    return HeldFile(
        file=msgspec.structs.replace(file, digests=said, size=None if file.size is None else size),
        sha256=sha256,
        size=size,
        metadata=draw(_perhaps_sha256),
    )


def _is_in_normal_form(version: str | None) -> bool:
    return version is None or canonical_version(version) == version


@functools.cache
@st.composite
def held_projects(
    draw: st.DrawFn, *, project: str = "demo", text: st.SearchStrategy[str] | None = None
) -> tuple[HeldFile, ...]:
    """All files held of a project, no two of one name; versions are in normal form."""
    return tuple(draw(_held_lists(project, text)))


@functools.cache
def _held_lists(project: str, text: st.SearchStrategy[str] | None) -> st.SearchStrategy[list[HeldFile]]:
    held = held_files(project=project, text=text).filter(lambda held: _is_in_normal_form(held.file.version))
    return st.lists(held, max_size=4, unique_by=lambda held: held.file.filename)


@functools.cache
@st.composite
def project_pages(
    draw: st.DrawFn, *, project: str = "demo", text: st.SearchStrategy[str] | None = None
) -> ProjectPage:
    """Project pages, none of whose entries is refused."""
    words = texts() if text is None else text
    listed = draw(_lists(project, words))
    status = draw(_statuses)
    return ProjectPage(
        files=tuple(listed),
        project=NormalizedName(project),
        serial=draw(_serials),
        status=status,
        status_reason=None if status is None else draw(_perhaps(words)),
    )


@functools.cache
def _lists(project: str, words: st.SearchStrategy[str]) -> st.SearchStrategy[list[File]]:
    return st.lists(files(project=project, text=words), max_size=4, unique_by=lambda file: file.filename)
