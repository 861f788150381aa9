"""What pip and uv see on an index."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.clients.programs import CLIENTS, warm_python
from tests.mirror import clean_environment
from tests.missing import unable

# pip's own finder, over all files of a project, and not the best one alone.
_PIP = """\
import json, sys
from pip._internal.index.collector import LinkCollector
from pip._internal.index.package_finder import PackageFinder
from pip._internal.models.search_scope import SearchScope
from pip._internal.models.selection_prefs import SelectionPreferences
from pip._internal.network.session import PipSession

scope = SearchScope.create(find_links=[], index_urls=[sys.argv[1]], no_index=False)
finder = PackageFinder.create(
    link_collector=LinkCollector(session=PipSession(retries=0), search_scope=scope),
    selection_prefs=SelectionPreferences(allow_yanked=True, ignore_requires_python=True),
)
seen = {}
for name in sys.argv[2:]:
    links = [candidate.link for candidate in finder.find_all_candidates(name)]
    seen[name] = [
        (
            link.filename,
            link.hash and f"{link.hash_name}={link.hash}",
            link.requires_python,
            link.yanked_reason,
        )
        for link in links
    ]
print(json.dumps(seen))
"""


class Seen(NamedTuple):
    """A file as a client sees it on a page."""

    filename: str
    digest: str | None
    requires_python: str | None
    yanked: str | None


def pip_sees(url: str, *projects: str) -> dict[str, set[Seen]]:
    """Return the files of each project that pip would choose from; skip, or in CI fail, without pip."""
    pip = CLIENTS[0]
    if pip.why_missing:
        unable(pip.why_missing)
    told = ["-c", _PIP, url, *projects]
    status, stdout, stderr = warm_python(pip.environment / "bin/python", told, clean_environment())
    assert status == 0, stderr
    return {name: {Seen(*file) for file in files} for name, files in json.loads(stdout).items()}


def uv_chooses(url: str, project: str, folder: Path) -> str:
    """Return the requirement that uv installs for a project; skip, or in CI fail, without uv."""
    (uv,) = [client for client in CLIENTS if client.name == "uv"]
    if uv.why_missing:
        unable(uv.why_missing)
    options = [
        "--no-config",
        "--no-cache",
        "--no-deps",
        "--target",
        str(folder / "uv"),
        "--python",
        sys.executable,
    ]
    ended = subprocess.run(
        [str(uv.environment / "bin/uv"), "pip", "install", *options, "--index-url", url, project],
        env=clean_environment() | {"UV_PYTHON_DOWNLOADS": "never"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    (installed,) = [line[3:] for line in ended.stderr.splitlines() if line.startswith(" + ")]
    return installed
