"""Where redirects may lead, and following them."""

import contextlib
from collections.abc import Callable, Iterator

from pypimirror.addresses import shown
from pypimirror.errors import UnavailableError
from pypimirror.upstream.connections import Response
from pypimirror.upstream.deadlines import Deadline
from pypimirror.upstream.trouble import redirected

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@contextlib.contextmanager
def followed(
    url: str,
    watch: Callable[[], Deadline],
    ask: Callable[[str, Deadline], Response],
    onwards: Callable[[str, str], str],
    *,
    most: int,
) -> Iterator[tuple[str, Response, Deadline]]:
    """Yield where redirects led to, the answer from there, and what bounds its time; read no body."""
    for _ in range(most + 1):
        with watch() as deadline:
            response = ask(url, deadline)
            try:
                location = response.fields.get("location") if response.status in _REDIRECTS else None
                if not location:
                    yield url, response, deadline
                    return
                url = onwards(url, location)
            finally:
                response.release()
    raise UnavailableError(url, f"more than {most} redirects", may_pass=False)


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
