"""Files on their way in: verification, faults, metadata, and what they look like in the tree."""

import hashlib
import os
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import faults
from tests.distributions import make_sdist, make_wheel, metadata_of
from tests.fake_index import FakeIndex
from tests.mirror import Ended, Mirror

MakeMirror = Callable[..., Mirror]

WHEEL = "six-1.0-py3-none-any.whl"
SDIST = "six-1.0.tar.gz"


def test_mode_and_mtime(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0", upload_time="2021-03-04T05:06:07.5Z")
    mirror = make_mirror()
    old = os.umask(0o027)
    try:
        mirror.update()
    finally:
        os.umask(old)
    entry = mirror.tree()[f"six/{WHEEL}"]
    assert entry.mode == 0o640
    assert entry.mtime_ns / 1e9 == datetime(2021, 3, 4, 5, 6, 7, 500000, UTC).timestamp()
    assert mirror.tree()["six/index.html"].mode == 0o640
    assert (mirror.root / ".pypimirror").stat().st_mode & 0o777 == 0o700
    assert "the umask 027 leaves files unreadable" in mirror.log


def test_requests_name_the_tool_and_ask_for_plain_bytes_on_few_connections(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    for number in range(20):
        index.add(f"project-{number}", "1.0")
    make_mirror(workers=4).update()
    assert len({request.connection for request in index.requests}) <= 5
    headers = [request.headers for request in index.requests]
    assert all(h["user-agent"].startswith("pypimirror/") for h in headers)
    assert not any("cookie" in h for h in headers)
    files = [request.headers for request in index.requests if request.path.startswith("/files/")]
    assert len(files) == 40
    assert all(h["accept-encoding"] == "identity" for h in files)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (faults.Corrupt(), "upstream's page says"),
        (faults.Extend(b"more"), "longer than"),
        (faults.Cut(100), "broke off"),
        (faults.CutChunked(100), "broke off"),
        (faults.Drop(), "without response"),
        (faults.Status(500), "answers 500"),
        (faults.Status(403), "answers 403"),
        (faults.Status(404), "answers 404"),
        (faults.Body(b"short", "application/octet-stream"), "it has 5 bytes"),
        (faults.Redirect("ftp://example.org/x"), "ftp"),
        (faults.Redirect("/files/six/six-1.0.tar.gz"), "redirects"),
        (faults.Encoded(), "longer than"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else None,
)
def test_a_file_that_fails_is_reported_and_holds_back_nothing(
    index: FakeIndex, make_mirror: MakeMirror, fault: faults.Fault, message: str
) -> None:
    index.add("six", "1.0")
    index.add("attrs", "1.0")
    index.fault(f"/files/six/{SDIST}", fault)
    mirror = make_mirror()
    ended = mirror.run("-U")
    assert (ended.status, ended.stdout) == (3, "")
    assert f"six/{SDIST}: " in ended.stderr
    assert message in ended.stderr
    assert mirror.listed("six") == {WHEEL}
    assert mirror.check_links() == 3
    assert not (mirror.root / "six" / SDIST).exists()

    assert mirror.run("-U") == Ended(3, "", ""), "the same trouble is told once a day"
    index.clear_faults()
    mirror.age(hours=1)
    mirror.update()
    assert mirror.listed("six") == {WHEEL, SDIST}


@pytest.mark.parametrize(
    "fault",
    [
        faults.Status(503, {"Retry-After": "0"}),
        faults.Status(429),
        faults.Cut(50),
        faults.Drop(),
        faults.HangBody(10, 3),
        faults.Hang(3),
    ],
    ids=lambda fault: type(fault).__name__,
)
@pytest.mark.parametrize("path", ["/simple/", "/simple/six/", f"/files/six/{SDIST}"])
def test_what_may_pass_is_tried_again(
    index: FakeIndex, make_mirror: MakeMirror, fault: faults.Fault, path: str
) -> None:
    index.add("six", "1.0")
    index.fault(path, fault, times=1)
    mirror = make_mirror(retries=1, timeout=1)
    mirror.update()
    assert mirror.listed("six") == {WHEEL, SDIST}
    assert index.paths().count(path) == 2


def test_a_retry_after_beyond_bounds_is_left_to_the_next_run(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0")
    index.fault("/simple/six/", faults.Status(503, {"Retry-After": "7200"}))
    ended = make_mirror(retries=5, package_matches="six attrs*").run("-U")
    assert ended.status == 3
    assert index.paths().count("/simple/six/") == 1


def test_the_strongest_digest_decides(index: FakeIndex, make_mirror: MakeMirror) -> None:
    filename, content = make_sdist("six", "1.0")
    sha512 = hashlib.sha512(content).hexdigest()
    index.add_file("six", filename, content, hashes={"md5": "0" * 32, "sha512": sha512})
    index.add_file("six", "six-2.0.tar.gz", content, hashes={"sha512": "0" * 128, "md5": _md5(content)})
    index.add_file("six", "six-3.0.tar.gz", content, hashes={"md5": _md5(content)})
    mirror = make_mirror()
    ended = mirror.run("-U")
    assert ended.status == 3
    assert mirror.listed("six") == {"six-1.0.tar.gz", "six-3.0.tar.gz"}
    hashes = mirror.file("six", "six-3.0.tar.gz").hashes
    assert hashes == {"md5": _md5(content), "sha256": hashlib.sha256(content).hexdigest()}


def _md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def test_a_file_without_digest_is_taken_from_loopback_and_noted(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    filename, content = make_sdist("six", "1.0")
    index.add_file("six", filename, content, hashes={}, size=None)
    mirror = make_mirror()
    mirror.update()
    assert mirror.check_links() == 1
    assert f"six: {filename}: taken without a digest" in mirror.log


def test_a_file_without_digest_is_refused_over_plain_http(index: FakeIndex, make_mirror: MakeMirror) -> None:
    filename, content = make_sdist("six", "1.0")
    index.add_file("six", filename, content, hashes={}, url=f"http://files.example.org/{filename}")
    ended = make_mirror().run("-U")
    assert ended.status == 3
    assert "it has no digest, and the connection is not https" in ended.stderr


@pytest.mark.parametrize(
    "filename",
    [
        "../../six-1.0.tar.gz",
        "/etc/six-1.0.tar.gz",
        ".six-1.0.tar.gz",
        "six-1.0\n.tar.gz",
        "index.html",
        "index.v1_json",
        "six-1.0-py3-none-any.whl.metadata",
        "a" * 250 + ".tar.gz",
    ],
)
def test_an_unsafe_file_name_never_reaches_the_tree(
    index: FakeIndex, make_mirror: MakeMirror, filename: str
) -> None:
    index.formats = ("json",)
    index.add("six", "1.0", sdist=False)
    index.add_file("six", filename, b"evil", url=f"{index.origin}/files/six/{WHEEL}")
    mirror = make_mirror()
    mirror.update()
    assert mirror.listed("six") == {WHEEL}
    assert "six: refused " in mirror.log
    assert mirror.names() == {f"six/{WHEEL}", f"six/{WHEEL}.metadata"}
    assert {path.name for path in mirror.folder.iterdir()} == {"mirror", "pypimirror.cfg"}


def test_odd_names_are_kept_and_quoted(index: FakeIndex, make_mirror: MakeMirror) -> None:
    content = make_sdist("six", "1.0")[1]
    names = {"six-1.0+local.1.tar.gz", "six 1.0~&<'%41#?:é.tar.gz", "a:b-1.0.zip"}
    for name in names:
        index.add_file("six", name, content, url=f"{index.origin}/files/six/{SDIST}")
    index.add_file("six", SDIST, content)
    mirror = make_mirror()
    mirror.update()
    assert mirror.listed("six") == {*names, SDIST}
    assert mirror.check_links() == 4


# -- core metadata ---------------------------------------------------------------------------


def test_metadata_comes_out_of_the_wheel_without_a_request(index: FakeIndex, make_mirror: MakeMirror) -> None:
    wheel, _ = index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    assert not [path for path in index.paths() if path.endswith(".metadata")]
    assert mirror.tree()[f"six/{WHEEL}.metadata"].content == metadata_of(wheel.content)
    assert mirror.file("six", SDIST).core_metadata is None


def test_metadata_is_made_where_upstream_has_none(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.core_metadata = False
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    assert mirror.file("six", WHEEL).core_metadata is not None
    assert mirror.check_links() == 2


def test_metadata_is_fetched_where_upstream_has_another_or_the_file_is_no_wheel(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    filename, content = make_wheel("six", "1.0")
    index.add_file("six", filename, content, core_metadata=b"Name: six\nVersion: 1.0\nSummary: repaired\n")
    filename, content = make_sdist("six", "1.0")
    index.add_file("six", filename, content, core_metadata=b"Name: six\nVersion: 1.0\n")
    mirror = make_mirror()
    mirror.update()
    assert sorted(path for path in index.paths() if path.endswith(".metadata")) == [
        f"/files/six/{WHEEL}.metadata",
        f"/files/six/{SDIST}.metadata",
    ]
    assert b"repaired" in mirror.tree()[f"six/{WHEEL}.metadata"].content
    assert mirror.check_links() == 2


def test_metadata_that_is_not_what_upstream_says_is_not_advertised(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    filename, content = make_sdist("six", "1.0")
    index.add_file("six", filename, content, core_metadata=b"Name: six\n")
    index.fault("*.metadata", faults.Corrupt())
    mirror = make_mirror()
    mirror.update()
    assert mirror.file("six", SDIST).core_metadata is None
    assert mirror.check_links() == 1
    assert "no core metadata" in mirror.log


def test_metadata_that_can_not_be_had_now_is_tried_again(index: FakeIndex, make_mirror: MakeMirror) -> None:
    filename, content = make_sdist("six", "1.0")
    index.add_file("six", filename, content, core_metadata=b"Name: six\n")
    index.fault("*.metadata", faults.Status(500), times=1)
    mirror = make_mirror()
    assert mirror.run("-U").status == 3
    assert mirror.check_links() == 1
    mirror.update()
    assert mirror.file("six", SDIST).core_metadata is not None


@pytest.mark.parametrize("damage", ["cut", "empty", "no metadata"])
def test_a_damaged_wheel_gives_no_metadata(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path, damage: str
) -> None:
    filename, content = make_wheel("six", "1.0")
    if damage == "no metadata":
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            archive.writestr("six.py", "")
        content = (tmp_path / "x.zip").read_bytes()
    index.add_file(
        "six", filename, content[:200] if damage == "cut" else content if damage[0] == "n" else b""
    )
    mirror = make_mirror()
    mirror.update()
    assert mirror.file("six", filename).core_metadata is None
    assert "no core metadata, as the wheel is damaged, has none, or too many files" in mirror.log


# -- size ------------------------------------------------------------------------------------


def test_a_big_file_takes_little_memory(index: FakeIndex, make_mirror: MakeMirror) -> None:
    size = 300_000_000
    content = os.urandom(1_000_000) * (size // 1_000_000)
    index.add_file("big", "big-1.0.tar.gz", content)
    mirror = make_mirror()
    status, peak = mirror.peak_of_update()
    assert status == 0
    assert peak < 100, "MiB, the interpreter and its imports included"
    assert mirror.check_links() == 1
    assert mirror.file("big", "big-1.0.tar.gz").size == size


def test_an_endless_file_is_bounded_by_what_the_page_says(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0", wheel=False)
    index.fault(f"/files/six/{SDIST}", faults.Extend(b"x" * 50_000_000))
    ended = make_mirror().run("-U")
    assert ended.status == 3
    assert "it is longer than" in ended.stderr
