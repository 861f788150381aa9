"""The fake index is itself worth a test: real pip must take it for a real one."""

import hashlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.distributions import make_sdist, make_wheel, metadata_of
from tests.fake_index import FakeIndex, Format
from tests.faults import Call, Corrupt, Cut, CutChunked, Drip, Drop, Encoded, Extend, Fault, Hang, Status

JSON = "application/vnd.pypi.simple.v1+json"
FILE = "/files/zope-event/zope_event-6.1-py3-none-any.whl"


@dataclass(frozen=True)
class Got:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@pytest.fixture
def index() -> Iterator[FakeIndex]:
    with FakeIndex() as fake:
        fake.add("Zope.Event", "6.1", requires_python=">=3.8", yanked='bad "quotes" & <tags>')
        yield fake


def connect(index: FakeIndex) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(index.origin.removeprefix("http://"), timeout=5)


def fetch(index: FakeIndex, path: str, *, method: str = "GET", **headers: str) -> Got:
    connection = connect(index)
    try:
        connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        response = connection.getresponse()
        return Got(response.status, response.headers, response.read())
    finally:
        connection.close()


def run_pip(*arguments: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-m", "pip", "--no-cache-dir", "--disable-pip-version-check", *arguments]
    subprocess.run(command, env=environment, check=True, capture_output=True)


@pytest.mark.parametrize("extra_size", [0, 5000])
def test_distributions_are_deterministic(extra_size: int) -> None:
    assert make_wheel("a.b", "1", extra_size=extra_size) == make_wheel("a.b", "1", extra_size=extra_size)
    for suffix in (".tar.gz", ".tgz", ".tar.bz2", ".zip"):
        first = make_sdist("a.b", "1", suffix=suffix, extra_size=extra_size)
        assert first == make_sdist("a.b", "1", suffix=suffix, extra_size=extra_size)
        assert len(first[1]) > extra_size
    assert make_sdist("a.b", "1", raw_name="a.b")[0] == "a.b-1.tar.gz"


@pytest.mark.parametrize("page_format", ["json", "html"])
def test_pip_downloads_and_installs(tmp_path: Path, page_format: Format) -> None:
    with FakeIndex(formats=(page_format,)) as index:
        index.add("zope.event", "6.1", requires_dist=["Helper>=1"], extra_size=2000)
        index.add("zope.event", "6.2", yanked="")
        index.add("zope.event", "7.0", requires_python=">=99")
        index.add("helper", "1.0", sdist=False)
        run_pip("download", "--no-deps", "-i", index.url, "-d", str(tmp_path / "files"), "zope.event")
        run_pip("install", "-i", index.url, "--target", str(tmp_path / "site"), "zope.event")
        wheel = index.files("zope.event")[0]
        assert f"/files/zope-event/{wheel.filename}.metadata" in index.paths()
    assert [path.name for path in (tmp_path / "files").iterdir()] == [wheel.filename]
    assert (tmp_path / "site" / "zope_event.py").read_text() == "__version__ = '6.1'\n"
    assert (tmp_path / "site" / "helper.py").exists()


def test_json_page(index: FakeIndex) -> None:
    index.add_file("zope.event", "zope.event-4.0.tar.gz", b"old", hashes={}, size=None)
    got = fetch(index, "/simple/zope-event/", accept=JSON)
    page = json.loads(got.body)
    assert got.headers["Content-Type"] == JSON
    assert got.headers["X-PyPI-Last-Serial"] == "1003"
    assert page["meta"] == {"_last-serial": 1003, "api-version": "1.4"}
    assert page["versions"] == ["6.1", "4.0"]
    wheel, _, old = page["files"]
    assert wheel["url"] == f"../..{FILE}"
    assert wheel["yanked"] == 'bad "quotes" & <tags>'
    assert old["hashes"] == {}
    assert "size" not in old


def test_html_page(index: FakeIndex) -> None:
    wheel = index.files("zope.event")[0]
    body = fetch(index, "/simple/zope-event/", accept=f"{JSON};q=0, */*").body.decode()
    metadata = hashlib.sha256(metadata_of(wheel.content)).hexdigest()
    assert '<meta name="pypi:repository-version" content="1.4">' in body
    assert f'href="../..{FILE}#sha256={wheel.hashes["sha256"]}"' in body
    assert 'data-requires-python="&gt;=3.8"' in body
    assert f'data-core-metadata="sha256={metadata}"' in body
    assert 'data-yanked="bad &quot;quotes&quot; &amp; &lt;tags&gt;"' in body
    assert body.endswith("</html>")


def test_project_list_and_serials(index: FakeIndex) -> None:
    index.serials = "strings"
    index.add_project("Empty")
    page = json.loads(fetch(index, "/simple/", accept=JSON).body)
    assert page["meta"]["_last-serial"] == "1003"
    assert page["projects"] == [
        {"_last-serial": "1002", "name": "Zope.Event"},
        {"_last-serial": "1003", "name": "Empty"},
    ]
    index.remove("empty")
    assert fetch(index, "/simple/empty/").status == 404


@pytest.mark.parametrize("path", ["/simple/", "/simple/zope-event/", FILE])
def test_validators(index: FakeIndex, path: str) -> None:
    first = fetch(index, path, accept=JSON)
    etag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    same = fetch(index, path, accept=JSON, if_none_match=etag)
    assert (same.status, same.body) == (304, b"")
    assert fetch(index, path, accept=JSON, if_modified_since=modified).status == 304
    index.touch("zope.event")
    expected = 304 if path == FILE else 200
    assert fetch(index, path, accept=JSON, if_none_match=etag).status == expected
    assert fetch(index, path, accept=JSON, if_modified_since=modified).status == expected


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=10-19", 206, slice(10, 20)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=99999-", 416, slice(0, 0)),
        ("lines=1-2", 200, slice(None)),
    ],
)
def test_ranges(index: FakeIndex, asked: str, status: int, part: slice) -> None:
    got = fetch(index, FILE, range=asked)
    assert (got.status, got.body) == (status, index.files("zope.event")[0].content[part])
    assert index.requests[-1].range == asked
    assert index.requests[-1].status == status


def test_redirects_and_head(index: FakeIndex) -> None:
    for path in ("/simple/zope-event", "/simple/Zope.Event/", "/simple/zope_event"):
        got = fetch(index, path)
        assert (got.status, got.headers["Location"]) == (301, "/simple/zope-event/")
    assert fetch(index, "/simple").headers["Location"] == "/simple/"
    got = fetch(index, FILE, method="HEAD")
    assert (int(got.headers["Content-Length"]), got.body) == (index.files("zope.event")[0].size, b"")
    assert fetch(index, "/simple/", accept_encoding="gzip").headers["Content-Encoding"] == "gzip"


def test_faults_queue_in_order(index: FakeIndex) -> None:
    called: list[str] = []
    index.fault("/simple/*", Status(503, {"Retry-After": "1"}), times=2)
    index.fault("/simple/*", Call(lambda: called.append("now")), times=1)
    assert [fetch(index, "/simple/").status for _ in range(4)] == [503, 503, 200, 200]
    assert called == ["now"]
    assert fetch(index, FILE).status == 200
    assert [request.status for request in index.requests] == [503, 503, 200, 200, 200]


@pytest.mark.parametrize("fault", [Cut(10), CutChunked(0), CutChunked(10), Drop()])
def test_faults_that_break_off(index: FakeIndex, fault: Fault) -> None:
    index.fault("*.whl", fault)
    with pytest.raises((http.client.IncompleteRead, http.client.RemoteDisconnected)):
        fetch(index, FILE)


def test_faults_that_spoil_the_body(index: FakeIndex) -> None:
    content = index.files("zope.event")[0].content
    for fault in (Corrupt(), Extend(b"more"), Encoded(), Drip(chunk=400, interval=0.001)):
        index.fault("*.whl", fault, times=1)
    corrupt, extended, encoded, dripped = (fetch(index, FILE) for _ in range(4))
    assert (len(corrupt.body), corrupt.body == content) == (len(content), False)
    assert extended.body == content + b"more"
    assert encoded.headers["Content-Encoding"] == "gzip"
    assert dripped.body == content


def test_stop_cuts_connections_and_start_takes_the_port_again(index: FakeIndex) -> None:
    idle, hanging = connect(index), connect(index)
    idle.request("GET", "/simple/")
    assert idle.getresponse().read()
    index.fault(FILE, Hang(60))
    hanging.request("GET", FILE)
    while FILE not in index.paths():
        time.sleep(0.001)
    url, started = index.url, time.monotonic()
    index.stop()
    with pytest.raises(ConnectionError):
        hanging.getresponse()
    assert time.monotonic() - started < 30
    index.start()
    assert index.url == url
    assert fetch(index, "/simple/").status == 200
    assert idle.sock.recv(1) == b""
    idle.close()
    hanging.close()
