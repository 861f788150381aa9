"""Where redirects may lead."""

from collections.abc import Callable

from pypimirror.addresses import shown
from pypimirror.errors import UnavailableError
from pypimirror.upstream.trouble import redirected


def onwards(url: str, location: str, may_leave_https: Callable[[str], bool]) -> str:
    """Return where a redirect leads; raise UnavailableError where nobody may follow it."""
    target = redirected(url, location)
    if url.startswith("https:") and not target.startswith("https:") and not may_leave_https(target):
        reason = f"redirects from https to http ({shown(target)}), where anybody may have changed it"
        raise UnavailableError(url, reason, may_pass=False)
    return target


def never(_url: str) -> bool:
    """Let no redirect lead from https to http."""
    return False


def always(_url: str) -> bool:
    """Let redirects lead wherever they do: a digest tells what comes."""
    return True
