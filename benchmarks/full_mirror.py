"""The state of a mirror that holds everything: made without downloading 40 terabytes."""

from pathlib import Path
from typing import Any

from benchmarks.upstream import Upstream
from pypimirror import config
from pypimirror.cli.modes import selection_of
from pypimirror.findings.selected import SELECTED
from pypimirror.model import Digest, File, HeldFile, NormalizedName, Validators
from pypimirror.publishing.pages import fingerprint as fingerprint_of
from pypimirror.state import State
from pypimirror.sync import crawl


def hold(root: Path, configuration: Path, upstream: Upstream) -> None:
    """Record every project of the list as held by the mirror at `root`.

    Of those that upstream has files of, the state has an older serial, and says another thing of each file.
    """
    settings = config.load(configuration, {})
    chosen = selection_of(settings)
    (root / ".pypimirror").mkdir(parents=True, mode=0o700)
    state = State.open(root / ".pypimirror/state.sqlite")
    fingerprint = fingerprint_of(settings)
    has_files = set(upstream.projects)
    for name in map(NormalizedName, upstream.names):
        state.projects.record_page(name, name, None, None)
        files = upstream.files(name) if name in has_files else [_any_file(name)]
        state.files.record_held(name, [_held(file) for file in files])
        state.projects.record_pages_written(
            name, fingerprint, digest=f"page:{len(name):032x}", html_digest=None
        )
        serial = "1" if name in has_files else upstream.serial(name)
        state.projects.mark_current(
            name,
            serial=serial,
            page_serial=serial,
            validators=Validators('"x"', None),
            selection=chosen.fingerprint(name),
        )
    state.notes.set(SELECTED, chosen.of_projects)
    state.notes.set(crawl.SELECTION_NOTE, chosen.of_projects)
    state.files.record_synced()
    state.close()


def _any_file(name: str) -> dict[str, Any]:
    filename = f"{name}-1.0.tar.gz"
    url = f"http://index.example.org/{filename}"
    return {"filename": filename, "url": url, "hashes": {"sha256": "0" * 64}, "size": 9}


def _held(entry: dict[str, Any]) -> HeldFile:
    sha256 = dict(entry["hashes"])["sha256"]
    file = File(
        filename=str(entry["filename"]),
        url=str(entry["url"]),
        digests=(Digest("sha256", sha256),),
        size=entry["size"],
        version="1.0",
        requires_python=">=3.7",
    )
    return HeldFile(file=file, sha256=sha256, size=entry["size"], metadata="0" * 64)
