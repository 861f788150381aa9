"""What a file is, for which system and which Python, in words: out of its name. Pure."""

import functools
import re

from pypimirror.filenames import SDIST_SUFFIXES, ending_of
from pypimirror.selection import platforms
from pypimirror.selection.kinds import built_for, kind_of
from pypimirror.selection.tags import INTERPRETER

_INSTALLERS = {".exe": "Windows installer", ".msi": "Windows installer", ".dmg": "macOS disk image"}

# PEP 425, 600, 656, 730, 738, 783 and the platform compatibility tags specification.
_ARCHITECTURES = {
    "x86_64": "x86-64",
    "amd64": "x86-64",
    "i686": "x86",
    "i386": "x86",
    "aarch64": "ARM64",
    "arm64": "ARM64",
    "arm64_v8a": "ARM64",
    "armv7l": "ARMv7",
    "armv6l": "ARMv6",
    "armeabi_v7a": "ARMv7",
    "ppc64le": "POWER (ppc64le)",
    "ppc64": "POWER (ppc64)",
    "s390x": "IBM Z",
    "riscv64": "RISC-V",
    "loongarch64": "LoongArch",
    "universal2": "ARM64 and x86-64",
    "intel": "x86-64 and x86",
    "fat32": "x86 and PowerPC",
    "fat64": "x86-64 and PowerPC",
    "universal": "x86-64, x86 and PowerPC",
}
_SYSTEMS = {
    "win32": "Windows x86",
    "win_amd64": "Windows x86-64",
    "win_arm64": "Windows ARM64",
    "win_arm32": "Windows ARM",
    "win_ia64": "Windows Itanium",
}
_MUSL = re.compile(r"musllinux_(\d{1,4})_(\d{1,4})_(\w+)")
_VERSIONED = re.compile(r"(macosx|ios|android|pyodide|pyemscripten|emscripten)_(\d+(?:_\d+)*)_(\w+)")
_VERSIONED_NAMES = {
    "macosx": "macOS",
    "ios": "iOS",
    "android": "Android",
    "pyodide": "Pyodide",
    "pyemscripten": "Emscripten",
    "emscripten": "Emscripten",
}

_PYTHONS = {
    "py": "Python",
    "cp": "Python",
    "pp": "PyPy",
    "graalpy": "GraalPy",
    "ip": "IronPython",
    "jy": "Jython",
}


def kind(filename: str) -> str:
    """Return what a file is; empty where its name does not tell."""
    if filename.endswith(".whl"):
        tags = filename[:-4].rsplit("-", 3)[1:]
        return _wheel(*tags) if len(tags) == 3 else "wheel"
    python, system = built_for(filename)
    if kind_of(filename) == "egg":
        platform = f" for {_platform(system)}" if system else ""
        return f"egg{platform}, Python {python}" if python else "egg"
    if ending_of(filename, SDIST_SUFFIXES):
        return f"built for {_platform(system)}" if system else "source"
    return _INSTALLERS.get(filename.lower()[-4:], "")


@functools.lru_cache(maxsize=4096)
def _wheel(python: str, abi: str, platform: str) -> str:
    return f"wheel for {_platforms(platform)}, {_pythons(python, abi)}"


def _platforms(tags: str) -> str:
    """Return the systems of a set of tags; of several C libraries of one system the oldest is what counts."""
    oldest: dict[str, tuple[int, int]] = {}
    others: dict[str, None] = {}
    for tag in tags.split("."):
        if libc := _libc(tag):
            place, version = libc
            oldest[place] = min(version, oldest.get(place, version))
        else:
            others[_platform(tag)] = None
    named = [f"{place} {major}.{minor})" for place, (major, minor) in oldest.items()]
    return joined([*named, *others])


def _libc(tag: str) -> tuple[str, tuple[int, int]] | None:
    """Return a Linux with the kind of its C library, and the version of that."""
    if musl := _MUSL.fullmatch(tag):
        return f"Linux {_machine(musl[3])} (musl", (int(musl[1]), int(musl[2]))
    found = platforms.read(tag)
    return (f"Linux {_machine(found.arch)} (glibc", found.glibc) if found.glibc else None


def _platform(tag: str) -> str:
    if tag == "any":
        return "any system"
    if tag in _SYSTEMS:
        return _SYSTEMS[tag]
    if found := _VERSIONED.fullmatch(tag):
        system, version, machine = found.groups()
        return f"{_VERSIONED_NAMES[system]} {_device(machine)} ({version.replace('_', '.')})"
    family, _, machine = tag.partition("_")
    return f"Linux {_machine(machine)}" if family == "linux" and machine else tag


def _device(machine: str) -> str:
    """Return a machine of Apple's or another's, or that it is a simulated one."""
    name, _, device = machine.rpartition("_")
    if device in ("iphoneos", "iphonesimulator"):
        return _machine(name) + (" simulator" if device == "iphonesimulator" else "")
    return _machine(machine)


def _machine(tag: str) -> str:
    return _ARCHITECTURES.get(tag, tag)


def _pythons(tags: str, abi: str) -> str:
    """Return the Pythons of a set of tags: `Python 3.8 and 3.9`."""
    versions: dict[str, list[str]] = {}
    for tag in tags.split("."):
        found = INTERPRETER.fullmatch(tag)
        name = _PYTHONS.get(found[1], found[1]) if found else tag
        numbers = versions.setdefault(name, [])
        if found:
            numbers.append(_version(found[1], found[2], found[3], abi))
    return joined([f"{name} {joined(numbers)}".rstrip() for name, numbers in versions.items()])


def _version(implementation: str, major: str, minor: str, abi: str) -> str:
    """Return a version, and whether others do, too: by the stable ABI, or as nothing but Python is needed."""
    if not minor:
        return major
    version = f"{major}.{minor}"
    if implementation == "cp" and "abi3" in abi.split("."):
        return f"{version} and newer"
    if implementation == "cp" and re.fullmatch(r"cp\d+d?t", abi):
        return f"{version} free-threaded"
    return f"{version} and newer" if implementation == "py" and abi == "none" else version


def joined(parts: list[str]) -> str:
    """Return a list in words."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
