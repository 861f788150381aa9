"""What upstream sends is read in time that grows as it does: twice the input at most 3 times the time."""

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import pytest

from pypimirror import filenames, metadata, names
from pypimirror.config import choices, ini, readers
from pypimirror.errors import BadPageError, MirrorError
from pypimirror.model import File, HeldFile
from pypimirror.plan import make_plan
from pypimirror.requirements import dependency, required
from pypimirror.selection import kinds, platforms, releases, single
from pypimirror.selection.globs import MAX_PATTERN, Globs, check_name_pattern, normalize_glob
from pypimirror.selection.versions import by_project
from pypimirror.simple import parse_project_list
from pypimirror.simple.digests import digests
from pypimirror.simple.problems import project_status, provenance
from pypimirror.simple.urls import filename_of
from pypimirror.upstream.redirects import redirected
from pypimirror.upstream.trouble import retry_after

JSON = "application/vnd.pypi.simple.v1+json"
URL = "https://index.example.org/simple/"
META = b'"meta":{"api-version":"1.0"}'
OPEN = b'{"meta":{"api-version":"1.0"},"projects":['


def is_linear(work: Callable[[int], object], smallest: int) -> bool:
    """Tell whether twice the size takes at most 3 times the time of this process, with one size of some.

    What grows with the square takes 4 times. The processor's time varies, too, where others use its caches.
    """
    for size in (smallest, 2 * smallest, 4 * smallest, 8 * smallest):
        once, twice = (min(_seconds(work, size * times) for _ in range(2)) for times in (1, 2))
        if twice <= 3 * once + 0.001:
            return True
    return False


def _seconds(work: Callable[[int], object], size: int) -> float:
    start = time.process_time()
    work(size)
    return time.process_time() - start


def pieces(content: bytes, length: int) -> Iterator[bytes]:
    return (content[start : start + length] for start in range(0, len(content), length))


def read_list(chunks: Iterable[bytes]) -> int | None:
    """Read a project list that may be none."""
    try:
        return sum(1 for _ in parse_project_list(chunks, JSON, URL))
    except BadPageError:
        return None


LISTS: dict[str, Callable[[int], bytes]] = {
    "escaped quotes as a list": lambda size: b'\\"' * size,
    "escaped quotes in a head": lambda size: b'{"x":"' + b'\\"' * size,
    "escaped quotes in a name": lambda size: OPEN + b'{"name":"' + b'\\"' * size,
    "quotes": lambda size: b'{"x":' + b'"' * size,
    "quotes in the list": lambda size: OPEN + b'"' * size,
    "backslashes": lambda size: OPEN + b'{"name":"' + b"\\" * size,
    "a long name": lambda size: OPEN + b'{"name":"' + b"a" * size + b'"}],"x":1}',
    "a long head": lambda size: b'{"x":"' + b"a" * size + b'",' + META + b',"projects":[]}',
    "many keys before": lambda size: b"{" + b'"x":[{}],' * (size // 9) + META + b',"projects":[]}',
    "the key again and again": lambda size: b"{" + b'"projects":1,' * (size // 13),
    "the key and blanks": lambda size: b"{" + (b'"projects"' + b" " * 1000) * (size // 1000),
    "blanks behind the key": lambda size: b'{"projects"' + b" " * size,
    "a long end": lambda size: OPEN + b'],"x":"' + b"a" * size + b'"}',
    "blanks at the end": lambda size: OPEN + b"]}" + b" " * size,
    "brackets": lambda size: OPEN + b"[" * size,
    "braces": lambda size: OPEN + b'{"name":' * (size // 8),
    "deep in an entry": lambda size: OPEN + b'{"name":"a","x":' + b"[" * size,
    "ends in a string": lambda size: OPEN + b'{"name":"' + b"}," * size,
    "ends in a string of each": lambda size: OPEN + b'{"name":"a","x":"},"},' * (size // 22),
    "ends of objects inside": lambda size: OPEN + b'{"name":"a","x":[' + b"{}," * (size // 3),
    "commas": lambda size: OPEN + b"," * size,
    "a long number": lambda size: OPEN + b'{"name":"a","_last-serial":' + b"1" * size + b"}]}",
    "a long fraction": lambda size: OPEN + b'{"name":"a","_last-serial":0.' + b"1" * size + b"}]}",
    "a long number to pass over": lambda size: OPEN + b'{"name":"a","x":' + b"1" * size + b"}]}",
    "escapes": lambda size: OPEN + b'{"name":"' + b"\\u0041" * (size // 6) + b'"}]}',
}


@pytest.mark.parametrize("length", [1, 1 << 16])
@pytest.mark.parametrize("kind", LISTS)
def test_a_project_list(kind: str, length: int) -> None:
    size = 10_000 if length == 1 else 130_000
    assert is_linear(lambda n: read_list(pieces(LISTS[kind](n), length)), size)


def test_a_list_of_entries_that_look_like_two_in_tiny_pieces() -> None:
    entry = {"name": "a", "x": "},", "y": [{}, {}]}

    def work(count: int) -> None:
        content = json.dumps({"meta": {"api-version": "1.0"}, "projects": [entry] * count}).encode()
        assert read_list(pieces(content, 3)) == count

    assert is_linear(work, 1000)


def test_lines_of_versions() -> None:
    def work(times: int) -> object:
        lines = tuple((names.normalize(f"demo{number}"), ">=1") for number in range(times))
        return by_project(lines, lines)

    assert is_linear(work, 1000)


# Heads, what is repeated, and an end: each reader gets each of them.
_BODIES = r'[ [a- [] a 1 1. - a- -1 \" ; "a; a; %41 %( // @ : = =? *a < & é'
TEXTS = [
    (head, body, end)
    for body in (*_BODIES.split(), " ", "\t ", "\n", "\u0661")
    for head, end in (("", ""), ("demo", "!"))
]


def _ignored(function: Callable[[str], object]) -> Callable[[str], object]:
    def call(text: str) -> object:
        try:
            return function(text)
        except (ValueError, MirrorError):
            return None

    return call


READERS: dict[str, Callable[[str], object]] = {
    "a pattern of names": check_name_pattern,
    "a pattern in one form": normalize_glob,
    "patterns of files": lambda text: Globs([text], are_names=False),
    "a name matched": lambda text: Globs(["*a*b-*a*a[a-z]*"], are_names=False).match(text),
    "a name": names.normalize,
    "names": lambda text: names.normalize_all([text, text]),
    "a link's name": lambda text: names.link_name(text, names.normalize("demo")),
    "safe names": filenames.why_unsafe,
    "the version of an sdist": lambda text: filenames.version_of(f"{text}.tar.gz", "demo-a-b"),
    "the version of a wheel": lambda text: filenames.version_of(f"{text}.whl", "demo"),
    "the version of an installer": lambda text: filenames.version_of(f"{text}.exe", "demo"),
    "the release of an sdist": lambda text: filenames.release_in(f"demo-{text}.zip", "demo"),
    "the release of a wheel": lambda text: filenames.release_in(f"demo-{text}-py3-none-any.whl", "demo"),
    "the release of an egg": lambda text: filenames.release_in(f"demo-{text}.egg", "demo"),
    "the kind of a file": lambda text: kinds.kind_of.__wrapped__(f"demo-{text}.zip"),
    "what an installer is for": lambda text: kinds.built_for.__wrapped__(f"demo-{text}.exe"),
    "what an egg is for": lambda text: kinds.built_for.__wrapped__(f"demo-{text}.egg"),
    "a platform's tag": platforms.read.__wrapped__,
    "a Requires-Python": lambda text: single.has_fitting_micro.__wrapped__(f">=3,{text}", "3.9"),
    "a specifier": lambda text: releases._read.__wrapped__(f">=3,{text}"),
    "lines of versions": choices.versions,
    "numbers of releases": choices.latest_releases,
    "versions of Python": choices.python_versions,
    "a spelling": lambda text: filenames.spelling_of(f"{text}-1.zip", "a-a-a"),
    "a version": filenames.canonical_version,
    "an order of versions": filenames.version_key,
    "a redirect": lambda text: redirected("https://example.org/a/b", text),
    "the last part of an address": filename_of,
    "the name in metadata": lambda text: metadata.name_in(f"Name:{text}\nName: {text} x".encode()),
    "Retry-After": retry_after,
    "what metadata requires": lambda text: required.requires_dist(f"Requires-Dist: {text}\n {text}".encode()),
    "what it requires in lines": lambda text: required.requires_dist(
        f"Requires-Dist:{text[:9]}\n".encode() * 2000, tell=str
    ),
    "a requirement without versions": lambda text: dependency.without_versions.__wrapped__(
        f"a{text}[{text}]{text}"
    ),
    "whether metadata is reliable": lambda text: required.is_reliable(f"Dynamic: {text}\nX: {text}".encode()),
    "a requirement": lambda text: dependency.canonical.__wrapped__(f"a{text}; {text}"),
    "a requirement at sight": lambda text: dependency.parsed.__wrapped__(f"a[{text}]{text}"),
    "extras": readers.extras,
    "a digest": lambda text: digests([(text, text), ("sha256", text)]),
    "provenance": provenance,
    "a status": lambda text: project_status(text, text),
    "a configuration": lambda text: ini.parse(f"[DEFAULT]\na{text}\nb = {text}\nc = %(b)s".encode()),
}


def _repeated(read: Callable[[str], object], head: str, body: str, end: str, times: int) -> object:
    return read(head + body * times + end)


def slow_texts(reader: Callable[[str], object]) -> list[str]:
    """Return what a text is made of that takes more than twice the time when it is twice as long."""
    read = _ignored(reader)
    # What takes no time at all needs no second look: a square of this length would take some.
    return [
        body
        for head, body, end in TEXTS
        if _seconds(partial(_repeated, read, head, body, end), 20_000) > 0.02
        and not is_linear(partial(_repeated, read, head, body, end), 5000)
    ]


@pytest.mark.parametrize("reader", READERS)
def test_a_text(reader: str) -> None:
    assert slow_texts(READERS[reader]) == []


def test_a_pattern_has_so_many_characters() -> None:
    check_name_pattern("a" * 199 + "*" * (MAX_PATTERN - 199))
    with pytest.raises(ValueError, match=f"has {MAX_PATTERN + 1:,} characters; {MAX_PATTERN:,} are allowed"):
        check_name_pattern("a" * 199 + "*" * (MAX_PATTERN - 198))


def test_a_text_of_200_characters_may_be_a_version() -> None:
    assert filenames.canonical_version("0" * 199 + "1") == "1"
    assert filenames.canonical_version("0" * 200 + "1") == "0" * 200 + "1"
    assert filenames.version_key("0" * 200 + "1") < filenames.version_key("0.1")


def test_references_of_a_configuration_do_not_grow_without_end() -> None:
    text = "[DEFAULT]\na = " + "x" * 1000
    for last, name in itertools.pairwise("abcdefghi"):
        text += f"\n{name} = " + f"%({last})s" * 30
    parsed = ini.parse(text.encode())
    assert len(parsed.settings["c"].value) == 900_000
    assert {problem.option for problem in parsed.problems if not isinstance(problem, str)} == set("defghi")


def test_a_plan_for_files_without_digests() -> None:
    def planned(count: int) -> None:
        files = [
            File(filename=f"six-{n}.zip", url=f"{URL}six-{n}.zip", digests=(), size=None, version=None)
            for n in range(count)
        ]
        held = {file.filename: HeldFile(file=file, sha256="0" * 64, size=3) for file in files}
        assert len(make_plan(files, held, looks=True).look) == count

    assert is_linear(planned, 4000)
