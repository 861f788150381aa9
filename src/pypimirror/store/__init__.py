"""The only room that opens, renames and removes anything below the mirror's folder."""

from pypimirror.store.changes import JOURNAL, Changes
from pypimirror.store.entries import size_of
from pypimirror.store.folders import Store, aside_folder
from pypimirror.store.layout import (
    FULL,
    HTACCESS,
    HTML,
    JSON,
    METADATA,
    PRIVATE,
    PROVENANCE,
    STATUS_HTML,
    STATUS_JSON,
    SUFFIXES,
    check_root,
    holds_mirror,
    why_no_folder,
)
from pypimirror.store.machine import boot_id
from pypimirror.store.moments import ToldTrouble, note_moment
from pypimirror.store.opened import check_state, check_state_file, read_id
from pypimirror.store.read_only import ReadOnlyStore
from pypimirror.store.temporary import Temporary, TemporaryFile, partial_key

__all__ = [
    "FULL",
    "HTACCESS",
    "HTML",
    "JOURNAL",
    "JSON",
    "METADATA",
    "PRIVATE",
    "PROVENANCE",
    "STATUS_HTML",
    "STATUS_JSON",
    "SUFFIXES",
    "Changes",
    "ReadOnlyStore",
    "Store",
    "Temporary",
    "TemporaryFile",
    "ToldTrouble",
    "aside_folder",
    "boot_id",
    "check_root",
    "check_state",
    "check_state_file",
    "holds_mirror",
    "note_moment",
    "partial_key",
    "read_id",
    "size_of",
    "why_no_folder",
]
