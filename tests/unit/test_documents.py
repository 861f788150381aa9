"""The documents: links lead somewhere, configurations are ones, and the references are whole."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pypimirror import config
from pypimirror.cli import arguments, folders
from pypimirror.report.exit_status import Status
from pypimirror.report.mirror_status import StatusReport
from tests.documents import PAGES, TOP, Block, anchors, blocks, indented, links
from tests.generated.site import build
from tests.missing import unable

DOCS = TOP / "docs"
OTHERS = ("[global]", "[buildout]", "[easy_install]", "[Service]")
"""Sections of configurations that are not ours: clients' and systemd's."""
TOLD = (
    "another run holds the lock",
    "left out, and no wheel is mirrored; add *.whl to filename_matches",
    "upstream no longer has",
    "so nothing was removed",
    "the configuration no longer selects",
    "so all of them stay",
    "upstream could not be had or trusted",
    "is index_url right?",
    "is not a type",
    "lists no project",
    "its page comes from another host",
    "is the command itself, and no configuration",
    "upstream's page now says",
    "projects wait for their next try",
    "is its disk mounted?",
    "a bug in pypimirror",
    "nothing selects it",
)
"""What the page of messages explains."""


def name(page: Path) -> str:
    return str(page.relative_to(TOP))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not path or target.is_relative_to(TOP), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", [page for page in PAGES if DOCS in page.parents], ids=name)
def test_the_site_has_what_its_pages_link_to(page: Path) -> None:
    for link in links(page):
        assert (page.parent / link.partition("#")[0]).resolve().is_relative_to(DOCS), link


def test_every_page_can_be_found() -> None:
    navigation = (TOP / "zensical.toml").read_text("utf-8")
    for page in PAGES:
        if DOCS in page.parents:
            assert f'"{page.relative_to(DOCS)}"' in navigation


def test_files_that_others_name_are_there() -> None:
    texts = [TOP / "man/pypimirror.1", TOP / "src/pypimirror/pypimirror.cfg.sample", *TOP.glob("src/**/*.py")]
    for path in texts:
        for named in re.findall(r"\bdocs/[\w./-]*\w", path.read_text("utf-8").replace("\\-", "-")):
            assert (TOP / named).exists(), (path, named)


# -- configurations ----------------------------------------------------------------------------------------


def is_ours(block: Block) -> bool:
    return not any(f"\n{section}" in f"\n{block.text}" for section in OTHERS)


CONFIGURATIONS = [block for page in PAGES for block in blocks(page, "ini") if is_ours(block)]
EXAMPLES = [block for block in indented(DOCS / "configuration.md") if re.match(r"\w+ =", block.text)]


@pytest.mark.parametrize("block", CONFIGURATIONS + EXAMPLES, ids=lambda block: name(block.page))
def test_every_configuration_is_one(block: Block, tmp_path: Path) -> None:
    text = re.sub(r"(?<![\w/:.\]-])(?=/(?:etc|srv|var|usr|home|mnt)/)", str(tmp_path), block.text)
    if "[DEFAULT]" not in text:
        text = f"[DEFAULT]\n{text}"
    for option, value in (("mirror_file_path", tmp_path / "mirror"), ("package_matches", "six")):
        if not re.search(rf"^{option} *=", text, re.MULTILINE):
            text += f"\n{option} = {value}\n"
    if re.search(r"^(extras|dependency_versions) *=", text, re.MULTILINE):
        text += "\ndependencies = True\n" * ("dependencies" not in text.replace("dependency", ""))
    make_files(text, tmp_path)
    assert config.parse(text.encode(), source=name(block.page), folder=tmp_path, overrides={})


LOCKED = f"""\
lock-version = "1.0"
created-by = "us"
[[packages]]
name = "six"
version = "1.0"
[packages.sdist]
name = "six-1.0.tar.gz"
url = "https://files.example.org/six-1.0.tar.gz"
hashes = {{ sha256 = "{"0" * 64}" }}
"""


def make_files(text: str, folder: Path) -> None:
    """Make the files that a configuration names."""
    named = re.findall(
        rf"{re.escape(str(folder))}(/[\w./-]+)|(?:= *|@| )([\w/-]+\.(?:txt|toml|pem|key|crt))", text
    )
    for absolute, relative in named:
        path = folder / (absolute.lstrip("/") or relative)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".toml":
            path.write_text(LOCKED)
        elif path.suffix:
            path.write_text("six\n" if "malicious" not in path.name else "six==1.0\n")


def test_there_are_configurations() -> None:
    assert len(CONFIGURATIONS) > 20
    assert len(EXAMPLES) > 60


# -- references --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "line"), [("docs/exit-status.md", "## .*"), ("README.md", r"\| [\d, ]+ \|")]
)
def test_every_exit_status_is_explained(page: str, line: str) -> None:
    lines = "\n".join(re.findall(f"^{line}", (TOP / page).read_text("utf-8"), re.MULTILINE))
    assert [status for status in Status if not re.search(rf"\b{int(status)}\b", lines)] == []


def test_every_field_of_the_status_is_explained() -> None:
    page = (DOCS / "reports.md").read_text("utf-8")
    page = page[page.index("## The status as JSON") : page.index("## Metrics")]
    assert [field for field in StatusReport.__struct_fields__ if f"`{field}`" not in page] == []


def test_nobody_is_told_to_install_the_project_of_the_plain_name() -> None:
    for page in PAGES:
        assert not re.search(
            r"(pip|pipx|uv \w+) (install|add) '?pypimirror\b(?!-ng)", page.read_text("utf-8")
        ), page


def test_the_page_of_files_has_what_the_private_folder_holds() -> None:
    page = (DOCS / "files.md").read_text("utf-8")
    older = {"told-lock"}  # of older versions
    assert [
        each
        for each in folders._OWN - older
        if not re.search(rf"^\| .*`{re.escape(each)}/?`", page, re.MULTILINE)
    ] == []


def test_messages_that_the_pages_explain_are_told() -> None:
    """What stands as a heading or as code in the page of messages is what the command says."""
    sources = " ".join(path.read_text("utf-8") for path in TOP.glob("src/**/*.py"))
    told = re.sub(r"\s+", " ", re.sub(r'"\s+f?"', "", sources))
    for words in TOLD:
        assert words in (DOCS / "troubleshooting.md").read_text("utf-8")
        assert words in told, words


def test_commands_have_flags_that_are_there() -> None:
    """Every command of the pages is one; a flag in the text may be another program's."""
    known = {flag for action in arguments._parser()._actions for flag in action.option_strings}
    for page in PAGES:
        for block in [*blocks(page, "sh"), *blocks(page, "")]:
            for line in re.findall(
                r"(?<![\w/-])pypimirror (?:/?[\w/.-]+\.cfg|CONFIG)( [^|>#;&\n]*)", block.text
            ):
                given = {word.partition("=")[0] for word in line.split() if word.startswith("-")}
                assert given <= known, (page, line)


COMMAND = re.compile(r"(?<![\w.-])pypimirror (\S+\.cfg [^|>#;&()\n]*)")
"""A command line of ours, as far as it is for us and not for a shell."""
OTHERS_OPTIONS = {"synchronous", "url", "verify_ssl"}


def test_commands_are_ones_that_the_command_takes() -> None:
    seen = 0
    for page in [*PAGES, DOCS / "crontab", *DOCS.glob("systemd/*"), *DOCS.glob("docker/*")]:
        is_page = page.suffix == ".md"
        texts = [each.text for kind in ("sh", "") for each in blocks(page, kind)] if is_page else [""]
        for line in COMMAND.findall("\n".join(texts if is_page else [page.read_text("utf-8")])):
            given = shlex.split(line.rstrip('"]'))
            if len(given) > 1 and given[0] != "/etc/pypimirror.cfg:":
                assert arguments.parse(given), (page, line)
                seen += 1
    assert seen > 50


def named() -> Iterator[Block]:
    """Yield each option that the text of a page names with a value."""
    for page in PAGES:
        for option, value in re.findall(r"`(\w+) = ([^`\n]*)`", page.read_text("utf-8")):
            if option not in OTHERS_OPTIONS:
                yield Block(page, "", f"{option} = {value}\n")


@pytest.mark.parametrize("block", list(named()), ids=lambda block: block.text.strip())
def test_an_option_that_the_text_names_is_there_and_may_be_so(block: Block, tmp_path: Path) -> None:
    test_every_configuration_is_one(block, tmp_path)


def test_the_first_steps_in_portuguese_are_those_of_the_readme() -> None:
    here = {line for block in blocks(DOCS / "inicio-rapido.md", "sh") for line in block.text.splitlines()}
    there = {
        line
        for page in (TOP / "README.md", DOCS / "installing.md", DOCS / "serving.md")
        for block in blocks(page, "sh")
        for line in block.text.splitlines()
    }
    assert here <= there


# -- the site ----------------------------------------------------------------------------------------------


class Loaded(HTMLParser):
    """What a browser loads for a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag == "a":
            self.links.append(given.get("href", ""))
        elif tag == "link" and given.get("rel") in {"canonical", "next", "prev"}:
            return
        else:
            self.addresses += [given[key] for key in ("src", "href", "data", "srcset") if key in given]


def test_the_site_is_built_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    if importlib.util.find_spec("zensical") is None:
        unable("zensical is not installed (the extra docs)")
    build(tmp_path / "site")
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) == len([page for page in PAGES if DOCS in page.parents]) + 1, "and 404.html"
    for page in pages:
        loaded = Loaded()
        loaded.feed(page.read_text("utf-8"))
        assert [address for address in loaded.addresses if urlsplit(address).netloc] == []
        if page.name != "404.html":
            for link in loaded.links:
                path = urlsplit(link)
                assert path.netloc or (page.parent / path.path).exists(), (page, link)
