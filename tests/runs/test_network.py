"""The ways to upstream: credentials, netrc, proxies, TLS and its certificate authorities, redirects."""

import base64
import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import COMMAND, GOOD, Mirror, clean_environment, is_over
from tests.tls import Certificate, TlsFront

MakeMirror = Callable[..., Mirror]


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def test_credentials_of_the_address_go_to_the_index_alone_and_into_no_log(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0", sdist=False)
    with FakeIndex() as files:
        (wheel,) = files.add("six", "1.0", sdist=False)
        index.files("six")[0].url = f"{files.origin}/files/six/{wheel.filename}"
        mirror = make_mirror(verbose=True)
        mirror.index_url = index.url.replace("http://", "http://me:p%40ss@")
        mirror.configure(verbose=True)
        mirror.update()
        assert {request.headers.get("authorization") for request in files.requests} == {None}
    assert {request.headers.get("authorization") for request in index.requests} == {basic("me", "p@ss")}
    index.fault("*", faults.Status(500))
    ended = mirror.run("-U")
    assert ended.status == 4
    assert "p@ss" not in ended.stderr + mirror.log
    assert "p%40ss" not in ended.stderr + mirror.log
    state = (mirror.root / ".pypimirror/state.sqlite").read_bytes()
    assert b"p%40ss" not in state


def test_netrc_is_read(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    netrc = mirror.folder / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    assert mirror.run("-U", env={"NETRC": str(netrc)}) == GOOD
    assert {request.headers.get("authorization") for request in index.requests} == {basic("me", "secret")}


def test_the_environments_proxy_is_used(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.index_url = "http://index.example.org/simple/"
    mirror.configure()
    assert mirror.run("-U", env={"http_proxy": index.origin}) == GOOD
    assert index.paths()[0] == "http://index.example.org/simple/"
    assert mirror.check_links() == 2


def test_a_certificate_has_to_be_of_a_known_authority(
    index: FakeIndex, make_mirror: MakeMirror, certificate: Certificate
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(retries=5)
    with TlsFront(index, certificate) as front:
        mirror.index_url = front.url
        mirror.configure(retries=5)
        ended = mirror.run("-U", env={"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""})
        assert ended.status == 4
        assert "TLS failed (" in ended.stderr
        assert "certificate verify failed" in ended.stderr
        assert not index.requests
        bundle = {"REQUESTS_CA_BUNDLE": str(certificate.path)}
        assert is_over(mirror.run("-U", env=bundle))
    assert mirror.check_links() == 2


def test_redirects_are_followed_and_links_are_relative_to_their_end(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    with FakeIndex() as other:
        other.add("six", "1.0")
        index.add("six", "1.0")
        index.fault("/simple/six/", faults.Redirect(f"{other.url}six/", 301))
        mirror = make_mirror()
        mirror.update()
        assert mirror.check_links() == 2
        assert [path for path in other.paths() if path.startswith("/files/")]
        assert not [path for path in index.paths() if path.startswith("/files/")]


def test_retry_after_is_honoured(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    index.fault("/simple/", faults.Status(429, {"Retry-After": "2"}), times=1)
    began = time.monotonic()
    make_mirror(retries=1).update()
    assert time.monotonic() - began > 2


def test_a_name_that_can_not_be_resolved_is_status_4(make_mirror: MakeMirror) -> None:
    mirror = make_mirror()
    mirror.index_url = "http://nowhere.invalid/simple/"
    mirror.configure()
    ended = mirror.run("-U")
    assert ended.status == 4
    assert "http://nowhere.invalid/simple/: " in ended.stderr
    assert "object at" not in ended.stderr


def test_slow_but_living_answers_are_waited_for(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0", extra_size=5000)
    index.fault("/files/*", faults.Drip(500, 0.1))
    mirror = make_mirror(timeout=1)
    mirror.update()
    assert mirror.check_links() == 2


def test_parallel_downloads(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for number in range(30):
        index.add(f"project-{number}", "1.0", wheel=False)
    together = threading.Barrier(9)
    index.fault("/files/*", faults.Call(lambda: together.wait(30)), times=9)  # none is answered alone
    mirror = make_mirror(workers=16, timeout=40)
    mirror.update()
    assert not together.broken
    assert len({request.connection for request in index.requests}) > 8


def test_without_a_terminal_progress_shows_nothing_and_with_one_it_does(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0", extra_size=150_000)
    index.fault("/files/*", faults.Drip(10_000, 0.1))
    mirror = make_mirror()
    terminal, its_other_end = os.openpty()
    process = subprocess.Popen(
        [COMMAND, mirror.config, "-U"],
        stdin=subprocess.DEVNULL,
        stderr=its_other_end,
        env=clean_environment(),
    )
    os.close(its_other_end)
    shown = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while block := os.read(terminal, 1 << 16):
            shown += block
    os.close(terminal)
    assert process.wait(10) == 0
    for told in (b"projects", b"files 0/2", b"six-1.0.tar.gz", b"B/s", b"up to date: 1 project asked about"):
        assert told in shown


def test_a_304_that_breaks_off_is_a_304(index: FakeIndex, make_mirror: MakeMirror) -> None:
    """It has no body, whatever its headers say of one."""
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    index.fault("/simple/*", faults.CutChunked(40))
    mirror.update()
