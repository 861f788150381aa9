"""The configuration as one frozen value, each field of it with how its option is read."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_args

from msgspec import Struct
from msgspec.structs import replace

from pypimirror.addresses import without_credentials
from pypimirror.config import choices, readers
from pypimirror.model import Digest, File, NormalizedName
from pypimirror.requirements import Roots
from pypimirror.selection.options import Blocked, LatestReleases, Prereleases, ProjectVersions

if TYPE_CHECKING:
    from pypimirror.requirements.environments import Environments


class Option(NamedTuple):
    """How an option is read, and its default as text; None where it has to be given or is computed."""

    read: Callable[..., Any]
    default: str | None = None
    is_required: bool = False
    takes_folder: bool = False
    """`read` also takes the folder to which paths are relative."""
    names_files: bool = False
    """So it does, as the value may name files to read, by `@FILE`."""


class Config(Struct, frozen=True, kw_only=True):
    """A sound configuration. Paths are absolute, addresses of an index end in a slash."""

    mirror_file_path: Annotated[Path, Option(readers.path, is_required=True, takes_folder=True)]
    package_matches: Annotated[tuple[str, ...], Option(readers.selected_names, names_files=True)]
    """Empty where `requirements` alone say what to mirror: no project is selected by a pattern."""
    package_excludes: Annotated[tuple[str, ...], Option(readers.name_globs, "", names_files=True)]
    filename_matches: Annotated[tuple[str, ...], Option(readers.file_globs, "", names_files=True)]
    filename_excludes: Annotated[tuple[str, ...], Option(readers.excluded_file_globs, "", names_files=True)]
    python_versions: Annotated[tuple[str, ...], Option(choices.python_versions, "")]
    """Sorted, as what follows is, so that the order in which it was written means nothing."""
    platforms: Annotated[tuple[str, ...], Option(choices.platforms, "")]
    implementations: Annotated[tuple[str, ...], Option(choices.implementations, "")]
    glibc: Annotated[tuple[int, int] | None, Option(choices.glibc, "")]
    """None is any."""
    file_types: Annotated[tuple[str, ...], Option(choices.file_types, "")]
    versions: Annotated[ProjectVersions, Option(choices.versions, "", names_files=True)]
    excluded_versions: Annotated[ProjectVersions, Option(choices.versions, "", names_files=True)]
    prereleases: Annotated[Prereleases, Option(choices.prereleases, "True")]
    yanked: Annotated[bool, Option(readers.boolean, "True")]
    latest_releases: Annotated[LatestReleases, Option(choices.latest_releases, "0", names_files=True)]
    min_age_days: Annotated[float, Option(readers.number(0, 3650, "days"), "0")]
    min_age_exceptions: Annotated[tuple[str, ...], Option(readers.name_globs, "", names_files=True)]
    min_age_unknown: Annotated[str, Option(readers.one_of("hold", "allow"), "hold")]
    """`hold` or `allow`."""
    blocked_files: Annotated[Blocked, Option(choices.blocked_files, "", names_files=True)]
    max_file_size: Annotated[int, Option(readers.size, "0")]
    """Bytes, 0 is any; so is the next."""
    max_project_size: Annotated[int, Option(readers.size, "0")]
    index_url: Annotated[str, Option(readers.index_url)]
    index_hosts: Annotated[tuple[str, ...], Option(readers.host_globs, "")]
    """Globs in lower case, as the next two."""
    private_hosts: Annotated[tuple[str, ...], Option(readers.host_globs, "")]
    accept_unverified: Annotated[tuple[str, ...], Option(readers.host_globs, "")]
    ca_bundle: Annotated[Path | None, Option(readers.optional_path, takes_folder=True)]
    client_certificate: Annotated[tuple[Path, ...], Option(readers.certificate, takes_folder=True)]
    """One file with certificate and key, or one for each."""
    base_url: Annotated[str, Option(readers.base_url, "")]
    lock_file_name: Annotated[Path, Option(readers.path, ".pypimirror/lock", takes_folder=True)]
    log_filename: Annotated[Path, Option(readers.path, takes_folder=True)]
    state_dir: Annotated[Path, Option(readers.path, takes_folder=True)]
    cleanup: Annotated[bool, Option(readers.boolean, "True")]
    create_indexes: Annotated[bool, Option(readers.boolean, "True")]
    full_index: Annotated[bool, Option(readers.boolean, "False")]
    name_links: Annotated[bool, Option(readers.boolean, "True")]
    provenance: Annotated[bool, Option(readers.boolean, "False")]
    provenance_required: Annotated[tuple[str, ...], Option(readers.attested_names, "", names_files=True)]
    verbose: Annotated[bool, Option(readers.boolean, "False")]
    external_links: Annotated[bool, Option(readers.boolean, "False")]
    follow_external_index_pages: Annotated[bool, Option(readers.boolean, "False")]
    external_links_everything: Annotated[bool, Option(readers.boolean, "False")]
    external_http: Annotated[bool, Option(readers.boolean, "False")]
    external_hosts: Annotated[tuple[str, ...], Option(readers.host_globs, "")]
    """Globs in lower case."""
    external_interval_hours: Annotated[float, Option(readers.number(0, 87_600, "hours"), "24")]
    fetch_since_days: Annotated[int, Option(readers.whole(0, 100_000), "7")]
    workers: Annotated[int | None, Option(readers.workers, "auto")]
    """None is as many as suit."""
    timeout: Annotated[float, Option(readers.number(0.1, 3600, "seconds"), "30")]
    retries: Annotated[int, Option(readers.whole(0, 100), "4")]
    minimum_speed: Annotated[int, Option(readers.size, "1K")]
    max_rate: Annotated[int, Option(readers.size, "0")]
    removal_grace_hours: Annotated[float, Option(readers.number(0, 87_600, "hours"), "24")]
    removal_limit: Annotated[float, Option(readers.percent, "10")]
    removal_window_hours: Annotated[float, Option(readers.number(0, 87_600, "hours"), "24")]
    """For so long what was removed counts for the limit."""
    revalidate_days: Annotated[float, Option(readers.number(0, 3650, "days"), "30")]
    replace_changed_files: Annotated[bool, Option(readers.boolean, "False")]
    accepted_changes: Annotated[tuple[tuple[str, Digest], ...], Option(readers.changes, "")]
    min_free_space: Annotated[int, Option(readers.size, "1G")]
    status_max_age_hours: Annotated[float, Option(readers.number(0, 87_600, "hours"), "24")]
    requirements: Annotated[Roots, Option(str)]
    """What the files of the option ask for, as their content is a part of the configuration."""
    exact: Annotated[bool, Option(readers.boolean, "False")]
    dependencies: Annotated[bool, Option(readers.boolean, "False")]
    dependency_versions: Annotated[str, Option(readers.one_of("matching", "all"), "matching")]
    """`matching` or `all`."""
    extras: Annotated[tuple[tuple[NormalizedName, tuple[str, ...]], ...], Option(readers.extras, "")]
    """Of projects that are selected by name or pattern: in PEP 685 form, sorted."""
    # What is written and called when a run is over.
    status_page: Annotated[bool, Option(readers.boolean, "False")]
    status_page_interval: Annotated[float, Option(readers.number(0, 87_600, "hours"), "24")]
    """Hours."""
    report: Annotated[Path | None, Option(readers.optional_path, takes_folder=True)]
    metrics: Annotated[Path | None, Option(readers.metrics_path, takes_folder=True)]
    changed_paths: Annotated[Path | None, Option(readers.optional_path, takes_folder=True)]
    on_success: Annotated[tuple[str, ...], Option(readers.command, takes_folder=True)]
    """Words of a command, as the next two; empty is none."""
    on_failure: Annotated[tuple[str, ...], Option(readers.command, takes_folder=True)]
    on_change: Annotated[tuple[str, ...], Option(readers.command, takes_folder=True)]
    hook_timeout: Annotated[float, Option(readers.number(0.1, 86_400, "seconds"), "600")]
    expect_mirror: Annotated[bool, Option(readers.boolean, "False")]
    """Refuse a folder that holds no mirror yet, as an unmounted disk's does."""

    page_style: Annotated[str, Option(readers.one_of("styled", "plain"), "styled")]
    """`styled` or `plain`."""
    plain_index_above: Annotated[tuple[int, int], Option(readers.two_whole, "50000 1000")]
    """How many projects on the root page, and files on a project's page, are styled at most."""

    warnings: tuple[str, ...] = ()

    @property
    def environments(self) -> "Environments":
        """The environments that are mirrored for."""
        from pypimirror.requirements.environments import Environments, environments  # few runs need them

        return Environments(environments(self.python_versions, self.platforms, self.implementations))

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


OPTIONS: Mapping[str, Option] = {
    name: get_args(hint)[1] for name, hint in Config.__annotations__.items() if name != "warnings"
}
