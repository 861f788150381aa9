"""How to install from here. Pure."""

from urllib.parse import urlsplit

from pypimirror.addresses import is_secure
from pypimirror.pages.markup import escaped


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
