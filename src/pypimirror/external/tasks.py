"""What workers do at other hosts than the index's: frozen values with `run`, each with a value out."""

from typing import NamedTuple

from pypimirror.disk import FreeSpace
from pypimirror.download import Into
from pypimirror.errors import BadPageError, MirrorError, NotFoundError, UnavailableError
from pypimirror.external import fetch as fetching
from pypimirror.external.model import Origin
from pypimirror.model import File, Link, NormalizedName, Validators
from pypimirror.selection import Selection
from pypimirror.simple import download_url
from pypimirror.store import Temporary
from pypimirror.upstream import NotModified, Upstream
from pypimirror.workers import guarded


class LegacyDocument(NamedTuple):
    """Where a legacy JSON document says that its project can be downloaded, if it does."""

    link: Link | None = None
    is_known: bool = True
    """It is such a document of the index's own; whatever else comes tells nothing."""


class DocumentTask(NamedTuple):
    """A project whose legacy JSON document is to be read; this one is upstream's own."""

    name: NormalizedName

    def run(self, upstream: Upstream) -> LegacyDocument | MirrorError:
        """Read the document, if upstream has such."""
        return guarded(lambda: _document(upstream, self.name))


class LinkTask(NamedTuple):
    """A link behind which it is to be looked for files."""

    name: NormalizedName
    link: Link
    selection: Selection | None
    """What of a page is wanted; None where pages are not to be read."""
    dead: frozenset[str]
    """Hosts that are not asked."""

    def run(self, upstream: Upstream) -> fetching.Looked | MirrorError:
        """Look what is behind the link."""
        return guarded(lambda: self._look(upstream))

    def _look(self, upstream: Upstream) -> fetching.Looked | MirrorError:
        selection = self.selection
        is_wanted = None if selection is None else lambda filename: selection.why_not(filename) is None
        return fetching.look(upstream.external, self.link, self.name, is_wanted=is_wanted, dead=self.dead)


class FetchTask(NamedTuple):
    """A file to fetch, unless it is what it was."""

    name: NormalizedName
    file: File
    temporary: Temporary
    origin: Origin
    """With what may tell that it is what it was; where nothing does, the bytes do."""
    space: FreeSpace
    """What files may take."""
    dead: frozenset[str]
    """Hosts that are not asked."""
    candidate: None = None
    """Nothing in the tree stands for what lies fetching."""

    def run(self, upstream: Upstream) -> fetching.Brought | fetching.SameFile | MirrorError | OSError:
        """Fetch the file."""
        with self.temporary.open() as file:
            into = Into(file, None, self.space.check_file)
            return guarded(lambda: fetching.fetch(upstream, self.file, self.origin, into, self.dead))


def _document(upstream: Upstream, name: NormalizedName) -> LegacyDocument:
    url = upstream.document_url(name)
    try:
        fetched = upstream.page(url, accept="application/json", validators=Validators(), is_of_index=False)
        assert not isinstance(fetched, NotModified)
        return LegacyDocument(download_url(fetched.content, fetched.url), upstream.is_own(fetched.url))
    except (NotFoundError, BadPageError):
        return LegacyDocument(is_known=False)
    except UnavailableError as error:
        # Whatever an index answers that knows nothing of such documents.
        if error.may_pass or not error.reason.startswith("answers 4"):
            raise
        return LegacyDocument(is_known=False)
