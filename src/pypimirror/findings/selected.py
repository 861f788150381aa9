"""Which selection what is held was last brought to, and that a question about it waits."""

SELECTED = "deselected"
"""The note of the selection that what is held follows."""
QUESTION = "question"
"""The note of a question whether so much may go; it is there while nobody answered."""
BLOCKED = "blocked_files"
"""The rule by which files leave at once."""
