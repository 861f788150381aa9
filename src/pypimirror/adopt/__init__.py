"""Taking over what is in the tree already: our own after a lost state, and what another tool laid out."""

from pypimirror.adopt.own import is_adopting, own_pages
from pypimirror.adopt.trees import Candidate, Present, Source, raw_folders, remove_leftovers

__all__ = ["Candidate", "Present", "Source", "is_adopting", "own_pages", "raw_folders", "remove_leftovers"]
