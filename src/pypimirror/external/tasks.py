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
from pypimirror.store.temporary import Temporary
from pypimirror.upstream import NotModified, Upstream
from pypimirror.workers import guarded


class LegacyDocument(NamedTuple):
    """Where a legacy JSON document of the index's own says that its project can be downloaded, if it does."""

    link: Link | None


class DocumentTask(NamedTuple):
    """A project whose legacy JSON document is to be read; this one is upstream's own."""

    name: NormalizedName

    def run(self, upstream: Upstream) -> LegacyDocument | MirrorError | None:
        """Read the document; None where what comes is none."""
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
        return guarded(
            lambda: fetching.look(upstream.external, self.link, self.name, self.selection, self.dead)
        )


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

    def run(self, upstream: Upstream) -> fetching.Brought | MirrorError | None:
        """Fetch the file; None where it is what it was."""
        with self.temporary.open() as file:
            into = Into(file, None, self.space.check_file)
            return guarded(lambda: fetching.fetch(upstream, self.file, self.origin, into, self.dead))


def _document(upstream: Upstream, name: NormalizedName) -> LegacyDocument | None:
    url = upstream.document_url(name)
    try:
        fetched = upstream.page(url, accept="application/json", validators=Validators(), is_of_index=False)
        assert not isinstance(fetched, NotModified)
        found = LegacyDocument(download_url(fetched.content, fetched.url))
        return found if upstream.is_own(fetched.url) else None
    except (NotFoundError, BadPageError):
        return None
    except UnavailableError as error:
        # Whatever an index answers that knows nothing of such documents.
        if error.may_pass or not error.reason.startswith("answers 4"):
            raise
        return None
