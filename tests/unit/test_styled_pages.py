"""Pages as people like them: to clients they are the bare ones."""

import base64
import gzip
import hashlib
import html
import itertools
import random
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given, settings

from pypimirror.model import File, HeldFile, Listed, NormalizedName
from pypimirror.pages import PageTotals, PublishedProject, Style, project_html, root_html
from pypimirror.simple import parse_project_list
from tests.strategies import html_texts, texts
from tests.unit.test_pages import (
    DEMO,
    EVERYTHING,
    HOSTILE,
    HTML,
    ROOT_URL,
    _projects,
    as_read,
    by_lxml,
    by_standard_library,
    held_of,
    project_of,
    read,
)

STYLED = Style(is_styled=True, most_projects=50_000, most_files=1000)
HERE = msgspec.structs.replace(STYLED, base_url="https://pypi.example.org/")

# What easy_install and buildout look for in a page, as setuptools 57 has it.
HREF = re.compile(r"""href\s*=\s*['"]?([^'"> ]+)""", re.IGNORECASE)
REL = re.compile(r"""<([^>]*\srel\s{0,10}=\s{0,10}['"]?([^'" >]+)[^>]*)>""", re.IGNORECASE)
TRAP = "see href = 'https://evil.example.org/demo-99.zip' rel=download HREF=x"


def styled(project: PublishedProject, look: Style = STYLED) -> str:
    return project_html(project, look).decode()


def words(page: str) -> str:
    """Return a page's text, as it is read."""
    body = re.sub("<(style|script)>.*?</\\1>", "", page, flags=re.DOTALL).partition("<body>")[2]
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", body)).split())


def root(projects: list[Listed], look: Style = STYLED) -> bytes:
    counts = PageTotals(len(projects), 2 * len(projects), 5000 * len(projects))
    return b"".join(root_html(projects, counts, look))


def listed(*names: str) -> list[Listed]:
    return [Listed(NormalizedName(name.lower()), name, None) for name in names]


# To clients


@settings(deadline=None)
@given(_projects(texts()))
def test_the_anchors_are_those_of_the_bare_page(project: PublishedProject) -> None:
    bare, nice = project_html(project), project_html(project, HERE)
    for look in (by_standard_library, by_lxml):
        assert sorted(map(str, look(nice).anchors)) == sorted(map(str, look(bare).anchors))


@settings(deadline=None)
@given(_projects(html_texts()))
def test_html_is_read_as_it_was_rendered(project: PublishedProject) -> None:
    assert read(project_html(project, HERE), HTML) == as_read(project, is_html=True)


@settings(deadline=None)
@given(_projects(texts()))
def test_no_text_makes_markup(project: PublishedProject) -> None:
    page = project_html(project, HERE)
    table = {"table", "thead", "tbody", "tr", "th", "td"}
    for seen in (by_standard_library(page), by_lxml(page)):
        assert set(seen.tags) <= {
            *("html", "head", "meta", "title", "style", "body", "h1", "p", "pre", "a", "i"),
            *table,
        }
        assert seen.tags["a"] == len(project.files)
        assert seen.tags["style"] == 1
        assert seen.tags["tr"] == (len(project.files) + 1 if project.files else 0)
        assert seen.tags["i"] == sum(held.file.yanked is not None for held in project.files)


@pytest.mark.parametrize("look", [Style(is_styled=False), HERE], ids=["bare", "styled"])
@pytest.mark.parametrize("filename", ["demo-1.0.zip", "demo-1.0 href=x rel=y.zip"])
def test_easy_install_finds_the_links_of_files_alone(look: Style, filename: str) -> None:
    """It looks for `href=` all over the page, whoever wrote it."""
    held = held_of(filename, yanked=TRAP, requires_python=TRAP, provenance="https://example.org/?href=x")
    page = styled(project_of(held, status="archived", status_reason=TRAP), look)
    (anchor,) = by_standard_library(page.encode()).anchors
    assert [html.unescape(found) for found in HREF.findall(page)] == [anchor.attributes["href"]]
    assert not REL.findall(page)
    assert anchor.attributes["data-yanked"] == TRAP
    assert anchor.text == unquote(str(anchor.attributes["href"]).partition("#")[0]) == filename


def test_easy_install_finds_the_links_of_projects_alone() -> None:
    page = root(listed("href", "rel", "Zope.Event"), HERE).decode()
    assert HREF.findall(page) == ["href/", "rel/", "zope.event/"]
    assert not REL.findall(page)


@settings(deadline=None)
@given(_projects(texts()))
def test_any_order_gives_the_same_bytes(project: PublishedProject) -> None:
    turned = msgspec.structs.replace(project, files=project.files[::-1])
    assert project_html(turned, HERE) == project_html(project, HERE)


# A project's page


def test_what_a_page_says() -> None:
    project = PublishedProject(
        name=DEMO, display_name="Demo", files=(EVERYTHING, held_of("demo-2.0.zip", version="2.0"))
    )
    assert words(styled(project, HERE)) == (
        "Demo 2 versions, 2 files, 10 B, last upload 2024-01-02"
        " pip install --index-url https://pypi.example.org/ demo"
        " uv pip install --default-index https://pypi.example.org/ demo"
        " File Type Size Uploaded Python"
        " demo-2.0.zip source 5 B"
        f' demo-1.0.zip Yanked: {HOSTILE} source 5 B 2024-01-02 >=3.8, <4 & "x"'
    )


def test_nobody_told_where_the_mirror_is() -> None:
    assert "install" not in styled(project_of(EVERYTHING))


def test_the_title_is_one_that_mirrors_know() -> None:
    assert "<title>Links for demo</title>" in styled(project_of(EVERYTHING))


def test_texts_of_upstream_s_stand_in_the_direction_of_the_page() -> None:
    turned = "safe \u202e>b<live"
    held = held_of(yanked=turned, requires_python=turned)
    page = styled(project_of(held, status="archived", status_reason=turned))
    assert words(page).count("safe \N{REPLACEMENT CHARACTER}>b<live") == 3
    (anchor,) = by_lxml(page.encode()).anchors
    assert (anchor.attributes["data-yanked"], anchor.attributes["data-requires-python"]) == (turned, turned)


def test_a_long_reason_is_shown_in_part_and_kept_whole_for_clients() -> None:
    reason = "because " * 1000
    page = styled(project_of(held_of(yanked=reason)))
    (anchor,) = by_lxml(page.encode()).anchors
    assert anchor.attributes["data-yanked"] == reason
    assert f"Yanked: {reason[:500].strip()}..." in words(page).replace(" ...", "...")
    assert len(page) < len(reason) + 5000


def test_yanked_without_a_reason() -> None:
    assert "Yanked source" in words(styled(project_of(held_of(yanked=""))))


def test_no_upload_time_that_is_none() -> None:
    page = words(styled(project_of(held_of(upload_time=HOSTILE))))
    assert page == "demo 1 version, 1 file, 5 B File Type Size Uploaded Python demo-1.0.zip source 5 B"


def test_an_empty_project() -> None:
    assert words(styled(project_of(), HERE)) == "demo No files."


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        (None, None, None),
        ("active", "fine", None),
        ("archived", None, "This project is archived: do not expect new releases."),
        ("deprecated", "use x", "may have taken its place. Reason given: use x"),
        ("quarantined", None, "This project is in quarantine: it is considered unsafe, and offers no files."),
        (HOSTILE, HOSTILE, f"The status of this project is {HOSTILE}. Reason given: {HOSTILE}"),
    ],
)
def test_the_status_of_a_project(status: str | None, reason: str | None, said: str | None) -> None:
    page = styled(project_of(EVERYTHING, status=status, status_reason=reason))
    assert ('<p class="status">' in page) == (said is not None)
    assert (said or "1 version") in words(page)


def shown(files: list[HeldFile]) -> list[str]:
    return [anchor.text for anchor in by_standard_library(project_html(project_of(*files), STYLED)).anchors]


def test_the_newest_version_comes_first() -> None:
    files = [
        held_of(f"demo-{version}.zip", version=version) for version in ("1.9", "1.10", "2.0rc1", "2.0", "old")
    ]
    assert shown(files) == [f"demo-{version}.zip" for version in ("2.0", "2.0rc1", "1.10", "1.9", "old")]


def test_the_newest_python_comes_first() -> None:
    tags = ["cp39-cp39-win32", "cp310-cp310-win32", "cp38-abi3-win32", "cp313-cp313t-win32"]
    files = [held_of("demo-1.0.tar.gz"), *(held_of(f"demo-1.0-{tag}.whl") for tag in tags)]
    order = ["cp313-cp313t", "cp310-cp310", "cp39-cp39", "cp38-abi3"]
    assert shown(files) == ["demo-1.0.tar.gz", *(f"demo-1.0-{tag}-win32.whl" for tag in order)]


@pytest.mark.parametrize(
    ("most", "is_styled"), [(2, True), (1, False), (0, False)], ids=["as many", "above", "none"]
)
def test_a_page_of_many_files_is_bare(most: int, *, is_styled: bool) -> None:
    project = project_of(held_of("a.zip"), held_of("b.zip"))
    page = project_html(project, msgspec.structs.replace(HERE, most_files=most))
    assert (page != project_html(project)) == is_styled


# The root page


def test_a_styled_root_page() -> None:
    page = root(listed("six", "Zope.Event"), HERE)
    assert [anchor.text for anchor in by_standard_library(page).anchors] == ["six", "Zope.Event"]
    assert words(page.decode()) == (
        "Python packages 2 projects, 4 files, 10 kB"
        " pip install --index-url https://pypi.example.org/ NAME"
        " uv pip install --default-index https://pypi.example.org/ NAME six Zope.Event"
    )
    assert by_lxml(page).meta["pypi:repository-version"] == "1.4"


@pytest.mark.parametrize(
    ("files", "size", "told"),
    [
        (0, 0, "0 files, 0 B"),
        (1, 999, "1 file, 1.0 kB"),
        (99, 1_234_567, "99 files, 1.2 MB"),
        (100, 12_345_678, "about 100 files, 12 MB"),
        (104, 123_456_789, "about 100 files, 120 MB"),
        (41_799, 996_000_000, "about 42,000 files, 1.0 GB"),
        (9_960_000, 41_234_000_000_000, "about 10,000,000 files, 41.0 TB"),
    ],
)
def test_how_much_there_is_is_told_with_two_digits(files: int, size: int, told: str) -> None:
    page = b"".join(root_html(listed("six"), PageTotals(1, files, size), STYLED)).decode()
    assert f"<p>1 project, {told}</p>" in page


def test_a_long_root_page_is_read_as_it_was_rendered() -> None:
    projects = listed(*(f"P{number:05}" for number in range(10_000)))
    blocks = list(root_html(projects, PageTotals(10_000, 0, 0), STYLED))
    assert max(map(len, blocks)) < 1 << 16
    assert [entry.name for entry in parse_project_list(blocks, HTML, ROOT_URL)] == [
        p.display_name for p in projects
    ]


@pytest.mark.parametrize(("most", "is_styled"), [(2, True), (1, False)])
def test_a_root_page_of_many_projects_is_bare(most: int, *, is_styled: bool) -> None:
    projects = listed("six", "Zope.Event")
    page = root(projects, msgspec.structs.replace(HERE, most_projects=most))
    assert (page != b"".join(root_html(projects))) == is_styled


# What a browser lets through


@pytest.mark.parametrize(
    "page",
    [project_html(project_of(EVERYTHING), HERE), root(listed("six"), HERE)],
    ids=["project", "root"],
)
def test_the_policy_names_the_style_and_the_script(page: bytes) -> None:
    text = page.decode()
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
    rules = dict(rule.split(" ", 1) for rule in policy.split(";"))
    for kind in ("style", "script"):
        inline = re.findall(f"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in inline]
        assert rules.pop(f"{kind}-src", "") == " ".join(f"'sha256-{each}'" for each in hashes)
    assert rules == {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}
    assert text.index("Content-Security-Policy") < text.index("<style>")
    assert "style=" not in text
    assert not re.search(r"\son\w+=|src=|url\(|@import", text)


# Sizes: of 100 files at most half as much again, and packed at most three tenths

_random = random.Random(1)  # the same pages in each run


def _of_a_hundred(names: Callable[[int], list[tuple[str, str]]], **said: str) -> PublishedProject:
    versions = (names(number) for number in itertools.count())
    rows = list(itertools.islice(itertools.chain.from_iterable(versions), 100))
    return project_of(*(_held(filename, version, **said) for filename, version in rows))


def _held(filename: str, version: str, **said: str) -> HeldFile:
    number = int(version.partition(".")[0])
    day = f"20{10 + number % 15}-{number % 12 + 1:02}-{number % 28 + 1:02}T10:11:12.131415Z"
    fields: dict[str, Any] = {"filename": filename, "version": version, "upload_time": day} | said
    return HeldFile(
        file=File(url="https://files.example.org/x", **fields),
        sha256=f"{_random.getrandbits(256):064x}",
        size=_random.randint(20_000, 9_000_000),
        metadata=f"{_random.getrandbits(256):064x}" if filename.endswith(".whl") else None,
    )


def _pure(number: int) -> list[tuple[str, str]]:
    version = f"{number}.{number % 7}.0"
    return [(f"demo-{version}{end}", version) for end in ("-py3-none-any.whl", ".tar.gz")]


def _built(number: int) -> list[tuple[str, str]]:
    systems = (
        *("manylinux_2_17_x86_64.manylinux2014_x86_64", "manylinux_2_17_aarch64.manylinux2014_aarch64"),
        *("musllinux_1_2_x86_64", "macosx_11_0_arm64", "win_amd64", "win32"),
    )
    version = f"{number}.2.1"
    tags = [f"cp3{minor}-cp3{minor}-{system}" for minor in range(9, 14) for system in systems]
    wheels = [(f"demo-{version}-{tag}.whl", version) for tag in tags]
    return [(f"demo-{version}.tar.gz", version), *wheels]


@pytest.mark.parametrize("names", [_pure, _built])
def test_a_page_of_a_hundred_files_is_hardly_larger(names: Callable[[int], list[tuple[str, str]]]) -> None:
    project = _of_a_hundred(names, requires_python=">=3.9")
    bare, nice = project_html(project), project_html(project, HERE)
    assert len(nice) < 1.5 * len(bare)
    assert len(gzip.compress(nice, 6)) < 1.3 * len(gzip.compress(bare, 6))


def test_a_page_of_a_hundred_sdists_is_hardly_larger() -> None:
    """The shortest lines that there are: nothing but a name."""
    project = _of_a_hundred(lambda number: [(f"six-{number}.0.tar.gz", f"{number}.0")])
    assert len(project_html(project, HERE)) < 1.5 * len(project_html(project))


def test_a_small_page_stays_small() -> None:
    assert len(project_html(project_of(), HERE)) < 2048
    assert len(root(listed("six"), HERE)) < 4096
