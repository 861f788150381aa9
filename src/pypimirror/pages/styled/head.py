"""What stands on top of styled pages: their style, what a browser may run, load and send; how to install."""

import base64
import hashlib
from urllib.parse import urlsplit

from pypimirror.addresses import is_secure
from pypimirror.pages.markup import escaped

_COLORS = """
:root{color-scheme:light dark;--text:#1b1f24;--dim:#59636e;--link:#0757ba;--back:#fff;--box:#f3f5f8;
--line:#d8dee4;--bad:#b42318}
@media(prefers-color-scheme:dark){:root{--text:#e3e6ea;--dim:#9aa4b0;--link:#80b3ff;--back:#14171b;
--box:#20252b;--line:#353c45;--bad:#ff9b8f}}
body{margin:auto;padding:1rem;max-width:76rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere;
background:var(--back);color:var(--text)}
h1{margin:0;line-height:1.2}
p{margin:.7rem 0}
pre{margin:.3rem 0;text-indent:-1rem}
a{color:var(--link);text-decoration:none}
a:hover{text-decoration:underline}
pre,.status{padding:.6rem .8rem;border-left:.3rem solid var(--line);background:var(--box);
white-space:pre-wrap}
pre{padding-left:1.8rem}
.status{border-color:var(--bad)}
"""


def squeezed(text: str) -> str:
    """Return a style or a script as it is sent: in one line."""
    return "".join(line.strip() for line in text.splitlines())


def head(style: str, script: str = "") -> str:
    """Return what forbids everything but this style and script, and sizes the page for phones."""
    style = squeezed(_COLORS + style)
    scripts = f";script-src {_hash(script)}" if script else ""
    policy = f"default-src 'none';style-src {_hash(style)}{scripts};base-uri 'none';form-action 'none'"
    return (
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<style>{style}</style>\n"
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


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
