"""The projects and files that every recorded server offers."""

import hashlib
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import quote

from tests.distributions import make_sdist, make_wheel, metadata_of
from tests.index_pages import normalize

YANK = "broken & <bad>"
PYTHON = ">=3.8, <4"


@dataclass(frozen=True, kw_only=True)
class Dist:
    """A file, with all that any server says of it; recorded pages take of that what they have."""

    project: str
    version: str
    name: str
    content: bytes = field(repr=False)
    requires_python: str | None = None
    yanked: str | None = None
    path: str = ""
    """Where it lies on the server."""

    @property
    def quoted(self) -> str:
        return quote(self.name)

    @property
    def path_in_mirror(self) -> str:
        return f"{normalize(self.project)}/{self.name}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def md5(self) -> str:
        return hashlib.md5(self.content).hexdigest()

    @property
    def size(self) -> int:
        return len(self.content)

    @property
    def metadata(self) -> bytes | None:
        return metadata_of(self.content) if self.name.endswith(".whl") else None

    @property
    def metadata_sha256(self) -> str | None:
        return None if self.metadata is None else hashlib.sha256(self.metadata).hexdigest()


@dataclass(frozen=True)
class Project:
    """A project as a server spells it, and its normalized name."""

    raw: str

    @property
    def name(self) -> str:
        return normalize(self.raw)


DEMO, FOO = Project("demo"), Project("Products.Foo")
PROJECTS = (DEMO, FOO)
REMOVED = "demo-1.0.tar.gz"
"""The file that upstream removes in the tests of removals."""


@cache
def offered() -> tuple[Dist, ...]:
    """Return all files: a yank, a requirement of Python, a local version, an old spelling of a name."""
    return (
        _wheel("demo", "1.0", requires_python=PYTHON),
        _sdist("demo", "1.0"),
        _wheel("demo", "1.1", yanked=YANK),
        _wheel("demo", "2.0+cpu.1"),
        _sdist("Products.Foo", "0.9", raw_name="Products.Foo"),
        _wheel("Products.Foo", "1.0"),
    )


def _wheel(
    project: str, version: str, *, requires_python: str | None = None, yanked: str | None = None
) -> Dist:
    name, content = make_wheel(project, version, requires_python=requires_python)
    return Dist(
        project=project,
        version=version,
        name=name,
        content=content,
        requires_python=requires_python,
        yanked=yanked,
    )


def _sdist(project: str, version: str, *, raw_name: str | None = None) -> Dist:
    name, content = make_sdist(project, version, raw_name=raw_name)
    return Dist(project=project, version=version, name=name, content=content)
