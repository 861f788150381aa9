"""Real servers that stand before another index, here a fake one on loopback."""

from pathlib import Path

from tests.fake_index import FakeIndex
from tests.index_pages import normalize
from tests.wild.offered import Dist
from tests.wild.real import Process, program


class _Proxy:
    has_yanks = True

    def __init__(self, behind: FakeIndex) -> None:
        self._behind = behind

    def ready(self) -> None:
        pass

    def add(self, file: Dist) -> None:
        # With a bare plus sign, as simple-repository-server quotes once more what is quoted.
        self._behind.add_file(
            file.project,
            file.name,
            file.content,
            requires_python=file.requires_python,
            yanked=file.yanked,
            core_metadata=file.metadata,
            url=self._behind.origin + f"/files/{normalize(file.project)}/{file.name}",
        )

    def remove(self, file: Dist) -> None:
        self._behind.remove_file(file.project, file.name)

    def yank(self, file: Dist, reason: str) -> None:
        (listed,) = [other for other in self._behind.files(file.project) if other.filename == file.name]
        listed.yanked = reason
        self._behind.touch(file.project)


class Proxpi(_Proxy):
    """proxpi, which asks the index behind it anew each time."""

    def __init__(self, folder: Path, behind: FakeIndex) -> None:
        super().__init__(behind)
        self.process = Process(folder, {"PROXPI_INDEX_URL": behind.url, "PROXPI_INDEX_TTL": "0"})
        options = ["--host", "127.0.0.1", "--port", str(self.process.port)]
        self.process.command = [program("proxpi", "flask"), "--app", "proxpi.server", "run", *options]
        self.url = f"{self.process.origin}/index/"


class SimpleRepositoryProxy(_Proxy):
    """simple-repository-server, which redirects to the files of the index behind it."""

    def __init__(self, folder: Path, behind: FakeIndex) -> None:
        super().__init__(behind)
        self.process = Process(folder)
        name, options = "simple-repository-server", ["--host", "127.0.0.1", "--port", str(self.process.port)]
        self.process.command = [program(name, name), *options, behind.url]
        self.url = f"{self.process.origin}/simple/"
