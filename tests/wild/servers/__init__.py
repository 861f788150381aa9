"""The simple pages of real servers, a few lines each, written by hand from their sources and documentation.

A new case is one more `Recorded` in one of these modules: what differs from the defaults, and no more.
"""

from tests.wild.play import Recorded
from tests.wild.servers.folders import FOLDERS
from tests.wild.servers.hosted import HOSTED
from tests.wild.servers.programs import PROGRAMS
from tests.wild.servers.static import STATIC

RECORDED: dict[str, Recorded] = {
    recorded.name: recorded for recorded in (*PROGRAMS, *HOSTED, *STATIC, *FOLDERS)
}
