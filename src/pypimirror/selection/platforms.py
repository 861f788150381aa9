"""Platforms by short names, and which of them a wheel's platform tag is for."""

import difflib
import functools
import itertools
import re
from typing import NamedTuple

_LINUX = (
    "x86_64",
    "aarch64",
    "i686",
    "armv7l",
    "armv6l",
    "ppc64le",
    "ppc64",
    "s390x",
    "riscv64",
    "loongarch64",
)
PLATFORMS = (
    *(f"{family}_{arch}" for family, arch in itertools.product(("linux", "manylinux", "musllinux"), _LINUX)),
    "macosx_x86_64",
    "macosx_arm64",
    "win_amd64",
    "win32",
    "win_arm64",
)
_MEANT = {
    "linux_amd64": "linux_x86_64",
    "linux_arm64": "linux_aarch64",
    "linux": "linux_x86_64",
    "manylinux": "manylinux_x86_64",
    "musllinux": "musllinux_x86_64",
    "alpine": "musllinux_x86_64",
    "macosx_aarch64": "macosx_arm64",
    "macos_aarch64": "macosx_arm64",
    "macos": "macosx_arm64",
    "darwin": "macosx_arm64",
    "darwin_arm64": "macosx_arm64",
    "win_x86_64": "win_amd64",
    "win64": "win_amd64",
    "windows": "win_amd64",
    "windows_amd64": "win_amd64",
    "windows_x86_64": "win_amd64",
    "win_x86": "win32",
    "win_i686": "win32",
    "win_32": "win32",
    "windows_arm64": "win_arm64",
}
"""What people write who mean something else, or more than there is one name of."""
_OLD_MANYLINUX = {"1": (2, 5), "2010": (2, 12), "2014": (2, 17)}
"""PEP 513, 571, 599, by their glibc as PEP 600 has it."""
_TAG = re.compile(
    r"(?:(?P<libc>manylinux|musllinux)_(?P<major>\d{1,4})_(?P<minor>\d{1,4})"
    r"|(?P<old>manylinux)(?P<year>1|2010|2014)|(?P<plain>linux)|(?P<mac>macosx)_\d+_\d+)_(?P<arch>\w+)"
)
# As `packaging.tags.mac_platforms` has them.
_MAC_ARCHES = {
    "x86_64": ("x86_64", "intel", "fat64", "fat32", "universal2", "universal"),
    "arm64": ("arm64", "universal2"),
}


class Platform(NamedTuple):
    """What a platform tag says."""

    family: str
    arch: str
    glibc: tuple[int, int] | None
    """The least glibc (manylinux); None where it asks for none."""


@functools.lru_cache(maxsize=4096)
def read(tag: str) -> Platform:
    """Read a platform tag; what is not known is a family by itself."""
    found = _TAG.fullmatch(tag)
    if found is None:
        return Platform(tag, "", None)
    family = found["libc"] or found["old"] or found["plain"] or found["mac"]
    glibc = _OLD_MANYLINUX.get(found["year"])
    if found["libc"] == "manylinux":
        glibc = (int(found["major"]), int(found["minor"]))
    return Platform(family, found["arch"], glibc)


def fits(short: str, tag: str) -> bool:
    """Tell whether what has this platform tag is for the platform of this short name."""
    platform = read(tag)
    family, _, arch = short.partition("_")
    if family == "linux":
        return platform.family in ("manylinux", "musllinux", "linux") and platform.arch == arch
    if family == "macosx":
        return platform.family == "macosx" and platform.arch in _MAC_ARCHES[arch]
    return tag == short or (platform.family == family and platform.arch == arch)


def check_platform(short: str) -> None:
    """Raise ValueError for what is no short name of a platform, with the nearest one."""
    if short in PLATFORMS:
        return
    lower = short.lower().replace("-", "_")
    platform = read(lower)
    names = [f"{platform.family}_{platform.arch}", _MEANT.get(lower, ""), lower]
    near = next((name for name in names if name in PLATFORMS), None)
    near = near or next(iter(difflib.get_close_matches(lower, PLATFORMS, n=1, cutoff=0.5)), None)
    level = "; the option glibc bounds its level" if platform.glibc else ""
    listed = "linux_x86_64, manylinux_x86_64, musllinux_x86_64, macosx_arm64, win_amd64 and their like"
    raise ValueError(
        f"{short} is no short name of a platform; did you mean {near}?{level}"
        if near
        else f"{short} is no short name of a platform: {listed} are"
    )
