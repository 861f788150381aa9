"""Bytes of HTML to text, as browsers find out what they are; what can't be decoded becomes U+FFFD. Pure."""

import codecs
import re
from collections.abc import Iterable, Iterator

_LOOKED_AT = 1024
"""Bytes in which a page may name its encoding (HTML standard, 13.2.3.2)."""

_PIECE = 1 << 16

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_COMMENT = re.compile(rb"<!--.*?(?:-->|$)", re.DOTALL)
_META = re.compile(rb"""<meta\s[^>]*charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_XML = re.compile(rb"""<\?xml\s[^>]*encoding\s*=\s*["']([\w.:-]{1,40})["']""")
# What browsers read as something else than their labels say, and what is no encoding of characters.
_READ_AS = {"latin-1": "cp1252", "iso8859-1": "cp1252", "utf-16": "utf-16-le"}
_NONE = frozenset(
    {"utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "charmap"}
)


def decoded(chunks: Iterable[bytes], charset: str | None) -> Iterator[str]:
    """Yield the text of `chunks`; `charset` is what their Content-Type says."""
    # In pieces, as the text of a large page is up to four times as long as its bytes.
    source = (chunk[start : start + _PIECE] for chunk in chunks for start in range(0, len(chunk), _PIECE))
    head = b""
    for chunk in source:
        head += chunk
        if len(head) >= _LOOKED_AT:
            break
    mark, encoding = _found(head[:_LOOKED_AT], charset)
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    yield decoder.decode(head[len(mark) :])
    del head
    for chunk in source:
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _found(head: bytes, charset: str | None) -> tuple[bytes, str]:
    """Return the byte order mark and the encoding: by that, else by the header, else by the page."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return mark, encoding
    if charset and (known := _encoding(charset)):
        return b"", known
    named = _META.search(_COMMENT.sub(b"", head)) or _XML.match(head)
    inside = _encoding(named[1].decode("ascii", "replace")) if named else None
    # A page whose own words can be read as ASCII is not in what they say here.
    return b"", "utf-8" if inside is None or inside.startswith(("utf-16", "utf-32")) else inside


def _encoding(label: str) -> str | None:
    try:
        found = codecs.lookup(label.strip()[:40])
        b"<".decode(found.name, "ignore")  # raises LookupError for what encodes no text, such as zip
    except (LookupError, ValueError):
        return None
    if found.name in _NONE:
        return None
    return _READ_AS.get(found.name, found.name)
