"""A mirror of a mirror: the same pages, and one request where nothing changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import servers
from tests.clients.conftest import require_nginx
from tests.clients.servers import Served
from tests.fake_index import FakeIndex
from tests.mirror import Mirror, anchors


@pytest.fixture
def first(index: FakeIndex, tmp_path: Path) -> Mirror:
    for name in ("Zope.Event", "six", "Products.CMFPlone"):
        index.add(name, "1.0", requires_python=">=3.8", provenance=f"https://example.org/{name}.json")
        index.add(name, "1.1", yanked="it eats <disks>")
    index.add_file("six", "six-0.1.zip", b"old", hashes={"md5": "149603e6c03516362a8da23f624db945"})
    index.project("Products.CMFPlone").status = "archived"
    mirror = Mirror(tmp_path / "first", index.url)
    mirror.update()
    return mirror


@pytest.fixture
def served(first: Mirror, tmp_path: Path) -> Iterator[Served]:
    """The first mirror, served as --server-config says."""
    (tmp_path / "nginx").mkdir()
    with servers.nginx(require_nginx(), first.root, tmp_path / "nginx") as served:
        yield served


@pytest.fixture
def second(served: Served, tmp_path: Path) -> Mirror:
    mirror = Mirror(tmp_path / "second", served.url)
    mirror.update()
    served.logged()
    return mirror


def asked(served: Served) -> list[str]:
    return [logged.path for logged in served.logged()]


def test_every_byte_is_the_same(first: Mirror, second: Mirror) -> None:
    assert second.contents() == first.contents()
    assert second.links() == first.links()
    second.check_links()


def test_an_update_without_news_is_one_request(second: Mirror, served: Served) -> None:
    before = second.tree()
    second.update()
    assert asked(served) == ["/"]
    assert second.tree() == before


def test_what_changed_is_asked_for_alone(
    index: FakeIndex, first: Mirror, second: Mirror, served: Served
) -> None:
    index.files("six")[0].yanked = "broken"
    index.touch("six")
    first.update()
    second.update()
    assert asked(served) == ["/", "/six/"]
    assert second.contents() == first.contents()


def test_a_serial_alone_changes_nothing(
    index: FakeIndex, first: Mirror, second: Mirror, served: Served
) -> None:
    before = first.tree()
    index.touch("six")
    first.update()
    assert first.tree() == before
    second.update()
    assert asked(served) == ["/"]


def test_a_page_that_is_not_the_one_of_the_list_waits(
    index: FakeIndex, first: Mirror, second: Mirror, served: Served
) -> None:
    before = second.contents()
    page = first.root / "six/index.v1_json"
    old = page.read_bytes()
    index.add("six", "2.0")
    first.update()
    new = page.read_bytes()
    page.write_bytes(old)
    second.update()
    assert {path: content for path, content in second.contents().items() if path != "index.v1_json"} == {
        path: content for path, content in before.items() if path != "index.v1_json"
    }
    assert "six: upstream's page is older than the list says" in second.log
    page.write_bytes(new)
    second.update()
    assert second.contents() == first.contents()


def test_a_mirror_that_gets_html_alone_has_every_file(
    index: FakeIndex, first: Mirror, tmp_path: Path
) -> None:
    """A server without configuration gives pages for people, and these serve a mirror, too."""
    index.project("six").status = "deprecated"
    index.project("six").status_reason = "see <href='elsewhere'>"
    index.touch("six")
    first.configure(base_url="https://pypi.example.org/")
    first.update()
    (tmp_path / "log").mkdir()
    with servers.http_server(first.root, tmp_path / "log") as served:
        second = Mirror(tmp_path / "second", served.url, base_url="https://pypi.example.org/")
        second.update()
        before = second.tree()
        second.update()
        assert second.tree() == before
    second.check_links()
    assert second.projects() == first.projects()
    assert second.names() == first.names()
    for name in ("zope-event", "six", "products-cmfplone"):
        page = f"{name}/index.html"
        assert sorted(map(str, anchors(second.root / page))) == sorted(map(str, anchors(first.root / page)))
        assert second.page(name).project_status == first.page(name).project_status
