"""Connections as urllib3 has them, whose informational answers are not taken for the answer."""

import functools
import http.client

_MOST_INFORMATIONAL = 20
"""Informational answers before the answer itself: a server that sends more never comes to it."""


class Response(http.client.HTTPResponse):
    """The first answer that is no informational one (RFC 9110, 15.2); http.client knows only 100 of these."""

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(_MOST_INFORMATIONAL + 1):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200:
                return version, status, reason
            if status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                raise http.client.HTTPException("the server switches protocols, for which nobody asked")
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException(f"more than {_MOST_INFORMATIONAL} informational answers")


@functools.cache
def reading(base: type) -> type:
    """Return a class of connections like `base`, whose answers are read as `Response`."""
    return type(f"Reading{base.__name__}", (base,), {"response_class": Response})


def is_reading(kind: type) -> bool:
    """Tell whether a class of connections is one of these."""
    return getattr(kind, "response_class", None) is Response
