"""A real simple index on the loopback interface, filled, changed and spoiled by tests.

Pages are rendered in `index_pages`, HTTP is spoken in `index_server`, and `faults` has what can go wrong.
"""

import copy
import hashlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from tests import index_pages
from tests.distributions import make_sdist, make_wheel, metadata_of
from tests.faults import Fault, FaultQueue
from tests.index_pages import CoreMetadata, IndexFile, IndexProject, PageOptions, Serials, normalize
from tests.index_server import (
    Answer,
    Exchange,
    IndexServer,
    Request,
    accepts,
    conditional,
    gzipped,
    ranged,
    validated,
)
from tests.running import Running

Format = Literal["json", "html"]

_JSON_TYPES = ("application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.latest+json")
_HTML_TYPES = ("application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.latest+html")
_FIRST_SERIAL = 1000
# Last-Modified counts serials, not the clock: each change is a second later than the one before.
_EPOCH_S = 1704067200


@dataclass(frozen=True)
class _Page:
    json: bytes
    html: bytes
    serial: int


class Snapshot(NamedTuple):
    """What was on an index at a moment."""

    projects: dict[str, IndexProject]
    serial: int


class FakeIndex(Running):
    """A simple index at `url`, running inside a `with` block; its attributes may be changed at any time.

    `serials="strings"` sends JSON serials as strings, `core_metadata="unhashed"` offers metadata files
    without a hash, and `serial_comment` ends HTML pages with PyPI's serial comment.
    """

    def __init__(
        self,
        *,
        formats: Sequence[Format] = ("json", "html"),
        api_version: str = "1.4",
        serials: Serials = True,
        validators: bool = True,
        core_metadata: CoreMetadata = True,
    ) -> None:
        self.formats = formats
        self.api_version = api_version
        self.serials: Serials = serials
        self.validators = validators
        self.core_metadata: CoreMetadata = core_metadata
        self.has_documents = False
        self.absolute_urls = False
        self.serial_comment = False
        self.constant_serial: int | None = None
        """What is sent for all serials, as some servers do that have none."""
        self.latency = 0.0
        self.serial = _FIRST_SERIAL
        self.requests: list[Request] = []
        self._projects: dict[str, IndexProject] = {}
        self._faults = FaultQueue()
        self._lock = threading.RLock()
        self._port = 0

    # Running

    def start(self) -> None:
        """Serve, after a `stop` on the same port as before."""
        if self._server is None:
            self._server = IndexServer(self._port, respond=self._respond, normal=self._answer)
            self._port = self._server.server_port

    @property
    def origin(self) -> str:
        """The scheme, host and port, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The URL of the project list."""
        return f"{self.origin}/simple/"

    # What is on the index

    def add(
        self,
        name: str,
        version: str,
        *,
        wheel: bool = True,
        sdist: bool = True,
        requires_python: str | None = None,
        yanked: str | None = None,
        upload_time: str | None = "2024-01-02T03:04:05.678901Z",
        requires_dist: Iterable[str] = (),
        extra_size: int = 0,
        tag: str = "py3-none-any",
        metadata_text: str | None = None,
        raw_name: str | None = None,
        suffix: str = ".tar.gz",
        provenance: str | None = None,
    ) -> list[IndexFile]:
        """Build the files of a release and list them, the wheel first; `yanked=""` gives no reason."""
        built: list[tuple[str, bytes]] = []
        if wheel:
            built.append(
                make_wheel(
                    name,
                    version,
                    requires_python=requires_python,
                    requires_dist=requires_dist,
                    extra_size=extra_size,
                    tag=tag,
                    metadata_text=metadata_text,
                )
            )
        if sdist:
            built.append(
                make_sdist(
                    name,
                    version,
                    requires_python=requires_python,
                    raw_name=raw_name,
                    suffix=suffix,
                    extra_size=extra_size,
                )
            )
        return [
            self.add_file(
                name,
                filename,
                content,
                upload_time=upload_time,
                requires_python=requires_python,
                yanked=yanked,
                core_metadata=metadata_of(content) if filename.endswith(".whl") else None,
                provenance=provenance,
            )
            for filename, content in built
        ]

    def add_file(
        self,
        name: str,
        filename: str,
        content: bytes,
        *,
        upload_time: str | None = None,
        requires_python: str | None = None,
        yanked: str | None = None,
        hashes: dict[str, str] | None = None,
        size: int | Literal["actual"] | None = "actual",
        core_metadata: bytes | None = None,
        provenance: str | None = None,
        url: str | None = None,
    ) -> IndexFile:
        """List a file, in place of one of the same name; `hashes={}` and `size=None` offer none."""
        file = IndexFile(
            filename=filename,
            content=content,
            hashes={"sha256": hashlib.sha256(content).hexdigest()} if hashes is None else hashes,
            size=len(content) if size == "actual" else size,
            requires_python=requires_python,
            yanked=yanked,
            upload_time=upload_time,
            core_metadata=core_metadata,
            provenance=provenance,
            url=url,
        )
        with self._lock:
            project = self._projects.setdefault(normalize(name), IndexProject(name=name, serial=0))
            project.files = [other for other in project.files if other.filename != filename] + [file]
            self.touch(name)
        return file

    def add_project(self, name: str) -> IndexProject:
        """List a project that has no files yet."""
        with self._lock:
            self._projects.setdefault(normalize(name), IndexProject(name=name, serial=0))
            return self.touch(name)

    def remove_file(self, name: str, filename: str) -> None:
        """Take one file away; its project stays, with or without files."""
        with self._lock:
            project = self.project(name)
            project.files = [file for file in project.files if file.filename != filename]
            self.touch(name)

    def remove(self, name: str) -> None:
        """Take a whole project away."""
        with self._lock:
            del self._projects[normalize(name)]
            self.serial += 1

    def touch(self, name: str) -> IndexProject:
        """Give a project a new serial; to be called after its record was edited directly."""
        with self._lock:
            self.serial += 1
            project = self.project(name)
            project.serial = self.serial
            return project

    def project(self, name: str) -> IndexProject:
        """Return the record of a project, which may be edited."""
        return self._projects[normalize(name)]

    def records(self) -> dict[str, IndexProject]:
        """Return all projects by their normalized names."""
        return dict(self._projects)

    def snapshot(self) -> "Snapshot":
        """Return all that is on the index now, for `restore`."""
        with self._lock:
            return Snapshot(copy.deepcopy(self._projects), self.serial)

    def restore(self, snapshot: "Snapshot") -> None:
        """Be what the index was when the snapshot was taken."""
        with self._lock:
            self._projects = copy.deepcopy(snapshot.projects)
            self.serial = snapshot.serial

    def files(self, name: str) -> list[IndexFile]:
        """Return the files of a project, in the order listed."""
        return list(self.project(name).files)

    # What was asked, and what goes wrong

    def paths(self) -> list[str]:
        """Return the paths asked for so far, in order."""
        return [request.path for request in list(self.requests)]

    def downloads(self) -> list[str]:
        """Return the paths of files asked for so far, in order."""
        return [path for path in self.paths() if path.startswith("/files/")]

    def clear(self) -> None:
        """Empty the log of requests."""
        self.requests.clear()

    def fault(self, path_glob: str, fault: Fault, times: int | None = None) -> None:
        """Spoil the next `times` (default: all) answers for paths like this; `*` matches slashes, too."""
        self._faults.add(path_glob, fault, times)

    def clear_faults(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    # Answering

    def _respond(self, exchange: Exchange) -> None:
        self.requests.append(exchange.request)
        fault = self._faults.take(urlsplit(exchange.request.path).path)
        exchange.pause(self.latency)
        if fault is None:
            exchange.send(exchange.normal_answer())
        else:
            fault.play(exchange)

    def _answer(self, request: Request) -> Answer:
        path = unquote(urlsplit(request.path).path)
        with self._lock:
            match path.strip("/").split("/"):
                case ["simple"]:
                    return self._page_answer(request, path, "/simple/", self._root_page())
                case ["simple", name]:
                    return self._project_answer(request, path, normalize(name))
                case ["pypi", name, "json"] if self.has_documents and name in self._projects:
                    body = index_pages.legacy_json(self._projects[name])
                    return Answer(200, {"Content-Type": "application/json"}, body)
                case ["files", name, filename]:
                    return self._file_answer(request, normalize(name), filename)
        return Answer(404)

    def _project_answer(self, request: Request, path: str, name: str) -> Answer:
        page = self._project_page(self._projects[name]) if name in self._projects else None
        return self._page_answer(request, path, f"/simple/{name}/", page)

    def _page_answer(self, request: Request, path: str, true_path: str, page: _Page | None) -> Answer:
        if path != true_path:
            return Answer(301, {"Location": true_path})
        if page is None:
            return Answer(404)
        answer = self._negotiated(request, page)
        if self.serials:
            serial = page.serial if self.constant_serial is None else self.constant_serial
            answer = answer.with_headers({"X-PyPI-Last-Serial": str(serial)})
        if self.validators:
            answer = validated(answer, _EPOCH_S + page.serial)
        return gzipped(conditional(answer, request.headers), request.headers)

    def _negotiated(self, request: Request, page: _Page) -> Answer:
        accept = request.headers.get("accept", "")
        headers = {"Vary": "Accept, Accept-Encoding"}
        if "json" in self.formats and ("html" not in self.formats or accepts(accept, *_JSON_TYPES)):
            return Answer(200, {**headers, "Content-Type": _JSON_TYPES[0]}, page.json)
        html_type = _HTML_TYPES[0] if accepts(accept, *_HTML_TYPES) else "text/html; charset=utf-8"
        return Answer(200, {**headers, "Content-Type": html_type}, page.html)

    def _root_page(self) -> _Page:
        projects, options = list(self._projects.values()), self._options()
        return _Page(
            json=index_pages.root_json(projects, self.serial, options),
            html=index_pages.root_html(projects, self.serial, options),
            serial=self.serial,
        )

    def _project_page(self, project: IndexProject) -> _Page:
        options = self._options()
        return _Page(
            json=index_pages.project_json(project, options),
            html=index_pages.project_html(project, options),
            serial=project.serial,
        )

    def _options(self) -> PageOptions:
        return PageOptions(
            api_version=self.api_version,
            serials=self.serials,
            core_metadata=self.core_metadata,
            files_url=f"{self.origin}/files" if self.absolute_urls else "../../files",
            serial_comment=self.serial_comment,
            constant_serial=self.constant_serial,
        )

    def _file_answer(self, request: Request, name: str, filename: str) -> Answer:
        content = self._content(name, filename)
        if content is None:
            return Answer(404)
        headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
        answer = Answer(200, headers, content)
        if self.validators:
            answer = validated(answer, _EPOCH_S)
        return ranged(conditional(answer, request.headers), request.headers)

    def _content(self, name: str, filename: str) -> bytes | None:
        for file in self._projects[name].files if name in self._projects else ():
            if filename == file.filename:
                return file.content
            if filename == f"{file.filename}.metadata" and self.core_metadata:
                return file.core_metadata
        return None
