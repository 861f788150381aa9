"""How far an adoption came: it begins when a state is new, and what a kill left undone the next run does."""

from pypimirror.mirror import Mirror

NOTE = "adopting"
RAW = "raw names"
"""The last part: what other tools laid out is taken over, project by project."""


def is_adopting(mirror: Mirror) -> bool:
    """Tell whether what is in the tree is still being taken over."""
    return mirror.state.notes.get(NOTE) is not None
