"""The command line: the ancestor's flags, and ours in the same style."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pypimirror import __version__
from pypimirror.cli.console import show_as_it_is
from pypimirror.cli.usage import Parser, check_first, verify_kind
from pypimirror.server_config import SERVERS

_DESCRIPTION = """\
Keeps a partial or full mirror of a Python package index as plain files, which
any web server can serve. CONFIG is an INI file; "pypimirror --init DIR" writes
one to begin with.
"""

_EPILOG = """\
exit status:
  0  the mirror is what upstream and the configuration say
  1  an error of the machine or of pypimirror itself
  2  wrong usage or configuration; nothing was touched
  3  finished, but some projects or files failed; the next run tries them again
  4  upstream could not be had or trusted; nothing was changed
  5  another run holds the lock
  6  stopped as the disk is full, or at min_free_space; what is there is whole
  7  more would go than may go unasked; nothing was removed, all else done
  130, 143  interrupted; what is there is whole

examples:
  Make a configuration, and fill the mirror:
    pypimirror --init /srv/pypi
    pypimirror /srv/pypi/pypimirror.cfg --update-fetch
  Ask how the mirror is:
    pypimirror /srv/pypi/pypimirror.cfg --status
  Keep it up to date, by a line of /etc/cron.d/pypimirror:
    */6 * * * * pypimirror /usr/bin/pypimirror /srv/pypi/pypimirror.cfg -U
"""

CONFIG_NAME = "pypimirror.cfg"
"""What `--init` writes."""
_FETCHES = ("update-fetch", "initial-fetch")
_LONGEST_WAIT_S = 604_800


class Arguments(NamedTuple):
    """What the command line asks for."""

    config: Path
    mode: str
    """The long option's name."""
    only: tuple[str, ...]
    adopt: Path | None
    """A tree of another tool, absolute."""
    allows_removals: bool
    is_dry: bool
    is_json: bool
    is_hashing: bool
    """Verify digests, not only sizes."""
    is_repairing: bool
    log_console: bool
    why: str | None
    """The project or file to explain."""
    is_quiet: bool
    """Tell trouble alone, also at a terminal."""
    is_wordy: bool
    """-v was given here, not in the configuration."""
    random_delay: float
    """Seconds; the run begins within them."""
    wait_lock: float
    """Seconds to wait for a lock that another run holds."""
    server: str | None
    """The web server whose configuration to print."""
    overrides: Mapping[str, str]
    """Options of the configuration that the command line sets."""


class _SampleConfig(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, **keywords: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **keywords)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from pypimirror.cli import init

        show_as_it_is(init.sample().decode())
        parser.exit()


def parse(argv: Sequence[str]) -> Arguments:
    """Read the command line; raise UsageError for one that can't be used."""
    parser = _parser()
    if not argv:
        parser.print_usage()
        parser.exit(2)
    check_first(argv, parser.format_usage())
    options = parser.parse_args(argv)
    _check(parser, options)
    return Arguments(
        config=options.config or options.init / CONFIG_NAME,
        mode=options.mode,
        only=tuple(options.project),
        adopt=Path.cwd() / options.adopt if options.adopt else None,
        allows_removals=options.allow_removals,
        is_dry=options.dry_run,
        is_json=options.json,
        is_hashing=options.verify == "hash",
        is_repairing=options.repair,
        log_console=options.log_console,
        why=options.why,
        is_quiet=options.quiet,
        is_wordy=options.verbose,
        random_delay=options.random_delay,
        wait_lock=options.wait_lock,
        server=options.server_config,
        overrides=_overrides(options),
    )


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Turn what has a value into a mode, and end the program where options don't go together."""
    modes = ("verify", "why", "server-config", "init")
    for mode, value in ((name, getattr(options, name.replace("-", "_"))) for name in modes):
        if value is not None and options.mode is not None:
            parser.error(f"--{mode} and --{options.mode} are two modes")
        options.mode = mode if value is not None else options.mode
    if options.mode is None:
        parser.error(
            "name a mode: --update-fetch, --initial-fetch, --indexes-only, --verify, --status, --why,"
            " --check, --check-config, --server-config, or --init"
        )
    _check_config(parser, options)
    if options.project and options.mode not in _FETCHES:
        parser.error(f"--project limits a fetch; --{options.mode} fetches nothing")
    if options.adopt and options.mode not in _FETCHES:
        parser.error(f"--adopt is for a fetch; --{options.mode} fetches nothing")
    if options.dry_run and options.mode not in (*_FETCHES, "indexes-only"):
        parser.error("--dry-run is for the modes that fetch and write")
    if options.json and not (options.mode in ("status", "check") or options.dry_run):
        parser.error("--json goes with --status, --check and --dry-run")
    if options.repair and options.mode != "verify":
        parser.error("--repair goes with --verify")
    _check_schedule(parser, options)


def _check_config(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.mode == "init" and options.config is not None:
        parser.error("--init writes a configuration; give it a folder, and no CONFIG")
    if options.mode != "init" and options.config is None:
        parser.error("name the configuration file, CONFIG; pypimirror --init DIR makes one")


def _check_schedule(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.quiet and options.log_console:
        parser.error("--quiet and --log-console contradict each other")
    for name, value in (("random-delay", options.random_delay), ("wait-lock", options.wait_lock)):
        if value and options.mode not in (*_FETCHES, "indexes-only", "verify"):
            parser.error(f"--{name} is for runs that take the lock; --{options.mode} takes none")


def _folder(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("name a folder")
    return Path(text).expanduser()


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= _LONGEST_WAIT_S:  # not a number is no number in there
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to {_LONGEST_WAIT_S}")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="pypimirror",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # what stands in a crontab shall mean one thing for ever
        usage="%(prog)s CONFIG MODE [options]\n       %(prog)s --init DIR",
    )
    parser.add_argument("config", metavar="CONFIG", nargs="?", type=Path, help="the configuration file")
    _add_modes(parser)
    fetching = parser.add_argument_group("what to do")
    fetching.add_argument(
        "--project",
        metavar="NAME",
        action="append",
        default=[],
        help="fetch this one of the selected projects alone (may be given several times)",
    )
    fetching.add_argument(
        "--adopt",
        metavar="DIR",
        help="take files out of this folder, such as bandersnatch's web/, where they are what upstream has",
    )
    fetching.add_argument(
        "--repair", action="store_true", help="with --verify: fetch and write again what is wrong"
    )
    fetching.add_argument(
        "--json", action="store_true", help="with --status, --check, --dry-run: for machines"
    )
    fetching.add_argument(
        "--dry-run",
        action="store_true",
        help="print what the run would do, and write nothing but the log",
    )
    fetching.add_argument(
        "--allow-removals",
        action="store_true",
        help="remove what upstream dropped, though it is more than removal_limit, or what the configuration"
        " no longer selects, though it is more than half",
    )
    _add_schedule(parser)
    _add_words(parser)
    external = parser.add_argument_group("files that lie elsewhere")
    external.add_argument(
        "-e",
        "--follow-external-links",
        action="store_true",
        help="download files that pages link to elsewhere",
    )
    external.add_argument(
        "-x",
        "--follow-external-index-pages",
        action="store_true",
        help="together with -e: look for such files on linked pages, too",
    )
    old = parser.add_argument_group("from the days of z3c.pypimirror")
    old.add_argument(
        "-d", "--fetch-since-days", metavar="DAYS", help="accepted and ignored: updates are exact"
    )
    parser.add_argument(
        "--version", action="version", version=f"pypimirror {__version__}", help="print the version"
    )
    parser.add_argument(
        "--sample-config", action=_SampleConfig, help="print a configuration file with every option"
    )
    return parser


def _add_schedule(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("schedules")
    group.add_argument(
        "--random-delay",
        metavar="SECONDS",
        type=_seconds,
        default=0.0,
        help="begin at a random moment within so many seconds, so that not all mirrors ask at once",
    )
    group.add_argument(
        "--wait-lock",
        metavar="SECONDS",
        type=_seconds,
        default=0.0,
        help="wait so long for the lock while another run holds it; then end with status 5",
    )


def _add_words(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("log and terminal")
    group.add_argument("-v", "--verbose", action="store_true", help="log more")
    group.add_argument(
        "-q", "--quiet", action="store_true", help="say nothing but trouble, also on a terminal"
    )
    group.add_argument("-c", "--log-console", action="store_true", help="copy the log to the console")
    group.add_argument("-f", "--log-filename", metavar="FILE", help="the log file")


def _add_modes(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("modes")
    modes = group.add_mutually_exclusive_group()
    for short, name, text in (
        ("-U", "update-fetch", "bring the mirror up to date; an empty one is filled"),
        ("-I", "initial-fetch", "the same, and check every project and file whatever the state says"),
        ("-i", "indexes-only", "write all pages anew, without network"),
    ):
        modes.add_argument(short, f"--{name}", dest="mode", action="store_const", const=name, help=text)
    modes.add_argument(
        "--status",
        dest="mode",
        action="store_const",
        const="status",
        help="say how the mirror is; status 0 if the last run was good and is young enough,"
        " 6 if the disk is full, else 3",
    )
    group.add_argument(
        "--verify",
        nargs="?",
        const="sizes",
        type=verify_kind,
        metavar="hash",
        help="compare files and pages with the state; with --verify=hash read every file",
    )
    for name, text in (
        ("check", "say what the mirrored releases require and the mirror lacks, without network"),
        ("check-config", "say what the configuration asks for, and what in it looks wrong"),
    ):
        modes.add_argument(f"--{name}", dest="mode", action="store_const", const=name, help=text)
    group.add_argument(
        "--why",
        metavar="NAME",
        help="say why a project or a file is mirrored, or is not, without network",
    )
    group.add_argument(
        "--server-config",
        choices=tuple(SERVERS),
        metavar="|".join(SERVERS),
        help="print a configuration of this web server for the mirror",
    )
    group.add_argument(
        "--init",
        metavar="DIR",
        type=_folder,
        help="write DIR/pypimirror.cfg, make DIR/mirror, and say what comes next; needs no CONFIG",
    )


def _overrides(options: argparse.Namespace) -> dict[str, str]:
    flags = {
        "verbose": options.verbose,
        "external_links": options.follow_external_links,
        "follow_external_index_pages": options.follow_external_index_pages,
    }
    overrides = {name: "True" for name, is_set in flags.items() if is_set}
    if options.log_filename:
        # What a shell completes is relative to where one stands, not to the configuration file.
        overrides["log_filename"] = str(Path.cwd() / options.log_filename)
    if options.fetch_since_days is not None:
        overrides["fetch_since_days"] = options.fetch_since_days
    return overrides
