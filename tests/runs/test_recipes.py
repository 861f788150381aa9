"""The recipes of the docs do what they say: taken out of the page, and called by real runs."""

import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pypimirror import config
from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.missing import unable

MakeMirror = Callable[..., Mirror]

PAGE = (Path(__file__).parents[2] / "docs/recipes.md").read_text("utf-8")


def needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            unable(f"{program} is not installed")


def recipe(name: str, folder: Path) -> Path:
    """Write a script of the page into a folder."""
    (text,) = re.findall(rf"```sh\n(#!/bin/sh\n# /usr/local/bin/{name}: .*?)```", PAGE, re.DOTALL)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


class Asked:
    """What a server was asked: method, path, body."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[tuple[str, str, bytes]] = []
        self.status = 200


@contextmanager
def asked() -> Iterator[Asked]:
    """Answer every request on loopback, and note it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            noted.requests.append((self.command, self.path, body))
            self.send_response(noted.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_PURGE = do_POST = do_GET = answer  # noqa: N815 (their names in http.server)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        noted = Asked(f"http://127.0.0.1:{server.server_address[1]}/")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield noted
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("block", re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL))
def test_each_block_of_options_is_one(block: str) -> None:
    text = f"[DEFAULT]\nmirror_file_path = /srv/pypi\npackage_matches = six\n{block}"
    assert config.parse(text.encode(), source="recipes.md", folder=Path("/srv"), overrides={})


def test_a_cache_forgets_what_changed(index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    needs("curl", "awk")
    index.add("six", "1.0+local.1", wheel=False)
    with asked() as cache:
        mirror = make_mirror(on_change=recipe("purge-cache", tmp_path), base_url=cache.url)
        mirror.update()
        assert {method for method, _, _ in cache.requests} == {"PURGE"}
        paths = {"/" + path.replace("+", "%2B") for path in mirror.tree()} | {"/", "/six/"}
        assert {path for _, path, _ in cache.requests} == paths
        cache.requests.clear()
        mirror.update()
        assert cache.requests == []
        index.add("attrs", "1.0")
        cache.status = 503
        assert mirror.run("-U").status == 1
        cache.status = 200
        cache.requests.clear()
        mirror.update()
        assert "/attrs/" in {path for _, path, _ in cache.requests}


def test_a_mail_tells_news_once(index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    box = tmp_path / "box"
    fake = tmp_path / "sendmail"
    fake.write_text(f'#!/bin/sh\necho "$@" >> "{box}"\ncat >> "{box}"\n')
    fake.chmod(0o755)
    script = recipe("mail-us", tmp_path)
    script.write_text(script.read_text().replace("/usr/sbin/sendmail", str(fake)))
    index.add("six", "1.0")
    mirror = make_mirror(on_failure=f"{script} admin@example.org")
    mirror.update()
    index.fault("/simple/", faults.Status(503))
    assert mirror.run("-U").status == 4
    assert mirror.run("-U").status == 4
    head, _, body = box.read_text().partition("\n\n")
    assert head.splitlines()[:2] == ["-t -i", "To: admin@example.org"]
    assert "Subject: pypimirror: status 4 on " in head
    assert body.startswith("upstream could not be had or trusted, and nothing was changed: ")
    assert body.count("The mirror:") == 1


def test_a_chat_gets_a_message(index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    needs("curl", "python3")
    index.fault("/simple/", faults.Status(503))
    with asked() as chat:
        secret = tmp_path / "chat"
        secret.write_text(f'url = "{chat.url}hooks/s3cret"\n')
        mirror = make_mirror(on_failure=f"{recipe('tell-chat', tmp_path)} {secret}")
        assert mirror.run("-U").status == 4
        assert mirror.run("-U").status == 4
        ((method, path, body),) = chat.requests
    assert (method, path) == ("POST", "/hooks/s3cret")
    assert json.loads(body)["text"].startswith("pypimirror ended with status 4: upstream could not be had")


def test_a_second_host_has_what_the_first_has(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    needs("rsync")
    for name in ("six", "attrs", "Zope.Event"):
        index.add(name, "1.0")
    second = Mirror(tmp_path / "second", index.url)
    second.root.mkdir()
    script = recipe("copy-mirror", tmp_path)
    mirror = make_mirror(
        on_change=f"{script} {second.root}/", status_page=True, full_index=True, removal_grace_hours=0
    )

    def check() -> None:
        mirror.update()
        assert second.tree() == mirror.tree()
        assert second.links() == mirror.links()
        assert {path.name for path in second.root.iterdir()} == {
            path.name for path in mirror.root.iterdir() if path.name != ".pypimirror"
        }
        second.check_links(is_settled=False)

    check()
    index.add("six", "2.0")
    index.remove_file("attrs", "attrs-1.0.tar.gz")
    check()
    index.remove("Zope.Event")
    check()
    mirror.configure(on_change=f"{script} {second.root}/", package_matches="six", removal_grace_hours=0)
    mirror.run("-U", "--allow-removals")
    mirror.age(hours=1)
    check()


def test_a_second_host_that_was_away_gets_all_that_it_missed(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    needs("rsync")
    index.add("six", "1.0")
    second = Mirror(tmp_path / "second", index.url)
    script = recipe("copy-mirror", tmp_path)
    mirror = make_mirror(on_change=f"{script} {second.root}/deep/")
    assert mirror.run("-U").status == 1
    index.add("attrs", "1.0")
    assert mirror.run("-U").status == 1
    (second.root / "deep").mkdir(parents=True)
    mirror.update()
    assert {f"deep/{path}" for path in mirror.tree()} == second.tree().keys()


def test_a_watchdog_is_pinged(index: FakeIndex, make_mirror: MakeMirror) -> None:
    needs("curl")
    (line,) = re.findall(r"^on_success = (curl .*) https://watchdog.example.org/mirror$", PAGE, re.MULTILINE)
    index.add("six", "1.0")
    with asked() as watchdog:
        mirror = make_mirror(on_success=f"{line} {watchdog.url}mirror")
        mirror.update()
        assert [(method, path) for method, path, _ in watchdog.requests] == [("GET", "/mirror")]
        watchdog.status = 500
        assert mirror.run("-U").status == 1
