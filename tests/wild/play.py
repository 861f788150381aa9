"""A server on loopback that plays what was recorded of another one."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Literal, Self
from urllib.parse import unquote, urlsplit

from jinja2 import Environment, StrictUndefined, Template

from tests.index_pages import normalize
from tests.index_server import Answer, Exchange, IndexServer, Request, accepts, conditional, validated
from tests.wild.offered import PROJECTS, Dist, Project, offered

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html; charset=utf-8"

_LOGIN = b"""<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in</h1>
<form method="post"><input name="user"><input type="password" name="password"></form>
<a href="/password/new">Forgot your password?</a> <a href="/help/">Help</a> <a href="/about">About</a>
</body></html>"""

_environment = Environment(undefined=StrictUndefined, trim_blocks=True, autoescape=False)


@functools.cache
def _template(text: str) -> Template:
    return _environment.from_string(text)


Login = Literal["answer", "redirect"]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The form of a server's pages, as templates over `Project` and `Dist`.

    `tells` are the facts that its pages have of files, out of: sha256, md5, python, yanks, metadata, size.
    """

    name: str
    page: str
    list: str = ""
    """Nothing where the server has no list of projects."""
    tells: str = ""
    index: str = "/simple/"
    page_path: str = "/simple/{{ project.name }}/"
    file_path: str = "/packages/{{ file.name }}"
    type: str = HTML
    list_json: str = ""
    page_json: str = ""
    headers: Mapping[str, str] | None = None
    slashless: int = 301
    """What comes for a folder's path without the slash at its end: 200, 301, or 404."""
    folder_answers: bool = True
    """Whether the folder of a page at `.../index.html` has it, too."""
    finds_spellings: bool = False
    """Whether another spelling of a project's name is redirected to its page."""
    only_raw: bool = False
    """A client that asks for the normalized name finds only names that are so already."""
    plus_is_space: bool = False
    """As S3 reads a path: a bare plus sign in it is a space."""

    @property
    def facts(self) -> set[str]:
        return set(self.tells.split())


class Played:
    """A recorded server at `url`; its attributes may be changed at any time."""

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self.files: tuple[Dist, ...] = offered()
        self.requests: list[str] = []
        self.login: Login | None = None
        self.login_spares_list = False

    def __enter__(self) -> Self:
        self._server = IndexServer(0, respond=self._respond, normal=self._answer)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return self.origin + self.recorded.index

    def remove(self, name: str) -> None:
        """Take a file away."""
        self.files = tuple(file for file in self.files if file.name != name)

    def _respond(self, exchange: Exchange) -> None:
        self.requests.append(exchange.request.path)
        exchange.send(exchange.normal_answer())

    def _answer(self, request: Request) -> Answer:
        bare = urlsplit(request.path).path
        path = unquote(bare.replace("+", "%20") if self.recorded.plus_is_space else bare)
        if path == "/users/sign_in":
            return Answer(200, {"Content-Type": HTML}, _LOGIN)
        if self.login and not (self.login_spares_list and path == self.recorded.index):
            return self._login_answer()
        files = dict(self._contents())
        if path in files:
            return validated(Answer(200, {"Content-Type": "application/octet-stream"}, files[path]), 0)
        return self._page_answer(request, path)

    def _login_answer(self) -> Answer:
        if self.login == "redirect":
            return Answer(302, {"Location": "/users/sign_in"})
        return Answer(200, {"Content-Type": HTML}, _LOGIN)

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        for file in map(self._placed, self.files):
            yield file.path, file.content
            if "metadata" in self.recorded.facts and file.metadata is not None:
                yield file.path + ".metadata", file.metadata

    def _page_answer(self, request: Request, path: str) -> Answer:
        recorded, folder = self.recorded, path.rstrip("/") + "/"
        pages = {self._address(project): project for project in PROJECTS}
        if recorded.folder_answers:
            pages |= {address.removesuffix("index.html"): project for address, project in pages.items()}
        if recorded.list and (
            path == recorded.index or (recorded.slashless == 200 and folder == recorded.index + "/")
        ):
            return self._page(request, recorded.list, recorded.list_json, None)
        if path in pages:
            return self._page(request, recorded.page, recorded.page_json, pages[path])
        if path != folder and (folder in pages or folder == recorded.index) and recorded.slashless != 404:
            if recorded.slashless == 301:
                return Answer(301, {"Location": folder})
            return self._page_answer(request, folder)
        for address, project in pages.items():
            if recorded.finds_spellings and normalize(folder.split("/")[-2]) == project.name:
                return Answer(301, {"Location": address})
        return Answer(404, {"Content-Type": HTML}, b"<html><body>Not found</body></html>")

    def _page(self, request: Request, html: str, json: str, project: Project | None) -> Answer:
        is_json = bool(json) and accepts(request.headers.get("accept", ""), JSON)
        body = self._render(json if is_json else html, project=project)
        headers = {"Content-Type": JSON if is_json else self.recorded.type, **(self.recorded.headers or {})}
        return conditional(validated(Answer(200, headers, body.encode()), 0), request.headers)

    def _render(self, template: str, *, project: Project | None) -> str:
        files = [] if project is None else [file for file in self.files if file.project == project.raw]
        return _template(template).render(
            projects=PROJECTS,
            project=project,
            files=[self._placed(file) for file in files],
            origin=self.origin,
        )

    def _address(self, project: Project) -> str:
        return _template(self.recorded.page_path).render(project=project)

    def _placed(self, file: Dist) -> Dist:
        project = Project(file.project)
        path = _template(self.recorded.file_path).render(project=project, file=file)
        return replace(file, path=path)
