"""Pages of servers in the wild, through the real command: nothing is lost without a word."""

from collections.abc import Callable

import pytest

from tests.fake_index import FakeIndex
from tests.faults import Fault
from tests.index_server import Answer
from tests.mirror import Mirror

MakeMirror = Callable[..., Mirror]
