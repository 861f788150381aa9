"""Files on other hosts than the index's: looked for behind its links, fetched, pinned, published.

The folder may be deleted: nothing else imports it but where links are followed, or were.
"""

from pypimirror.external.seam import opened

__all__ = ["opened"]
