"""Disks of a few kilobytes, real ones: tmpfs, ext4. Where none can be mounted, tests skip, and in CI fail."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.missing import unable


class SmallDisk(NamedTuple):
    """A mounted disk."""

    path: Path

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", self.path], check=True)

    def leave_free(self, size: int) -> None:
        """Fill the disk up to so many bytes; `empty` takes that back."""
        free = os.statvfs(self.path)
        filler = self.path / ".filler"
        filler.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - size)))

    def empty(self) -> None:
        (self.path / ".filler").unlink()


@contextlib.contextmanager
def mounted(path: Path, options: str) -> Iterator[SmallDisk]:
    """Mount a tmpfs with these options while the block runs."""
    with _mounted(path, "-t", "tmpfs", "-o", options, "tmpfs") as disk:
        yield disk


@contextlib.contextmanager
def mounted_image(folder: Path, *, size: int, reserved: int) -> Iterator[SmallDisk]:
    """Mount an ext4 of so many bytes while the block runs; `reserved` for root are so many percent."""
    image = folder / "image"
    with image.open("wb") as file:
        file.truncate(size)
    try:
        subprocess.run(["mkfs.ext4", "-q", "-m", str(reserved), image], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        unable(f"no ext4 can be made here: {error}")
    with _mounted(folder / "disk", "-o", "loop", str(image)) as disk:
        yield disk


@contextlib.contextmanager
def _mounted(path: Path, *what: str) -> Iterator[SmallDisk]:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        unable("only root on Linux can mount a small disk")
    path.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(["mount", *what, path], capture_output=True, text=True, check=False)
    if made.returncode:
        unable(f"no small disk can be mounted here: {made.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", path], check=True)
