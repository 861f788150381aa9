"""What a machine may lack: tests skip with a reason, and in CI they fail, where nothing may be missing."""

import os
import shutil
from typing import NoReturn

import pytest


def unable(reason: str) -> NoReturn:
    """Skip with a reason; fail in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def program(name: str) -> str | None:
    """Return the path of a program, also where only root looks for it."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
