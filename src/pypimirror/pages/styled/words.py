"""Numbers, and how to install from here, as people read them. Pure."""

from urllib.parse import urlsplit

from pypimirror.addresses import is_secure
from pypimirror.pages.markup import escaped


def counted(number: int, noun: str) -> str:
    """Return a number of things."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def about(number: int, noun: str) -> str:
    """Return a number of things with the two digits that seldom change; a small one as it is."""
    return counted(number, noun) if number < 100 else f"about {counted(rounded(number), noun)}"


def rounded(number: int) -> int:
    """Return a number that is rounded to two digits."""
    return int(float(f"{number:.1e}"))


def size_text(size: float) -> str:
    """Return a number of bytes, in units of 1000."""
    if size < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.5:
            return f"{size:.{1 if size < 9.95 else 0}f} {unit}"
    return f"{size / 1000:,.1f} TB"


def commands(base_url: str, name: str) -> str:
    """Return how a page shows what installs a project from here."""
    return "".join([f"<pre>{escaped(command)}</pre>\n" for command in installing(base_url, name)])


def installing(base_url: str, name: str) -> tuple[str, ...]:
    """Return the commands that install a project from the mirror at `base_url`."""
    url = base_url.rstrip("/") + "/"
    return (
        f"pip install --index-url {url}{_trusted(url)} {name}",
        f"uv pip install --default-index {url} {name}",
    )


def _trusted(url: str) -> str:
    """Return what pip wants to hear of a host that it can't prove."""
    if is_secure(url):
        return ""
    host = urlsplit(url).hostname or ""
    return f" --trusted-host {f'[{host}]' if ':' in host else host}"
