"""Pages of servers in the wild, through the real command: nothing is lost without a word."""

import hashlib
from collections.abc import Callable

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Mirror

MakeMirror = Callable[..., Mirror]

LOGIN = b"""<!DOCTYPE html><html><head><title>Welcome</title></head><body><form action="/login" method="post">
<input name="user"><input type="password" name="pw"></form><a href="/forgot">Forgot your password?</a>
</body></html>"""
LOGIN_BY_SCRIPT = LOGIN.replace(b'<input type="password" name="pw">', b"")


@pytest.mark.parametrize("page", [LOGIN, LOGIN_BY_SCRIPT])
@pytest.mark.parametrize("is_redirected", [True, False])
def test_a_login_page_for_every_project_removes_nothing(
    index: FakeIndex,
    make_mirror: MakeMirror,
    page: bytes,
    is_redirected: bool,  # noqa: FBT001 (a table)
) -> None:
    index.formats = ("html",)
    for name in ("attrs", "six", "zope.event"):
        for version in ("1.0", "2.0"):
            index.add(name, version, wheel=False)
    mirror = make_mirror()
    mirror.update()
    before = {name: mirror.listed(name) for name in ("attrs", "six", "zope-event")}
    index.fault("/login", faults.Body(page, "text/html"))
    answer = faults.Redirect("/login") if is_redirected else faults.Body(page, "text/html")
    index.fault("/simple/*/", answer)
    ended = mirror.run("-I")
    assert ended.status in (3, 4)
    assert ended.stderr
    assert {name: mirror.listed(name) for name in before} == before


@pytest.mark.parametrize("page", [LOGIN, LOGIN_BY_SCRIPT])
def test_a_login_page_is_no_list(index: FakeIndex, make_mirror: MakeMirror, page: bytes) -> None:
    index.fault("/simple/", faults.Body(page, "text/html"))
    mirror = make_mirror()
    assert mirror.run("-U").status == 4
    assert mirror.names() == set()


def test_an_odd_byte_in_a_long_page_hides_no_file(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.formats = ("html",)
    for version in ("1.0", "2.0"):
        index.add("six", version, wheel=False)
    mirror = make_mirror()
    mirror.update()
    files = [(file.filename, file.hashes["sha256"]) for file in index.files("six")]
    links = [f'<a href="/files/six/{name}#sha256={digest}">{name}</a>\n' for name, digest in files]
    filler = "<!-- nothing -->\n" * 5000
    content = links[0].encode() + filler.encode() + b"caf\xe9\n" + links[1].encode()
    index.fault("/simple/six/", faults.Body(b"<html>" + content + b"</html>", "text/html; charset=us-ascii"))
    assert mirror.run("-I").status == 0
    assert mirror.listed("six") == {name for name, _ in files}


@pytest.mark.parametrize(
    "fragment", ["egg=six-3.0&sha256={}", "sha256%3D{}", "subdirectory=x&sha256={}&md5="]
)
def test_a_tampered_file_is_not_published_whatever_its_link_looks_like(
    index: FakeIndex, make_mirror: MakeMirror, fragment: str
) -> None:
    index.formats = ("html",)
    index.add("six", "1.0", wheel=False)
    right = hashlib.sha256(b"right").hexdigest()
    name = "six-3.0-py3-none-any.whl"
    index.add_file("six", name, b"tampered")
    link = f'<a href="/files/six/{name}#{fragment.format(right)}">{name}</a>'
    index.fault("/simple/six/", faults.Body(f"<html>{link}</html>".encode(), "text/html"))
    mirror = make_mirror()
    ended = mirror.run("-U")
    assert ended.status == 3
    assert f"six/{name}" not in mirror.names()


def test_a_page_without_an_end_removes_what_it_does_not_list(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.formats = ("html",)
    for version in ("1.0", "2.0", "3.0"):
        index.add("six", version, wheel=False)
    mirror = make_mirror()
    mirror.update()
    kept = [file for file in index.files("six") if "1.0" not in file.filename]
    links = "".join(
        f'<a href="/files/six/{file.filename}#sha256={file.hashes["sha256"]}">{file.filename}</a>'
        for file in kept
    )
    bad = '<a href="ftp://example.org/six-0.1.tar.gz">six-0.1.tar.gz</a>'
    index.fault("/simple/six/", faults.Body(f"<pre>{links}{bad}</pre>".encode(), "text/html"))
    assert mirror.run("-I").status == 0
    assert mirror.listed("six") == {file.filename for file in kept}
    assert "six-0.1.tar.gz" in mirror.log
