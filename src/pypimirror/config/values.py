"""The configuration as one frozen value."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from pypimirror.addresses import without_credentials
from pypimirror.model import Digest, File, NormalizedName
from pypimirror.requirements import Roots
from pypimirror.selection import Blocked, LatestReleases, Prereleases, ProjectVersions


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A sound configuration. Paths are absolute, addresses of an index end in a slash."""

    mirror_file_path: Path
    package_matches: tuple[str, ...]
    """Empty where `requirements` alone say what to mirror: no project is selected by a pattern."""
    package_excludes: tuple[str, ...]
    filename_matches: tuple[str, ...]
    filename_excludes: tuple[str, ...]
    python_versions: tuple[str, ...]
    """Sorted, as what follows is, so that the order in which it was written means nothing."""
    platforms: tuple[str, ...]
    implementations: tuple[str, ...]
    glibc: tuple[int, int] | None
    """None is any."""
    file_types: tuple[str, ...]
    versions: ProjectVersions
    excluded_versions: ProjectVersions
    prereleases: Prereleases
    yanked: bool
    latest_releases: LatestReleases
    min_age_days: float
    min_age_exceptions: tuple[str, ...]
    min_age_unknown: str
    """`hold` or `allow`."""
    blocked_files: Blocked
    max_file_size: int
    """Bytes, 0 is any; so is the next."""
    max_project_size: int
    index_url: str
    index_hosts: tuple[str, ...]
    """Globs in lower case, as the next two."""
    private_hosts: tuple[str, ...]
    accept_unverified: tuple[str, ...]
    ca_bundle: Path | None
    client_certificate: tuple[Path, ...]
    """One file with certificate and key, or one for each."""
    base_url: str
    lock_file_name: Path
    log_filename: Path
    state_dir: Path
    cleanup: bool
    create_indexes: bool
    full_index: bool
    name_links: bool
    provenance: bool
    provenance_required: tuple[str, ...]
    verbose: bool
    external_links: bool
    follow_external_index_pages: bool
    external_links_everything: bool
    external_http: bool
    external_hosts: tuple[str, ...]
    """Globs in lower case."""
    external_interval_hours: float
    fetch_since_days: int
    workers: int | None
    """None is as many as suit."""
    timeout: float
    retries: int
    minimum_speed: int
    max_rate: int
    removal_grace_hours: float
    removal_limit: float
    removal_window_hours: float
    """For so long what was removed counts for the limit."""
    revalidate_days: float
    replace_changed_files: bool
    accepted_changes: tuple[tuple[str, Digest], ...]
    min_free_space: int
    status_max_age_hours: float
    requirements: Roots
    """What the files of the option ask for, as their content is a part of the configuration."""
    exact: bool
    dependencies: bool
    dependency_versions: str
    """`matching` or `all`."""
    extras: tuple[tuple[NormalizedName, tuple[str, ...]], ...]
    """Of projects that are selected by name or pattern: in PEP 685 form, sorted."""
    # What is written and called when a run is over.
    status_page: bool
    status_page_interval: float
    """Hours."""
    report: Path | None
    metrics: Path | None
    changed_paths: Path | None
    on_success: tuple[str, ...]
    """Words of a command, as the next two; empty is none."""
    on_failure: tuple[str, ...]
    on_change: tuple[str, ...]
    hook_timeout: float
    expect_mirror: bool
    """Refuse a folder that holds no mirror yet, as an unmounted disk's does."""

    page_style: str
    """`styled` or `plain`."""
    plain_index_above: tuple[int, int]
    """How many projects on the root page, and files on a project's page, are styled at most."""

    warnings: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """What tells this configuration from others; how much is logged, and where, changes nothing."""
        told = replace(self, verbose=False, log_filename=Path(), expect_mirror=False)
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    @property
    def shown_index_url(self) -> str:
        """The index without name and password."""
        return without_credentials(self.index_url)

    @property
    def state_path(self) -> Path:
        """The state's database."""
        return self.state_dir / "state.sqlite"

    def accepts(self, file: File) -> bool:
        """Tell whether this content may take the place of what is held under the file's name."""
        return self.replace_changed_files or any(
            (file.filename, digest) in self.accepted_changes for digest in file.digests
        )

    def accepts_bytes(self, filename: str, sha256: str) -> bool:
        """Tell whether these bytes may take the place of others under a name."""
        return self.replace_changed_files or (filename, Digest("sha256", sha256)) in self.accepted_changes
