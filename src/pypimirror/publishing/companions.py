"""What lies beside a file: its core metadata, and the document of its provenance."""

import logging
from collections.abc import Collection

import msgspec

from pypimirror import checksums, documents
from pypimirror.errors import TreeError
from pypimirror.mirror import Mirror
from pypimirror.model import HeldFile, NormalizedName, Provenance
from pypimirror.publishing.tree import Tree
from pypimirror.store import Store
from pypimirror.store.layout import METADATA, PROVENANCE

_log = logging.getLogger(__name__)


def is_there(store: Store, name: NormalizedName, companion: str, sha256: str) -> bool:
    """Tell whether something lies beside a file with the bytes that it had."""
    text = store.read(name, companion)
    return text is not None and checksums.sha256(text) == sha256


def _found(store: Store, name: NormalizedName, held: HeldFile) -> HeldFile:
    """Return `held` with those companions alone that lie beside the file with the bytes that they had."""
    filename, metadata, provenance = held.file.filename, held.metadata, held.provenance
    has_metadata = metadata and is_there(store, name, filename + METADATA, metadata)
    has_provenance = provenance and is_there(store, name, filename + PROVENANCE, provenance.sha256)
    return msgspec.structs.replace(
        held,
        metadata=metadata if has_metadata else None,
        provenance=provenance if has_provenance else None,
    )


def restorable(mirror: Mirror, name: NormalizedName) -> dict[str, HeldFile]:
    """Return the files that left the pages and are still in the tree, with what lies whole beside them."""
    delisted = mirror.state.files.delisted_of(name)
    sizes = mirror.store.sizes(name) if delisted else {}
    return {
        filename: _found(mirror.store, name, held)
        for filename, held in delisted.items()
        if sizes.get(filename) == held.size
    }


def write_metadata(tree: Tree, name: NormalizedName, held: HeldFile, text: bytes) -> HeldFile:
    """Write a file's core metadata beside it, and return the file with it."""
    tree.write_beside(name, held.file.filename + METADATA, text)
    return msgspec.structs.replace(held, metadata=checksums.sha256(text))


def withdraw_metadata(mirror: Mirror, tree: Tree, name: NormalizedName, files: Collection[HeldFile]) -> None:
    """Take the offer of old core metadata off the page before the new one takes its place."""
    mirror.state.files.record_held(name, [msgspec.structs.replace(held, metadata=None) for held in files])
    tree.republish(name)


def keep_provenance(
    mirror: Mirror, tree: Tree, name: NormalizedName, filename: str, document: documents.Document
) -> None:
    """Write a document of provenance beside its file; raise TreeError."""
    if tree.write_beside(name, filename + PROVENANCE, document.content):
        _log.debug("%s: stored %s", name, filename + PROVENANCE)
    provenance = Provenance(
        sha256=checksums.sha256(document.content),
        etag=document.validators.etag,
        last_modified=document.validators.last_modified,
        is_verified=document.is_verified,
    )
    mirror.state.files.record_provenance(name, filename, provenance)


def drop_provenance(mirror: Mirror, tree: Tree, name: NormalizedName, files: Collection[HeldFile]) -> None:
    """Remove documents of provenance that upstream withdrew, or the configuration does."""
    for held in files:
        try:
            tree.remove(name, held.file.filename + PROVENANCE)
        except TreeError as error:
            _log.warning("%s: %s", name, error)
            continue
        mirror.state.files.record_provenance(name, held.file.filename, None)
