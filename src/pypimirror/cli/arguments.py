"""The command line: the ancestor's flags, and ours in the same style."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

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
_LONGEST_WAIT_S = 604_800


class Arguments(argparse.Namespace):
    """What the command line asks for."""

    config: Path
    mode: str
    """The long option's name."""
    only: list[str]
    adopt: Path | None
    """A tree of another tool, absolute."""
    allows_removals: bool
    is_dry: bool
    is_json: bool
    verify: str | None
    """What it compares: `sizes`, or `hash`es."""
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
    server_config: str | None
    """The web server whose configuration to print."""

    @property
    def overrides(self) -> dict[str, str]:
        """Options of the configuration that the command line sets."""
        given = {
            "verbose": self.is_wordy,
            "external_links": self.follow_external_links,
            "follow_external_index_pages": self.follow_external_index_pages,
            "log_filename": self.log_filename,
            "fetch_since_days": self.fetch_since_days,
        }
        return {name: str(value) for name, value in given.items() if value not in (None, False)}


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
    args = parser.parse_args(argv, Arguments())
    _check(parser, args)
    args.config = args.config or args.init / CONFIG_NAME
    return args


def _check(parser: argparse.ArgumentParser, args: Arguments) -> None:
    """Turn what has a value into a mode, and end the program where options don't go together."""
    for mode in ("verify", "why", "server-config", "init"):
        if getattr(args, mode.replace("-", "_")) is not None:
            if args.mode is not None:
                parser.error(f"--{mode} and --{args.mode} are two modes")
            args.mode = mode
    if args.mode is None:
        parser.error(
            "name a mode: --update-fetch, --initial-fetch, --indexes-only, --verify, --status, --why,"
            " --check, --check-config, --server-config, or --init"
        )
    mode = args.mode
    fetches = mode in ("update-fetch", "initial-fetch")
    writes = fetches or mode == "indexes-only"
    locks = writes or mode == "verify"
    answers = args.is_dry or mode in ("status", "check")
    no_lock = f"is for runs that take the lock; --{mode} takes none"
    is_init, has_config = mode == "init", args.config is not None
    for is_wrong, message in (
        (is_init and has_config, "--init writes a configuration; give it a folder, and no CONFIG"),
        (not (is_init or has_config), "name the configuration file, CONFIG; pypimirror --init DIR makes one"),
        (args.only and not fetches, f"--project limits a fetch; --{mode} fetches nothing"),
        (args.adopt and not fetches, f"--adopt is for a fetch; --{mode} fetches nothing"),
        (args.is_dry and not writes, "--dry-run is for the modes that fetch and write"),
        (args.is_json and not answers, "--json goes with --status, --check and --dry-run"),
        (args.is_repairing and mode != "verify", "--repair goes with --verify"),
        (args.is_quiet and args.log_console, "--quiet and --log-console contradict each other"),
        (args.random_delay and not locks, f"--random-delay {no_lock}"),
        (args.wait_lock and not locks, f"--wait-lock {no_lock}"),
    ):
        if is_wrong:
            parser.error(message)


def _from_here(text: str) -> Path | None:
    """Read a path that a shell completed: it is relative to where one stands, not to the configuration."""
    return Path.cwd() / text if text else None


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
    _add_work(parser)
    _add_schedule(parser)
    _add_words(parser)
    external = partial(
        parser.add_argument_group("files that lie elsewhere").add_argument, action="store_true"
    )
    external("-e", "--follow-external-links", help="download files that pages link to elsewhere")
    external(
        "-x",
        "--follow-external-index-pages",
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


def _add_modes(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("modes")
    modes = group.add_mutually_exclusive_group()

    def add(text: str, name: str, *short: str) -> None:
        modes.add_argument(*short, f"--{name}", dest="mode", action="store_const", const=name, help=text)

    add("bring the mirror up to date; an empty one is filled", "update-fetch", "-U")
    add("the same, and check every project and file whatever the state says", "initial-fetch", "-I")
    add("write all pages anew, without network", "indexes-only", "-i")
    add(
        "say how the mirror is; status 0 if the last run was good and is young enough,"
        " 6 if the disk is full, else 3",
        "status",
    )
    group.add_argument(
        "--verify",
        nargs="?",
        const="sizes",
        type=verify_kind,
        metavar="hash",
        help="compare files and pages with the state; with --verify=hash read every file",
    )
    add("say what the mirrored releases require and the mirror lacks, without network", "check")
    add("say what the configuration asks for, and what in it looks wrong", "check-config")
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


def _add_work(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to do")
    group.add_argument(
        "--project",
        dest="only",
        metavar="NAME",
        action="append",
        default=[],
        help="fetch this one of the selected projects alone (may be given several times)",
    )
    group.add_argument(
        "--adopt",
        metavar="DIR",
        type=_from_here,
        help="take files out of this folder, such as bandersnatch's web/, where they are what upstream has",
    )
    switch = partial(group.add_argument, action="store_true")
    switch("--repair", dest="is_repairing", help="with --verify: fetch and write again what is wrong")
    switch("--json", dest="is_json", help="with --status, --check, --dry-run: for machines")
    switch("--dry-run", dest="is_dry", help="print what the run would do, and write nothing but the log")
    switch(
        "--allow-removals",
        dest="allows_removals",
        help="remove what upstream dropped, though it is more than removal_limit, or what the configuration"
        " no longer selects, though it is more than half",
    )


def _add_schedule(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("schedules")
    seconds = partial(group.add_argument, metavar="SECONDS", type=_seconds, default=0.0)
    seconds(
        "--random-delay",
        help="begin at a random moment within so many seconds, so that not all mirrors ask at once",
    )
    seconds(
        "--wait-lock", help="wait so long for the lock while another run holds it; then end with status 5"
    )


def _add_words(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("log and terminal")
    switch = partial(group.add_argument, action="store_true")
    switch("-v", "--verbose", dest="is_wordy", help="log more")
    switch("-q", "--quiet", dest="is_quiet", help="say nothing but trouble, also on a terminal")
    switch("-c", "--log-console", help="copy the log to the console")
    group.add_argument("-f", "--log-filename", metavar="FILE", type=_from_here, help="the log file")
