"""The seam to files on other hosts than the index's: five calls, which do nothing without such links."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from pypimirror.model import Link, NormalizedName

if TYPE_CHECKING:
    from pypimirror.run import Run


class ExternalLinks:
    """Files that come by links to other hosts: none, unless such links are followed."""

    def note(
        self, name: NormalizedName, links: tuple[Link, ...] | None, *, can_remove: bool, has_news: bool
    ) -> None:
        """Record what a project's page links to; None where it can't tell that.

        A page that `can_remove` tells that other links are gone; one that `has_news` is a reason to look.
        """

    def owned(self, _name: NormalizedName, /) -> frozenset[str]:
        """Return the names of the external files: the page of a project does not tell of them."""
        return frozenset()

    def follow(self, run: "Run") -> None:
        """Ask other hosts, when nothing is left to be done that could have to wait for them.

        Raises DiskFullError, or OSError of the machine.
        """

    def deselect(self) -> dict[NormalizedName, list[str]]:
        """Return the files that the configuration no longer wants, by project."""
        return {}

    def forget(self, name: NormalizedName, filenames: Collection[str]) -> None:
        """Forget that files are external: the index has them itself now."""
