"""pypimirror keeps a mirror of a Python package index as plain files."""

__version__ = "2.0.0.dev1"
