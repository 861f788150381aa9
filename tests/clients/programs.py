"""The real clients, each in a virtual environment of its own that `.ci/clients` made."""

import functools
import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.clients.servers import Served
from tests.index_pages import normalize
from tests.mirror import clean_environment
from tests.missing import unable
from tests.warm import Warm

FOLDER = Path(os.environ.get("PYPIMIRROR_CLIENTS") or Path(__file__).parents[2] / ".clients")

_PATIENCE_S = 180


class Installed(NamedTuple):
    """How an installation ended, and the versions that are there now, by normalized name."""

    status: int
    output: str
    versions: dict[str, str]


Strings = Sequence[str]
Install = Callable[[Path, Served, Path, Strings], Installed]
"""Install requirements from a server: the client's environment, the server, an empty folder, requirements."""


class Client(NamedTuple):
    """A client, and what it can do."""

    name: str
    install: Install
    raw: str
    """Who finds the name as typed: "client", "links" of the mirror, or nobody."""
    obeys_yanks: bool = True
    obeys_requires_python: bool = True
    reads_metadata: bool = True
    reads_json: bool = True

    @property
    def environment(self) -> Path:
        return FOLDER / self.name.replace(" ", "-")

    @property
    def why_missing(self) -> str | None:
        """Say why the client can't be used; None where it can."""
        if self.environment.is_dir():
            return None
        return f"{self.name} is not there; .ci/clients makes it"


def of_its_own(folder: Path) -> dict[str, str]:
    """Return an environment for a client with a home of its own in a folder."""
    (folder / "home").mkdir(exist_ok=True)
    clean = {
        name: value
        for name, value in clean_environment().items()
        if not name.startswith(("UV_", "POETRY_", "PDM_", "VIRTUAL_ENV", "PYTHON"))
    }
    own = {
        "HOME": str(folder / "home"),
        "PIP_CONFIG_FILE": "/dev/null",
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    return clean | own


def run(command: Sequence[object], folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a client with a home of its own in a folder; return its exit status and what it says."""
    process = subprocess.run(
        [str(part) for part in command],
        env=of_its_own(folder) | dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    return process.returncode, process.stdout


@functools.cache
def _warm_python(python: Path) -> Warm:
    if subprocess.run([python, "-c", "import pip"], capture_output=True, check=False).returncode:
        unable(f"{python} has no pip, as where uv made the environment; uv pip install pip")
    return Warm(clean_environment(), program=(python, "-m", "tests.clients.warm_python"))


def warm_python(
    python: Path, arguments: Sequence[object], environment: Mapping[str, str]
) -> tuple[int, str, str]:
    """Run a Python that has pip with `-m pip ...` or `-c CODE ...`, in a fork of one that has imported it.

    Return its exit status, and what it says on either stream.
    """
    told = [str(argument) for argument in arguments]
    return _warm_python(python).run(told, environment, longest=_PATIENCE_S)[:3]


def _versions(*folders: Path) -> dict[str, str]:
    paths = [str(path) for folder in folders for path in (folder, *folder.glob("*.egg"))]
    found = importlib.metadata.distributions(path=paths)
    return {normalize(each.metadata["Name"]): each.version for each in found}


def pip(
    environment: Path, served: Served, folder: Path, requirements: Sequence[str], *more: str
) -> Installed:
    target = folder / "target"
    isolated = ["--isolated", "--disable-pip-version-check", "--no-cache-dir", "--no-input"]
    head = [environment / "bin/python", "-m", "pip", "install", *isolated, "--target", target]
    ended = run([*head, "--index-url", served.url, *more, *requirements], folder, {})
    return Installed(*ended, _versions(target))


def uv(environment: Path, served: Served, folder: Path, requirements: Strings, *more: str) -> Installed:
    target = folder / "target"
    head = [environment / "bin/uv", "pip", "install", "--no-config", "--no-cache", "--target", target]
    python = ["--python", sys.executable, "--index-url", served.url]
    ended = run([*head, *python, *more, *requirements], folder, {"UV_PYTHON_DOWNLOADS": "never"})
    return Installed(*ended, _versions(target))


def _project(folder: Path, requirements: Strings, tool: str) -> None:
    quoted = ", ".join(f'"{requirement}"' for requirement in requirements)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "here"\nversion = "0"\nrequires-python = ">=3.9"\n'
        f"dependencies = [{quoted}]\n{tool}"
    )


def _site_packages(folder: Path) -> Path:
    return next((folder / ".venv/lib").glob("python*")) / "site-packages"


def poetry(environment: Path, served: Served, folder: Path, requirements: Strings) -> Installed:
    _project(
        folder,
        requirements,
        "[tool.poetry]\npackage-mode = false\n"
        f'[[tool.poetry.source]]\nname = "mirror"\nurl = "{served.url}"\npriority = "primary"\n',
    )
    own = {"POETRY_VIRTUALENVS_IN_PROJECT": "true", "POETRY_CACHE_DIR": str(folder / "cache")}
    ended = run([environment / "bin/poetry", "install", "--no-interaction"], folder, own)
    return Installed(*ended, _versions(_site_packages(folder)) if (folder / ".venv").exists() else {})


def pdm(environment: Path, served: Served, folder: Path, requirements: Strings) -> Installed:
    _project(
        folder,
        requirements,
        "[tool.pdm]\ndistribution = false\n"
        f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{served.url}"\nverify_ssl = false\n',
    )
    own = {"PDM_CACHE_DIR": str(folder / "cache"), "PDM_CHECK_UPDATE": "false"}
    run([sys.executable, "-m", "venv", "--without-pip", ".venv"], folder, {})
    ended = run([environment / "bin/pdm", "install", "--no-self"], folder, own)
    return Installed(*ended, _versions(_site_packages(folder)))


def buildout(environment: Path, served: Served, folder: Path, requirements: Strings) -> Installed:
    eggs = "\n    ".join(requirements)
    (folder / "buildout.cfg").write_text(
        f"[buildout]\nparts = eggs\nindex = {served.url}\n"
        f"[eggs]\nrecipe = zc.recipe.egg:eggs\neggs =\n    {eggs}\n"
    )
    own = {"PIP_INDEX_URL": served.url, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_CACHE_DIR": "1"}
    ended = run([environment / "bin/buildout", "-N"], folder, own)
    eggs_folder = folder / "eggs"
    nested = [
        path for path in eggs_folder.glob("v*") if path.is_dir()
    ]  # where buildout 5 and newer keep them
    return Installed(*ended, _versions(eggs_folder, *nested))


def easy_install(environment: Path, served: Served, folder: Path, requirements: Strings) -> Installed:
    target = folder / "target"
    target.mkdir()
    # What the command of that name did, which setuptools of this age no longer brings.
    script = "import setuptools, sys; setuptools.setup(script_args=['-q', 'easy_install', *sys.argv[1:]])"
    options = ["--index-url", served.url, "--install-dir", target, "--always-unzip"]
    head = [environment / "bin/python", "-W", "ignore", "-c", script, *options]
    ended = run([*head, *requirements], folder, {"PYTHONPATH": str(target)})
    return Installed(*ended, _versions(target))


CLIENTS = (
    Client("pip", pip, raw="client"),
    Client("pip 21.3", pip, raw="client", reads_metadata=False, reads_json=False),
    Client("uv", uv, raw="client"),
    Client("poetry", poetry, raw="client"),
    Client("pdm", pdm, raw="client"),
    Client("buildout", buildout, raw="client", obeys_yanks=False, reads_metadata=False, reads_json=False),
    Client("buildout 3", buildout, raw="links", obeys_yanks=False, reads_metadata=False, reads_json=False),
    Client(
        "easy_install",
        easy_install,
        raw="links",
        obeys_yanks=False,
        obeys_requires_python=False,
        reads_metadata=False,
        reads_json=False,
    ),
)
