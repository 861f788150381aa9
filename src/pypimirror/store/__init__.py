"""The only room that opens, renames and removes anything below the mirror's folder."""

from pypimirror.store.folders import Store

__all__ = ["Store"]
