"""What upstream must not be able to do: end a run, lose an update, fill memory, speak to a terminal."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import GOOD, Mirror

MakeMirror = Callable[..., Mirror]

JSON = "application/vnd.pypi.simple.v1+json"
SHA256 = "a" * 64


def page(**changes: object) -> bytes:
    file = {"filename": "six-1.0.tar.gz", "url": "x", "hashes": {"sha256": SHA256}} | changes
    return json.dumps({"meta": {"api-version": "1.0"}, "name": "six", "files": [file]}).encode()


PAGES = {
    "port": page(url="http://files.example.org:99999/x"),
    "no port": page(url="https://a:b/x"),
    "brackets": page(url="http://[::1/x"),
    "long label": page(url=f"http://{'a' * 100}.invalid/x"),
    "nul": page(url="x\0y"),
    "huge size": page(size=10**30),
    "underscores": page(size="1_0"),
    "huge version": page(filename=f"six-{'9' * 230}.zip"),
    "huge versions": json.dumps(
        {"meta": {"api-version": "1.1"}, "name": "six", "files": [], "versions": ["1" * 5000]}
    ).encode(),
    "deep": b'{"meta":{"api-version":"1.0"},"name":"six","files":[],"x":' + b"[" * 1_000_000,
    "surrogate": b'{"meta":{"api-version":"1.0"},"files":[{"filename":"\\ud800.zip","url":"x"}]}',
    "other project": b'{"meta":{"api-version":"1.0"},"name":"attrs","files":[]}',
    "long api": b'{"meta":{"api-version":"' + b"1" * 10_000 + b'"},"name":"six","files":[]}',
}


@pytest.mark.parametrize("content", PAGES.values(), ids=PAGES)
def test_no_page_of_one_project_ends_the_run(
    index: FakeIndex, make_mirror: MakeMirror, content: bytes
) -> None:
    for name in ("attrs", "six"):
        index.add(name, "1.0")
    index.fault("/simple/six/", faults.Body(content, JSON))
    mirror = make_mirror()
    ended = mirror.run("-U")
    assert ended.status in (0, 3)
    assert "bug" not in ended.stderr
    assert len(mirror.listed("attrs")) == 2
    assert "attrs" in mirror.projects()


@pytest.mark.parametrize(
    "fault",
    [
        faults.Redirect("http://files.example.org:99999/"),
        faults.Redirect("http://[::1/"),
        faults.Redirect("gopher://example.org/"),
        faults.Redirect("http://\xff\xfe/"),
        faults.Redirect("/simple/attrs/"),
        faults.Body(b"<html><a href=x></a></html>", "text/html; charset=\x01"),
        faults.Status(503, {"Retry-After": "Mon, 01 Jan 2024 00:00:00 +9999999999999999999999"}),
    ],
    ids=str,
)
def test_no_answer_for_one_project_ends_the_run(
    index: FakeIndex, make_mirror: MakeMirror, fault: faults.Fault
) -> None:
    for name in ("attrs", "six"):
        index.add(name, "1.0")
    index.fault("/simple/six/", fault)
    mirror = make_mirror()
    ended = mirror.run("-U")
    assert ended.status in (0, 3)
    assert "bug" not in ended.stderr
    assert len(mirror.listed("attrs")) == 2


@pytest.mark.parametrize(
    "content", [b'{"projects":' + b"[" * 1_000_000, b'{"meta":{"api-version":"1.0"},"projects":["six"]}']
)
def test_a_hostile_list_is_status_4(index: FakeIndex, make_mirror: MakeMirror, content: bytes) -> None:
    index.fault("/simple/", faults.Body(content, JSON))
    assert make_mirror().run("-U").status == 4


def test_a_login_page_with_status_200_loses_no_update(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(package_matches="*")
    mirror.update()
    index.add("six", "2.0")
    for login in (b"<html><body>please log in</body></html>", b"<html><a href=/login>log in</a></html>"):
        index.fault("/simple/six/", faults.Body(login, "text/html"), times=1)
        mirror.run("-U")
        assert mirror.listed("six") == {"six-1.0-py3-none-any.whl", "six-1.0.tar.gz"}
    mirror.age(hours=1)
    mirror.update()
    assert mirror.check_links() == 4


def test_a_project_that_leaves_the_list_is_no_longer_waited_for(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    for name in ("attrs", "six"):
        index.add(name, "1.0")
    index.fault("/simple/six/", faults.Status(500), times=1)
    mirror = make_mirror()
    assert mirror.run("-U").status == 3
    index.remove("six")
    mirror.update()
    assert mirror.projects() == ["attrs"]


def test_a_literal_name_that_failed_and_then_is_unknown_is_no_longer_waited_for(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    for name in ("attrs", "six"):
        index.add(name, "1.0")
    index.fault("/simple/six/", faults.Status(500), times=1)
    mirror = make_mirror(package_matches="attrs six")
    assert mirror.run("-U").status == 3
    index.remove("six")
    assert "six: upstream has no such project" in mirror.run("-U").stderr


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_full_check_leaves_no_link_to_what_somebody_deleted_and_upstream_dropped(
    index: FakeIndex,
    make_mirror: MakeMirror,
    is_listed: bool,
) -> None:
    for name in ("attrs", "six"):
        index.add(name, "1.0")
        index.add(name, "2.0")
    mirror = make_mirror()
    mirror.update()
    (mirror.root / "six/six-1.0.tar.gz").unlink()
    if is_listed:
        index.remove_file("six", "six-1.0.tar.gz")
    else:
        index.remove("six")
    assert mirror.run("-I") == GOOD
    assert mirror.check_links() == (7 if is_listed else 4)


def test_new_core_metadata_comes_with_the_page_that_tells_of_it(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    _, sdist = index.add("six", "1.0")
    sdist.core_metadata = b"Name: six\nVersion: 1.0\n"
    mirror = make_mirror()
    mirror.update()
    sdist.core_metadata = b"Name: six\nVersion: 1.0\nSummary: mended\n"
    index.add("six", "2.0", wheel=False)
    index.fault("/files/six/six-2.0.tar.gz", faults.Call(lambda: mirror.check_links(is_settled=False)))
    mirror.run("-U")
    assert mirror.check_links() == 3
    metadata = mirror.tree()["six/six-1.0.tar.gz.metadata"]
    assert b"mended" in metadata.content
    assert "Traceback" not in mirror.log


def test_credentials_in_links_reach_neither_console_nor_log_nor_state(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0", sdist=False)
    index.files("six")[0].url = "http://bob:geheim@127.0.0.1:1/six-1.0-py3-none-any.whl"
    mirror = make_mirror(verbose=True)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "geheim" not in ended.stderr + mirror.log
    assert b"geheim" not in (mirror.root / ".pypimirror/state.sqlite").read_bytes()
    mirror.index_url = "ftp://bob:geheim@example.org/"
    mirror.configure()
    ended = mirror.run("-U")
    assert ended.status == 2
    assert "geheim" not in ended.stderr


def test_what_upstream_says_does_not_speak_to_the_terminal(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.fault("/simple/", faults.Body(b"", "text/\x1b[2Jplain" + "x" * 30_000))
    ended = make_mirror().run("-U")
    assert ended.status == 4
    assert "\x1b" not in ended.stderr
    assert len(ended.stderr) < 2000


def test_files_that_are_no_distributions_stay_out_whatever_the_page_is(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0")
    for name in ("web.config", "x.phtml", "evil.js"):
        index.add_file("six", name, b"evil")
    mirror = make_mirror()
    mirror.update()
    assert mirror.check_links() == 2


def test_a_raw_folder_with_a_link_of_the_normalized_name_is_adopted(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("zope.interface", "1.0", raw_name="zope.interface", wheel=False)
    mirror = make_mirror()
    raw = mirror.root / "zope.interface"
    raw.mkdir(parents=True)
    (raw / "zope.interface-1.0.tar.gz").write_bytes(index.files("zope.interface")[0].content)
    (mirror.root / "zope-interface").symlink_to("zope.interface")
    index.clear()
    mirror.update()
    assert mirror.check_links() == 1
    assert not [path for path in index.paths() if path.startswith("/files/")]
    assert not (mirror.root / "zope-interface").is_symlink()


@pytest.mark.parametrize("place", ["six", "six/index.html"])
def test_broken_links_in_the_tree_fail_one_project_alone(
    index: FakeIndex, make_mirror: MakeMirror, place: str
) -> None:
    for name in ("attrs", "six"):
        index.add(name, "1.0")
    mirror = make_mirror()
    path = mirror.root / place
    path.parent.mkdir(parents=True)
    (mirror.root / ".pypimirror").mkdir(mode=0o700)
    (mirror.root / ".pypimirror/id").write_text("0")
    path.symlink_to(path.name if place.endswith("html") else "nowhere")
    ended = mirror.run("-U")
    assert ended.status in (0, 3)
    assert len(mirror.listed("attrs")) == 2


# -- memory ----------------------------------------------------------------------------------


def test_a_page_that_unpacks_to_a_gigabyte_is_bounded(index: FakeIndex, make_mirror: MakeMirror) -> None:
    packed = gzip.compress(bytes(1 << 30), 1)
    index.fault("/simple/six/", faults.Body(packed, JSON, headers={"Content-Encoding": "gzip"}))
    index.add("six", "1.0")
    status, peak = make_mirror().peak_of_update()
    assert status == 3
    assert peak < 250


def test_the_body_of_a_redirect_is_not_read(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    body = bytes(500 << 20)
    index.fault("/simple/six/", faults.Status(302, {"Location": "/simple/six/?x"}, body), times=1)
    mirror = make_mirror()
    status, peak = mirror.peak_of_update()
    assert status == 0
    assert peak < 100
    assert mirror.check_links() == 2


def test_a_wheel_that_lies_about_its_metadata_is_bounded(index: FakeIndex, make_mirror: MakeMirror) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("six-1.0.dist-info/METADATA", bytes(1 << 28))
    content = archive.getvalue().replace((1 << 28).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    index.add_file("six", "six-1.0-py3-none-any.whl", content)
    mirror = make_mirror()
    status, peak = mirror.peak_of_update()
    assert status == 0
    assert peak < 150
    assert mirror.check_links() == 1
