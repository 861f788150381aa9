"""An index made of random bytes, with nginx in front of it on loopback: what the benchmarks mirror."""

import contextlib
import functools
import gzip
import hashlib
import io
import json
import os
import random
import shutil
import socket
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SERIAL = 1000
_MODULES = Path("/usr/lib/nginx/modules")

_NGINX = """\
@modules@
daemon off;
@user@
worker_processes 1;
pid @folder@/nginx.pid;
error_log @folder@/error.log warn;
events { worker_connections 4096; }
http {
    default_type application/octet-stream;
    access_log off;
    client_body_temp_path @folder@/tmp;
    proxy_temp_path @folder@/tmp;
    fastcgi_temp_path @folder@/tmp;
    uwsgi_temp_path @folder@/tmp;
    scgi_temp_path @folder@/tmp;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 10000000;
    gzip on;
    gzip_static on;
    gzip_comp_level 1;
    gzip_types application/json application/vnd.pypi.simple.v1+json;
    map_hash_max_size 262144;
    map_hash_bucket_size 256;
    map $uri $project { default ""; "~^/(simple|pypi)/(?<name>[^/]+)/" $name; }
    map $project $serial { include @folder@/serials.map; }
    server {
        listen 127.0.0.1:@port@ backlog=4096;
        root @folder@/tree;
        @delay@
        location /simple/ {
            types { application/vnd.pypi.simple.v1+json json; }
            add_header X-PyPI-Last-Serial $serial;
            try_files ${uri}index.json =404;
        }
        location /pypi/ {
            types { }
            default_type application/json;
            add_header X-PyPI-Last-Serial $serial;
        }
        location /packages/ { gzip off; gzip_static off; }
    }
}
"""
_DELAY = "access_by_lua_block { ngx.sleep(0.02 * (ngx.var.connection_requests == '1' and 2 or 1)) }"


class Upstream:
    """An index in `folder`: `projects` with files; the list may have many more `names`.

    With `requires` each project's wheels require so many others, so that the first leads to all of them.
    """

    def __init__(  # noqa: PLR0913 (a size for each)
        self, folder: Path, *, projects: int, files: int, size: int, names: int = 0, requires: int = 0
    ) -> None:
        self._folder = folder
        self._tree = folder / "tree"
        self._random = random.Random(7)
        self._size = size
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        (folder / "tmp").mkdir(parents=True)
        shutil.rmtree(self._tree, ignore_errors=True)
        every = max(1, names // projects) if names else 1
        listed = names or projects
        # No two are alike, as on PyPI: serials that are all equal are none.
        self._serials = {f"project-{n * 7919 % 10_000_019:07}": _SERIAL + 10 * n for n in range(listed)}
        self.projects = sorted(self._serials)[::every][:projects]
        self._numbers = {name: number for number, name in enumerate(self.projects)}
        self._requires = requires
        self._files: dict[str, list[dict[str, Any]]] = {}
        for name in self.projects:
            self._files[name] = [self._new_file(name, number) for number in range(files)]
            self._write_project(name)
        self._write_list()

    def change(self, number: int) -> None:
        """Let so many projects have two more files."""
        for name in self._random.sample(self.projects, number):
            self._serials[name] += 1
            have = self._files[name]
            have += [self._new_file(name, len(have) + more) for more in range(2)]
            self._write_project(name)
        self._write_list()

    @property
    def names(self) -> list[str]:
        """All names in the list, sorted."""
        return sorted(self._serials)

    def files(self, name: str) -> list[dict[str, Any]]:
        """Return what the page of a project says of its files."""
        return self._files[name]

    def serial(self, name: str) -> str:
        """Return what the list says of a project."""
        return str(self._serials[name])

    @property
    def addresses(self) -> list[str]:
        """The address of every file."""
        return [file["url"] for files in self._files.values() for file in files]

    def _new_file(self, name: str, number: int) -> dict[str, Any]:
        version = f"{number // 2}.0"
        stem = f"{name.replace('-', '_')}-{version}"
        if number % 2:
            filename, content = f"{stem}.tar.gz", self._random.randbytes(self._size)
        else:
            filename, content = f"{stem}-py3-none-any.whl", self._wheel(stem, name, version)
        path = self._tree / "packages" / name / filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return {
            "filename": filename,
            "url": f"{self.url}/packages/{name}/{filename}",
            "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
            "size": len(content),
            "requires-python": ">=3.8",
            "upload-time": "2024-01-01T00:00:00.000000Z",
            "yanked": False,
        }

    def _wheel(self, stem: str, name: str, version: str) -> bytes:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as wheel:
            wheel.writestr("payload.bin", self._random.randbytes(max(16, self._size - 700)))
            required = "".join(f"Requires-Dist: {each}\n" for each in self._required(name))
            metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{required}\n"
            wheel.writestr(f"{stem}.dist-info/METADATA", metadata)
            wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\n")
            wheel.writestr(f"{stem}.dist-info/RECORD", "")
        return content.getvalue()

    def _required(self, name: str) -> Iterator[str]:
        """Yield what a project requires: those below it in a tree, and one of those above."""
        number, names = self._numbers[name], self.projects
        below = range(number * self._requires + 1, (number + 1) * self._requires + 1)
        for each in below:
            if each < len(names):
                yield f'{names[each]}>=0.0; python_version >= "3.{each % 9}"'
        if self._requires:
            yield f"{names[number // 7]}<{number % 5 + 3}"

    def _write_project(self, name: str) -> None:
        files, serial = self._files[name], self._serials[name]
        versions = sorted({file["filename"].split("-")[1].removesuffix(".tar.gz") for file in files})
        meta = {"api-version": "1.1", "_last-serial": serial}
        page = {"meta": meta, "name": name, "versions": versions, "files": files}
        _write(self._tree / f"simple/{name}/index.json", json.dumps(page).encode())
        # The legacy document, which bandersnatch reads instead of the page.
        releases: dict[str, list[dict[str, Any]]] = {version: [] for version in versions}
        for file in files:
            is_wheel = file["filename"].endswith(".whl")
            releases[file["filename"].split("-")[1].removesuffix(".tar.gz")].append(
                {
                    "filename": file["filename"],
                    "url": file["url"],
                    "digests": file["hashes"] | {"md5": "", "blake2b_256": ""},
                    "md5_digest": "",
                    "packagetype": "bdist_wheel" if is_wheel else "sdist",
                    "python_version": "py3" if is_wheel else "source",
                    "requires_python": file["requires-python"],
                    "size": file["size"],
                    "upload_time": "2024-01-01T00:00:00",
                    "upload_time_iso_8601": file["upload-time"],
                    "yanked": False,
                    "yanked_reason": None,
                }
            )
        info = {"name": name, "version": versions[-1], "summary": "", "requires_python": None}
        document = {"info": info, "last_serial": serial, "releases": releases, "urls": releases[versions[-1]]}
        _write(self._tree / f"pypi/{name}/json", json.dumps(document).encode())

    def _write_list(self) -> None:
        top = _SERIAL + sum(self._serials[name] - _SERIAL for name in self.projects)
        entries = [{"_last-serial": serial, "name": name} for name, serial in sorted(self._serials.items())]
        page = json.dumps(
            {"meta": {"_last-serial": top, "api-version": "1.1"}, "projects": entries}, separators=(",", ":")
        ).encode()
        _write(self._tree / "simple/index.json", page)
        _write(self._tree / "simple/index.json.gz", gzip.compress(page, 6, mtime=0))
        lines = [f"{name} {self._serials[name]};\n" for name in self.projects]
        _write(self._folder / "serials.map", f"default {top};\n{''.join(lines)}".encode())

    @contextlib.contextmanager
    def served(self, *, is_late: bool = False) -> Iterator[None]:
        """Serve it while the block runs; `is_late`: each answer by 20 ms, a connection's first one by 40."""
        modules = ("ndk_http_module.so", "ngx_http_lua_module.so")
        values = {
            "modules": "".join(f"load_module {_MODULES}/{m};\n" for m in modules) if is_late else "",
            "user": "user root;" if os.geteuid() == 0 else "",
            "delay": _DELAY if is_late else "",
            "folder": str(self._folder),
            "port": str(self._port),
        }
        text = functools.reduce(lambda t, each: t.replace(f"@{each[0]}@", each[1]), values.items(), _NGINX)
        (self._folder / "nginx.conf").write_text(text)
        command = ["nginx", "-e", f"{self._folder}/error.log", "-c", f"{self._folder}/nginx.conf"]
        server = subprocess.Popen(command)
        try:
            _wait_for(self._port, server)
            yield
        finally:
            server.terminate()
            server.wait()


def can_be_late() -> bool:
    """Tell whether nginx here has what makes answers late."""
    return (_MODULES / "ngx_http_lua_module.so").exists()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(100):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        if server.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit("nginx does not start; is it installed (apt-get install nginx-light)?")
