"""What a machine may lack: tests skip with a reason, and in CI they fail, where nothing may be missing."""

import os
from typing import NoReturn

import pytest


def unable(reason: str) -> NoReturn:
    """Skip with a reason; fail in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
