"""Words of others made fit for a line of a log or a terminal. Pure."""

LONGEST = 2000
"""Characters of a line."""


def printable(text: str, most: int = LONGEST) -> str:
    """Return `text` in one line that moves no cursor and turns no direction, cut where it is too long.

    What is not printable (control characters, line ends, marks of direction, halves of characters) is told
    by backslash escapes.
    """
    cut = text[: most + 1]
    if not cut.isprintable():
        cut = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
    if len(text) <= most and len(cut) <= most:
        return cut
    return f"{cut[:most]}... ({len(text):,} characters)"
