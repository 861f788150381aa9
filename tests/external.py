"""Links to files elsewhere, as tests offer and follow them."""

import subprocess
import sys
from collections.abc import Callable

from tests.distributions import make_sdist
from tests.fake_index import FakeIndex
from tests.mirror import Ended, Mirror, clean_environment
from tests.outside_host import OutsideHost, link

Make = Callable[..., Mirror]
OPTIONS = {
    "package_matches": "demo",
    "external_links": True,
    "external_http": True,
    "external_hosts": "127.*",
}
PAGES = {"follow_external_index_pages": True}


def lead(index: FakeIndex, *anchors: str, project: str = "demo") -> None:
    """Let a project's page have these anchors beside its files."""
    index.project(project).links[:] = anchors
    index.touch(project)


def sdist(version: str, *, name: str = "demo", more: int = 0) -> tuple[str, bytes]:
    """Return file name and bytes of an sdist."""
    return make_sdist(name, version, extra_size=more)


def offer(host: OutsideHost, version: str, *, more: int = 0, folder: str = "/dist") -> str:
    """Let an sdist of demo lie on a host, and return its address."""
    name, content = sdist(version, more=more)
    return host.put(f"{folder}/{name}", content)


def mirrored(index: FakeIndex, host: OutsideHost, make: Make) -> Mirror:
    """Return a mirror that has demo 0.9 from the host, to which the index has a link."""
    lead(index, link(offer(host, "0.9")))
    mirror = make()
    mirror.update()
    return mirror


def names(*versions: str) -> set[str]:
    """Return the sdists of these versions, and of the one that the index has itself."""
    return {f"demo-{version}.tar.gz" for version in ("1.0", *versions)}


def patched(mirror: Mirror, code: str, *arguments: str) -> Ended:
    """Run the command with something of it set to another value."""
    script = f"import sys; {code}\nfrom pypimirror.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", script, str(mirror.config), *arguments]
    ended = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=False)
    return Ended(ended.returncode, ended.stdout, ended.stderr)
