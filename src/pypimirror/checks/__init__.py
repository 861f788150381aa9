"""The tree held against the state: after a run that was cut off, at --verify, and at --initial-fetch."""
