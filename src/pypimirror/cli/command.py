"""One run of the command: lock, log, the run itself, and what is said of it."""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pypimirror.adopt import Source
from pypimirror.amounts import duration_text, numbered
from pypimirror.cli import folders, logs, news, person, progress, signals, summary
from pypimirror.cli.arguments import Arguments
from pypimirror.cli.console import say, say_on_terminal
from pypimirror.cli.locks import locked
from pypimirror.cli.recording import recorded
from pypimirror.config import Config
from pypimirror.dependencies import Dependencies
from pypimirror.disk import FreeSpace
from pypimirror.errors import ConfigError, DamagedStateError, MirrorLockedError
from pypimirror.mirror import Counts, Mirror, Tally, open_state
from pypimirror.model import NormalizedName
from pypimirror.pace import MinimumSpeed
from pypimirror.publishing import Pages, Tree
from pypimirror.report.exit_status import Status
from pypimirror.run import InFlight, Options, Progress, Run
from pypimirror.run.external import ExternalLinks
from pypimirror.run.preview import Preview
from pypimirror.selection import Selection
from pypimirror.selection.globs import check_name
from pypimirror.state.trouble import damage_told, move_aside
from pypimirror.store import Store
from pypimirror.store.layout import check_root
from pypimirror.store.read_only import ReadOnlyStore
from pypimirror.upstream import Hosts, Rules, Upstream, check_proxy, is_index_private
from pypimirror.workers import Workers, suitable_processes

if TYPE_CHECKING:
    from pypimirror.cli.afterwards import Afterwards

_log = logging.getLogger(__name__)

_SHORTEST_PATIENCE_S = 20.0
"""A worker that says nothing for so long is given up; they say something each second."""
_AUTOMATIC_WORKERS = 8
_FEWEST_FAILURES = 3


class _Command(NamedTuple):
    """What is asked of a run: by the command line, and by the configuration."""

    args: Arguments
    configuration: Config
    selection: Selection
    only: tuple[NormalizedName, ...]


def run(args: Arguments, configuration: Config, selection: Selection) -> Status:
    """Do a run; raise ConfigError before anything is touched, or any MirrorError."""
    only = _only(args)
    if not (configuration.dependencies or configuration.requirements.roots):
        # Else it is known when the state is open.
        _check_selected(only, selection)
    if _asks(args):
        check_proxy(configuration.index_url)
    check_root(configuration.mirror_file_path)
    folders.check(configuration, args.config)
    if args.adopt is not None:
        folders.check_adopted(args.adopt, configuration)
    person.delay(args)
    store = (ReadOnlyStore if args.is_dry else Store)(configuration.mirror_file_path)
    store.space = FreeSpace(str(store.root), configuration.min_free_space)
    store.prepare()
    try:
        with locked(configuration, args.mode, args.wait_lock, partial(_tell_wait, args)):
            # A look at the tree prints what it warns of anyway.
            is_watched = person.is_there(args) and args.mode != "verify"
            logs.start(configuration, on_console=args.log_console, on_terminal=is_watched)
            follower = _follower(args, configuration, store)
            attempt = partial(_attempt, _Command(args, configuration, selection, only), store, follower)
            return follower.follow(attempt) if follower else attempt()
    except MirrorLockedError as error:
        logs.tell_locked(configuration, str(error), on_console=args.log_console)
        if configuration.metrics and not args.is_dry:
            from pypimirror.cli.report_files import note_locked  # few mirrors write any

            note_locked(configuration)
        if not news.tell_long_run(configuration, is_dry=args.is_dry):
            hint = "; --wait-lock SECONDS waits for it" if not args.wait_lock else ""
            say_on_terminal(f"{error}{hint}")
        return Status.LOCKED


def _tell_wait(args: Arguments, who: str) -> None:
    person.tell(args, f"{who}; waiting for it, {duration_text(args.wait_lock)} at most")


def _follower(args: Arguments, configuration: Config, store: Store) -> "Afterwards | None":
    """Return what follows a run, if anything is configured that does; nothing follows a dry one."""
    files = (configuration.report, configuration.metrics, configuration.changed_paths)
    hooks = (configuration.on_change, configuration.on_success, configuration.on_failure)
    if args.is_dry or not (configuration.status_page or any(files) or any(hooks)):
        return None
    from pypimirror.cli.afterwards import Afterwards

    return Afterwards(configuration, store, mode=args.mode, is_quiet=args.log_console)


def _only(args: Arguments) -> tuple[NormalizedName, ...]:
    problems, found = [], []
    for name in args.only:
        try:
            found.append(check_name(name))
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError("--project", tuple(problems))
    return tuple(dict.fromkeys(found))


def _check_selected(only: tuple[NormalizedName, ...], selection: Selection) -> None:
    wrong = [name for name in only if not selection.selects(name)]
    if wrong:
        why = "is not selected by package_matches and package_excludes, nor required by what is"
        raise ConfigError("--project", tuple(f"{name} {why}" for name in wrong))


def _asks(args: Arguments) -> bool:
    """Tell whether the mode makes any request."""
    return args.mode != "indexes-only" and (args.mode != "verify" or args.is_repairing)


def _workers(configuration: Config, connect: Callable[[], Upstream], hosts: Hosts) -> Workers:
    return Workers(
        connect,
        hosts=hosts,
        parallel=configuration.workers,
        # A rate is kept by one process for itself.
        processes=1 if configuration.max_rate else suitable_processes(),
        patience_s=max(_SHORTEST_PATIENCE_S, 2 * configuration.timeout),
    )


def _attempt(asked: _Command, store: Store, follower: "Afterwards | None") -> Status:
    """Run, and once more without the state where that is damaged."""
    for warning in asked.configuration.warnings:
        _log.warning("%s", warning)
    store.warn_of_umask()
    if left := store.sweep():
        _log.info("removed %s, left by a run that was killed", numbered(left, "temporary file"))
    try:
        return _run_with_state(asked, store, follower)
    except DamagedStateError as error:
        if asked.args.is_dry:
            raise
        message = f"{error}; it is now {move_aside(error.path).name}, and the tree is adopted"
        _log.warning("%s", message)
        say(f"pypimirror: {message}")
        return _run_with_state(asked, store, follower)


def _run_with_state(asked: _Command, store: Store, follower: "Afterwards | None") -> Status:
    args, configuration, selection, _ = asked
    with contextlib.ExitStack() as opened:
        # A signal may come when a file is there that nothing knows of yet.
        opened.callback(store.sweep)
        # Looked up once, so that no name server tells each process another thing.
        is_private = is_index_private(configuration.index_url) if _asks(args) else None
        connect = partial(_upstream, configuration, is_private=is_private)
        upstream = opened.enter_context(contextlib.closing(connect()))
        workers = _workers(configuration, connect, upstream.hosts) if _asks(args) else None
        if workers:
            opened.callback(workers.close)
        opened.enter_context(damage_told(configuration.state_path))
        state = opened.enter_context(contextlib.closing(open_state(configuration, store, is_dry=args.is_dry)))
        with progress.shown(args) as show:
            mirror = Mirror(
                config=configuration, selection=selection, store=store, state=state, clock=time.time
            )
            work = _composed(asked, mirror, upstream, workers, _interruptible(show))
            outcome = recorded(work, args, follower)
        summary.tell(outcome, work, args)
    return outcome.status


def _composed(
    asked: _Command, mirror: Mirror, upstream: Upstream, workers: Workers | None, shown: Progress
) -> Run:
    """Return what the run works with, told what is asked for; raise ConfigError where that can't be."""
    dependencies = Dependencies(mirror)
    dependencies.begin()
    _check_selected(asked.only, mirror.selection)
    person.tell_everything(asked.args, mirror)
    news.tell_another_configuration(mirror.state, asked.args, mirror.clock())
    tally = Tally(started=mirror.clock())
    pages = Pages(mirror, tally, on_progress=lambda: shown(tally.counts, ()))
    return Run(
        mirror=mirror,
        options=_options(asked, mirror.store),
        tally=tally,
        pages=pages,
        tree=Tree(mirror, tally, pages),
        dependencies=dependencies,
        external=_external(mirror, upstream.index_url),
        upstream=upstream,
        workers=workers,
        progress=shown,
    )


def _options(asked: _Command, store: Store) -> Options:
    args = asked.args
    return Options(
        is_recheck=args.mode == "initial-fetch",
        only=asked.only,
        allows_removals=args.allows_removals,
        confirms=(lambda _gone, _held: False) if args.is_dry else person.may_go,
        source=Source(args.adopt, store) if args.adopt else None,
        preview=Preview() if args.is_dry else None,
    )


def _external(mirror: Mirror, index_url: str) -> ExternalLinks:
    """Return the mirror's external links, where they are followed or something of them is left."""
    if not (mirror.config.external_links or mirror.state.had_table("external_files")):
        return ExternalLinks()
    from pypimirror import external  # few mirrors follow links

    return external.opened(mirror, index_url)


def _interruptible(show: Progress) -> Progress:
    """Return `show` with a look for a signal whose exception got lost, and for trouble with the log."""

    def check_and_show(counts: Counts, in_flight: Sequence[InFlight]) -> None:
        signals.check()
        logs.check()
        show(counts, in_flight)

    return check_and_show


def _upstream(configuration: Config, *, is_private: bool | None) -> Upstream:
    return Upstream(
        configuration.index_url,
        timeout=configuration.timeout,
        retries=configuration.retries,
        max_rate=configuration.max_rate,
        minimum_speed=MinimumSpeed(configuration.minimum_speed),
        failures=max(configuration.workers or _AUTOMATIC_WORKERS, _FEWEST_FAILURES),
        rules=Rules(
            configuration.external_hosts,
            allows_http=configuration.external_http,
            index_hosts=configuration.index_hosts,
            private_hosts=configuration.private_hosts,
            accept_unverified=configuration.accept_unverified,
            ca_bundle=str(configuration.ca_bundle or ""),
            client_certificate=tuple(map(str, configuration.client_certificate)),
            is_index_private=is_private,
        ),
    )
