"""The one funnel in front of the served tree: record the intent, commit, act, record."""

from pypimirror.publishing.pages import Pages
from pypimirror.publishing.tree import Tree

__all__ = ["Pages", "Tree"]
