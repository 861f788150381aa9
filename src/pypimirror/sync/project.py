"""A project on its way: what is known of it from its page on until it is published."""

from pypimirror.model import HeldFile, Validators
from pypimirror.selection import LeftOut
from pypimirror.sync.crawl import Due
from pypimirror.want import Told


class Project:
    """A project on its way: what upstream's page said, and what is still missing."""

    def __init__(self, due: Due) -> None:
        self.due = due
        self.name = due.name
        self.validators = Validators()
        self.page_serial: str | None = None
        self.is_pending = False
        """Upstream's page is not the one that its list speaks of."""
        self.is_attested = False
        """Only files whose provenance was verified may be on its pages."""
        self.is_missing = False
        """There is none, though the list names the project."""
        self.is_proven = True
        """The page is this project's; another one confirms nothing."""
        self.replaces: frozenset[str] = frozenset()
        """Held files that other content takes the place of."""
        self.told: list[Told] = []
        """What releases require that would come, in a dry run."""
        self.is_new = False
        """Nothing of it was held before."""
        self.brought: dict[str, HeldFile] = {}
        """Files that came in, by their names."""
        self.requires: dict[str, tuple[str, ...]] = {}
        """What files require that came in, by the sha256 of their core metadata."""
        self.left_out: tuple[LeftOut, ...] = ()
        """What rules left out of its page."""
        self.drops: tuple[str, ...] = ()
        """Held files that the selection wants no more, as others came in their place."""
        self.falls_due: float | None = None
        """When a file that is too young now is old enough."""
        self.selection = ""
        """The fingerprint of what selected its files."""
        self.loses = False
        """Files of it leave the pages, unless that is too much."""
        self.missing = 0
        self.metadata: list[tuple[HeldFile, bytes]] = []
        self.arrived = 0
        self.is_whole = True
        self.lacks_some = False
        """Something of it that is wanted is not there; what was refused is there as it was."""
        self.is_left = False
        """It waits for files whose host is not asked any more in this run."""
        self.has_changed = False
        self.is_published = False
        """The published page links to what was held before and no more, as an earlier run came to its end."""
        self.known: frozenset[str] = frozenset()
        """Where it is not, the names to which the page may link."""

    def leave(self) -> None:
        """Note that something of it has to wait for the next run."""
        self.is_whole, self.is_left, self.lacks_some = False, True, True
