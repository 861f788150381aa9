"""The checklist of the standards, item by item, where it takes a run or a server; test_pages has the rest."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests import faults
from tests.clients.conftest import TAMPERED
from tests.clients.servers import Served
from tests.distributions import make_sdist, make_wheel, metadata_of
from tests.fake_index import FakeIndex
from tests.index_pages import normalize
from tests.mirror import Mirror, anchors
from tests.runs.test_removal import MakeMirror

JSON, HTML = "application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html"


def folders(tree: Path) -> list[Path]:
    return [p for p in tree.iterdir() if p.is_dir() and not p.is_symlink() and p.name != ".pypimirror"]


def test_every_item_has_a_test() -> None:
    tests = Path(__file__).parents[1]
    text = "".join(path.read_text("utf-8") for path in tests.rglob("test_*.py"))
    assert {int(number) for number in re.findall(r"^def test_item_(\d\d)_", text, re.MULTILINE)} == set(
        range(1, 32)
    )


# -- addresses -------------------------------------------------------------------------------


def test_item_01_folders_have_normalized_names(served: Served, tree: Path) -> None:
    for folder in folders(tree):
        assert folder.name == normalize(folder.name)
        assert served.ask(f"{folder.name}/").status == 200


def test_item_02_an_address_without_its_slash_redirects(served: Served) -> None:
    reply = served.ask("zope-event")
    assert reply.status == 301
    assert reply.headers["Location"].endswith("/zope-event/")


def test_item_03_other_spellings_redirect_where_the_server_can(served: Served) -> None:
    reply = served.ask("zope_EVENT/")
    if served.name == "http.server":
        assert reply.status == 404
    else:
        assert reply.status == 301
        assert reply.headers["Location"].endswith("/zope-event/")


def test_item_04_links_are_bare_file_names(tree: Path) -> None:
    for folder in folders(tree):
        links = [href.partition("#")[0] for href, _, _ in anchors(folder / "index.html")]
        links += [file["url"] for file in json.loads((folder / "index.v1_json").read_bytes())["files"]]
        assert not [link for link in links if "/" in link or ":" in link]
        assert sorted(map(unquote, links)) == sorted(
            [p.name for p in folder.iterdir() if p.suffix in (".whl", ".gz")] * 2
        )


@pytest.mark.parametrize("path", ["", "zope-event/"])
def test_item_05_every_answer_has_the_right_type(served: Served, path: str) -> None:
    assert served.ask(path, {"Accept": "text/html"}).content_type == "text/html"
    expected = "text/html" if served.name == "http.server" else JSON
    assert served.ask(path, {"Accept": JSON}).content_type == expected


def test_item_06_latest_gives_the_real_type(served: Served) -> None:
    expected = "text/html" if served.name == "http.server" else JSON
    accept = {"Accept": "application/vnd.pypi.simple.latest+json"}
    assert served.ask("zope-event/", accept).content_type == expected


def test_item_07_no_acceptable_type_gives_html(served: Served) -> None:
    reply = served.ask("zope-event/", {"Accept": "application/vnd.pypi.simple.v9+json, image/png"})
    assert (reply.status, reply.content_type) == (200, "text/html")


# -- what a mirror has to do -------------------------------------------------------------------


def test_item_26_yanks_come_and_go(index: FakeIndex, make_mirror: MakeMirror) -> None:
    (wheel,) = index.add("six", "1.0", sdist=False)
    mirror = make_mirror()
    mirror.update()
    for yanked, in_json, in_html in (
        ("", True, ""),
        ("a <reason>", "a <reason>", "a <reason>"),
        (None, None, None),
    ):
        wheel.yanked = yanked
        index.touch("six")
        mirror.update()
        ((_, _, attributes),) = anchors(mirror.root / "six/index.html")
        assert attributes.get("data-yanked") == in_html
        assert mirror.file("six", wheel.filename).yanked == in_json


def test_item_27_quarantine_offers_nothing(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    index.project("six").status, index.project("six").status_reason = "quarantined", "malware?"
    index.touch("six")
    mirror.update()
    assert mirror.names() == set()
    assert mirror.listed("six") == set()
    assert mirror.page("six").project_status == {"status": "quarantined", "reason": "malware?"}


def test_item_28_files_and_names_stay_as_they_were_attested(tree: Path, upstream: FakeIndex) -> None:
    for file in upstream.files("zope-event"):
        assert (tree / "zope-event" / file.filename).read_bytes() == file.content


def test_item_29_metadata_is_that_of_the_file(index: FakeIndex, make_mirror: MakeMirror) -> None:
    wheel_name, wheel = make_wheel("six", "1.0")
    sdist_name, sdist = make_sdist("six", "1.0")
    index.add_file("six", wheel_name, wheel)  # offered without core metadata
    index.add_file("six", sdist_name, sdist, core_metadata=b"Name: six\nVersion: 1.0\n")
    index.add_file("six", "six-0.9.tar.gz", sdist)
    mirror = make_mirror()
    mirror.update()
    folder = mirror.root / "six"
    assert (folder / f"{wheel_name}.metadata").read_bytes() == metadata_of(wheel)
    assert (folder / f"{sdist_name}.metadata").read_bytes() == b"Name: six\nVersion: 1.0\n"
    assert not (folder / "six-0.9.tar.gz.metadata").exists()
    assert mirror.file("six", "six-0.9.tar.gz").core_metadata is None
    mirror.check_links()


def test_item_30_no_signature_is_told_of_that_is_not_there(index: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = mirror_of_everything(index, make_mirror)
    assert b"gpg" not in (mirror.root / "six/index.html").read_bytes()
    assert b"gpg" not in (mirror.root / "six/index.v1_json").read_bytes()
    assert not list(mirror.root.rglob("*.asc"))


def test_item_31_every_link_resolves(served: Served, tree: Path) -> None:
    for folder in folders(tree):
        if folder.name == TAMPERED:
            continue
        html = {text: attributes for _, text, attributes in anchors(folder / "index.html")}
        files = json.loads((folder / "index.v1_json").read_bytes())["files"]
        assert html.keys() == {file["filename"] for file in files}
        for file in files:
            content = served.ask(f"{folder.name}/{file['url']}")
            assert content.status == 200
            assert hashlib.sha256(content.body).hexdigest() == file["hashes"]["sha256"]
            assert len(content.body) == file["size"]
            offered = html[file["filename"]].get("data-core-metadata")
            assert offered == (
                f"sha256={file['core-metadata']['sha256']}" if "core-metadata" in file else None
            )
            if offered:
                metadata = served.ask(f"{folder.name}/{file['url']}.metadata")
                assert metadata.status == 200
                assert f"sha256={hashlib.sha256(metadata.body).hexdigest()}" == offered


# -- carry over, adapt, drop ---------------------------------------------------------------------


def mirror_of_everything(index: FakeIndex, make_mirror: MakeMirror) -> Mirror:
    """Mirror a project of which upstream says all that any specification or draft has."""
    (wheel,) = index.add("six", "1.0", sdist=False)
    file = {
        "filename": wheel.filename,
        "url": f"{index.origin}/files/six/{wheel.filename}",
        "hashes": wheel.hashes | {"md5": hashlib.md5(wheel.content).hexdigest()},
        "size": len(wheel.content),
        "requires-python": ">=3.8, <4",
        "yanked": "<broken>",
        "upload-time": "2024-01-02T03:04:05.678901Z",
        "core-metadata": False,
        "data-dist-info-metadata": False,
        "dist-info-metadata": False,
        "gpg-sig": True,
        "provenance": "https://example.org/provenance.json",
        "_private": 1,
        "wheel-variants": {},
    }
    page = {
        "meta": {
            "api-version": "1.9",
            "_last-serial": index.project("six").serial,
            "tracks": ["https://a.example.org/"],
        },
        "name": "six",
        "files": [file, {**file, "filename": "six-1.0-variants.json", "url": "six-1.0-variants.json"}],
        "versions": ["0.1", "1.0"],
        "alternate-locations": ["https://b.example.org/"],
        "namespaces": ["s"],
        "project-status": {"status": "deprecated", "reason": "use <seven>"},
        "_private": 1,
    }
    index.fault("/simple/six/", faults.Body(json.dumps(page).encode(), JSON))
    mirror = make_mirror()
    mirror.update()
    return mirror


def test_every_field_is_carried_adapted_or_dropped(index: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = mirror_of_everything(index, make_mirror)
    (wheel,) = index.files("six")
    page: dict[str, Any] = json.loads((mirror.root / "six/index.v1_json").read_bytes())
    (file,) = page.pop("files")
    assert page == {
        "meta": {"api-version": "1.4"},
        "name": "six",
        "versions": ["1.0"],
        "project-status": {"status": "deprecated", "reason": "use <seven>"},
    }
    assert file == {
        "filename": wheel.filename,
        "url": wheel.filename,
        "hashes": wheel.hashes | {"md5": hashlib.md5(wheel.content).hexdigest()},
        "size": len(wheel.content),
        "requires-python": ">=3.8, <4",
        "core-metadata": {"sha256": hashlib.sha256(metadata_of(wheel.content)).hexdigest()},
        "yanked": "<broken>",
        "upload-time": "2024-01-02T03:04:05.678901Z",
        "provenance": "https://example.org/provenance.json",
    }
    ((href, text, attributes),) = anchors(mirror.root / "six/index.html")
    assert (href, text) == (f"{wheel.filename}#sha256={wheel.hashes['sha256']}", wheel.filename)
    assert attributes == {
        "data-requires-python": ">=3.8, <4",
        "data-core-metadata": f"sha256={file['core-metadata']['sha256']}",
        "data-yanked": "<broken>",
        "data-provenance": "https://example.org/provenance.json",
    }
    html = (mirror.root / "six/index.html").read_text("utf-8")
    assert '<meta name="pypi:project-status" content="deprecated">' in html
    assert '<meta name="pypi:project-status-reason" content="use &lt;seven&gt;">' in html
