"""Build tiny, real, installable wheels and sdists in memory.

The same arguments give the same bytes: timestamps are fixed, and padding is seeded by name and version.
"""

import base64
import bz2
import gzip
import hashlib
import io
import itertools
import random
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping

_ZIP_DATE = (2024, 1, 2, 3, 4, 4)
_TAR_MTIME = 1704164644

_BACKEND = """\
import pathlib
import shutil


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    (wheel,) = pathlib.Path().glob("*.whl")
    shutil.copy(wheel, wheel_directory)
    return wheel.name
"""
_PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def make_wheel(
    name: str,
    version: str,
    *,
    requires_python: str | None = None,
    requires_dist: Iterable[str] = (),
    extra_size: int = 0,
    tag: str = "py3-none-any",
    metadata_text: str | None = None,
) -> tuple[str, bytes]:
    """Return file name and bytes of a wheel with one module; `metadata_text` replaces its METADATA."""
    stem = f"{_file_stem(name)}-{version.replace('-', '_')}"
    dist_info = f"{stem}.dist-info"
    if metadata_text is None:
        metadata_text = _metadata(name, version, requires_python, requires_dist)
    members = _module_members(name, version, extra_size)
    members[f"{dist_info}/METADATA"] = metadata_text.encode()
    members[f"{dist_info}/WHEEL"] = _wheel_text(tag).encode()
    members[f"{dist_info}/RECORD"] = _record(members, f"{dist_info}/RECORD").encode()
    return f"{stem}-{tag}.whl", _zip(members)


def make_sdist(
    name: str,
    version: str,
    *,
    requires_python: str | None = None,
    raw_name: str | None = None,
    suffix: str = ".tar.gz",
    extra_size: int = 0,
) -> tuple[str, bytes]:
    """Return file name and bytes of a setuptools sdist; `raw_name` spells the name in file names."""
    stem = f"{_file_stem(name) if raw_name is None else raw_name}-{version}"
    files = _module_members(name, version, extra_size)
    files["PKG-INFO"] = _metadata(name, version, requires_python, ()).encode()
    files["setup.py"] = _setup_text(name, version, requires_python).encode()
    files["pyproject.toml"] = (
        b'[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    )
    members = {f"{stem}/{path}": content for path, content in sorted(files.items())}
    return f"{stem}{suffix}", _archive(members, suffix)


def make_built_sdist(
    name: str, version: str, requires_dist: Iterable[str] = (), *, is_reliable: bool = False
) -> tuple[str, bytes]:
    """Return file name and bytes of an sdist that is built without network, as it brings its wheel.

    Its PKG-INFO tells what it requires if that `is_reliable` (PEP 643); the wheel tells it in any case.
    """
    requires = tuple(requires_dist)
    extras = {found for line in requires for found in re.findall(r'extra == "([^"]+)"', line)}
    text = _metadata(name, version, None, requires) + "".join(
        f"Provides-Extra: {e}\n" for e in sorted(extras)
    )
    wheel_name, wheel = make_wheel(name, version, metadata_text=text)
    stem = "-".join(wheel_name.split("-")[:2])
    pkg_info = text.replace("2.1", "2.2", 1) if is_reliable else _metadata(name, version, None, ())
    files = {
        "PKG-INFO": pkg_info.encode(),
        "pyproject.toml": _PYPROJECT.encode(),
        "backend.py": _BACKEND.encode(),
        wheel_name: wheel,
    }
    return f"{stem}.tar.gz", _archive({f"{stem}/{path}": each for path, each in files.items()}, ".tar.gz")


def metadata_of(wheel_bytes: bytes) -> bytes:
    """Return the METADATA of a wheel, as a server offers it beside the wheel."""
    with zipfile.ZipFile(io.BytesIO(wheel_bytes)) as wheel:
        (path,) = (path for path in wheel.namelist() if path.endswith(".dist-info/METADATA"))
        return wheel.read(path)


def _file_stem(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def _module_name(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name)


def _module_members(name: str, version: str, extra_size: int) -> dict[str, bytes]:
    module = _module_name(name)
    members = {f"{module}.py": f"__version__ = {version!r}\n".encode()}
    if extra_size:
        members[f"{module}_padding.bin"] = random.Random(f"{name} {version}").randbytes(extra_size)
    return members


def _metadata(name: str, version: str, requires_python: str | None, requires_dist: Iterable[str]) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", "Summary: Made for a test"]
    if requires_python is not None:
        lines.append(f"Requires-Python: {requires_python}")
    lines += [f"Requires-Dist: {requirement}" for requirement in requires_dist]
    return "\n".join(lines) + "\n"


def _wheel_text(tag: str) -> str:
    pure = str(tag.endswith("-none-any")).lower()
    lines = ["Wheel-Version: 1.0", "Generator: tests", f"Root-Is-Purelib: {pure}"]
    # A compressed tag set (PEP 425) stands for the product of its parts.
    parts = [part.split(".") for part in tag.split("-")]
    lines += [f"Tag: {'-'.join(single)}" for single in itertools.product(*parts)]
    return "\n".join(lines) + "\n"


def _record(members: Mapping[str, bytes], record_path: str) -> str:
    lines = [f"{path},sha256={_record_digest(content)},{len(content)}" for path, content in members.items()]
    return "\n".join([*lines, f"{record_path},,"]) + "\n"


def _record_digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _setup_text(name: str, version: str, requires_python: str | None) -> str:
    arguments = [f"name={name!r}", f"version={version!r}", f"py_modules={[_module_name(name)]!r}"]
    if requires_python is not None:
        arguments.append(f"python_requires={requires_python!r}")
    return f"from setuptools import setup\n\nsetup({', '.join(arguments)})\n"


def _archive(members: Mapping[str, bytes], suffix: str) -> bytes:
    match suffix:
        case ".tar.gz" | ".tgz":
            return gzip.compress(_tar(members), mtime=0)
        case ".tar.bz2":
            return bz2.compress(_tar(members))
        case ".zip":
            return _zip(members)
    raise ValueError(f"no sdist format has the suffix {suffix!r}")


def _tar(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in members.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            info.mtime = _TAR_MTIME
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _zip(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, content in members.items():
            info = zipfile.ZipInfo(path, _ZIP_DATE)
            info.external_attr = 0o100644 << 16
            archive.writestr(info, content)
    return buffer.getvalue()
