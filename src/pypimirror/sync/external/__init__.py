"""Files that lie elsewhere than on the index: looked for behind its links, fetched, pinned, published."""

from pypimirror.sync.external.stage import follow

__all__ = ["follow"]
