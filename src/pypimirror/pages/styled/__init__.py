"""Pages as people like them: around the same anchors a table or a list, words and a style."""

from pypimirror.pages.styled.project import project_html
from pypimirror.pages.styled.root import root_html

__all__ = ["project_html", "root_html"]
