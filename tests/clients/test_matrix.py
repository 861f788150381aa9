"""Every client behind every server: what it installs, and what it refuses. Printed in docs/clients.md."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.clients import matrix, programs
from tests.clients.programs import CLIENTS, Client, Installed, Strings
from tests.clients.servers import Logged, Served
from tests.missing import unable

UPLOADED_BEFORE = {"pip": "--uploaded-prior-to=2024-06-01T00:00:00Z", "uv": "--exclude-newer=2024-06-01"}


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_client(
    client: Client, served: Served, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    if client.why_missing:
        unable(client.why_missing)
    has_json = served.name != "http.server"
    cells, outputs = _installed(client, served, tmp_path)
    cells["wrong bytes refused"] = _refused(client, served, tmp_path)
    cells["upload time"] = _uploaded_before(client, served, tmp_path) if has_json else matrix.NOT_ASKED
    record_property(matrix.PROPERTY, [client.name, served.name, cells])
    assert cells == {check: _expected(client, check, has_json=has_json) for check in matrix.CHECKS}, outputs


def _expected(client: Client, check: str, *, has_json: bool) -> str:
    can = {
        "yanked not chosen": client.obeys_yanks,
        "requires-python": client.obeys_requires_python,
        "core metadata": client.reads_metadata,
    }
    if check == "upload time" and not (has_json and client.name in UPLOADED_BEFORE):
        return matrix.NOT_ASKED
    return matrix.YES if can.get(check, True) else matrix.NO


def _installed(client: Client, served: Served, folder: Path) -> tuple[dict[str, str], str]:
    """Install by all kinds of names at once; return what came of it."""
    requirements = [
        "zope-event",
        "Products.CMFPlone",
        "yanked-later",
        "tomorrow",
        "needs-more",
        "index-html",
        "run",
    ]
    if client.reads_metadata:
        requirements.append("application")
    served.logged()
    ended = _fresh(client.install, client, served, folder / "many", requirements)
    logged = served.logged()
    found = ended.versions
    is_right = {
        "normalized name": ended.status == 0 and found.get("zope-event") == "5.1",
        "name as typed": found.get("products-cmfplone") == "6.0",
        "odd names": found.get("index-html") == found.get("run") == "1.0",
        "dependencies": found.get("needs-more") == found.get("needed") == "1.0",
        "yanked not chosen": found.get("yanked-later") == "1.0",
        "requires-python": found.get("tomorrow") == "3.0",
        "core metadata": found.get("application") == "2.0" and _resolved_by_metadata(logged),
    }
    return {check: matrix.YES if is_it else matrix.NO for check, is_it in is_right.items()}, ended.output


def _resolved_by_metadata(logged: list[Logged]) -> bool:
    """Say whether a version that nobody can have was given up for its core metadata alone."""
    wheel = "/application/application-2.1-py3-none-any.whl"
    paths = [entry.path for entry in logged]
    return f"{wheel}.metadata" in paths and wheel not in paths


def _refused(client: Client, served: Served, folder: Path) -> str:
    ended = _fresh(client.install, client, served, folder / "tampered", ["tampered"])
    return matrix.YES if ended.status != 0 and "tampered" not in ended.versions else matrix.NO


def _uploaded_before(client: Client, served: Served, folder: Path) -> str:
    if client.name not in UPLOADED_BEFORE:
        return matrix.NOT_ASKED
    install = {"pip": programs.pip, "uv": programs.uv}[client.name]
    limited = partial(_with_option, install, UPLOADED_BEFORE[client.name])
    ended = _fresh(limited, client, served, folder / "dated", ["dated"])
    return matrix.YES if ended.versions == {"dated": "1.0"} else matrix.NO


def _with_option(
    install: Callable[..., Installed],
    option: str,
    environment: Path,
    served: Served,
    folder: Path,
    *rest: Strings,
) -> Installed:
    return install(environment, served, folder, *rest, option)


def _fresh(
    install: Callable[..., Installed], client: Client, served: Served, folder: Path, requirements: Strings
) -> Installed:
    folder.mkdir()
    return install(client.environment, served, folder, requirements)
