"""The command line: the ancestor's flags, and ours in the same style."""

import argparse
import importlib.resources
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pypimirror import __version__
from pypimirror.cli.console import show_as_it_is
from pypimirror.cli.usage import Parser, check_first, verify_kind
from pypimirror.server_config import SERVERS

_DESCRIPTION = """\
Keeps a partial or full mirror of a Python package index as plain files, which any web server can serve.
CONFIG is an INI file; "pypimirror --sample-config" prints one to begin with.
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
  7  upstream lost more than removal_limit; nothing was removed, all else was done
  130, 143  interrupted; what is there is whole

in /etc/crontab or /etc/cron.d (a crontab of a user has no field for the user):
  */6 * * * * pypimirror /usr/bin/pypimirror /etc/pypimirror.cfg --update-fetch
"""


_FETCHES = ("update-fetch", "initial-fetch")


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
    server: str | None
    """The web server whose configuration to print."""
    overrides: Mapping[str, str]
    """Options of the configuration that the command line sets."""


class _SampleConfig(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:  # noqa: A002
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        sample = importlib.resources.files("pypimirror").joinpath("pypimirror.cfg.sample")
        show_as_it_is(sample.read_text("utf-8"))
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
        config=options.config,
        mode=options.mode,
        only=tuple(options.project),
        adopt=Path.cwd() / options.adopt if options.adopt else None,
        allows_removals=options.allow_removals,
        is_dry=options.dry_run,
        is_json=options.json,
        is_hashing=options.verify == "hash",
        is_repairing=options.repair,
        log_console=options.log_console,
        server=options.server_config,
        overrides=_overrides(options),
    )


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Turn what has a value into a mode, and end the program where options don't go together."""
    for mode, value in (("verify", options.verify), ("server-config", options.server_config)):
        if value is not None and options.mode is not None:
            parser.error(f"--{mode} and --{options.mode} are two modes")
        options.mode = mode if value is not None else options.mode
    if options.mode is None:
        parser.error(
            "name a mode: --update-fetch, --initial-fetch, --indexes-only, --verify, --status,"
            " or --server-config"
        )
    if options.project and options.mode not in _FETCHES:
        parser.error(f"--project limits a fetch; --{options.mode} fetches nothing")
    if options.adopt and options.mode not in _FETCHES:
        parser.error(f"--adopt is for a fetch; --{options.mode} fetches nothing")
    if options.dry_run and options.mode not in (*_FETCHES, "indexes-only"):
        parser.error("--dry-run is for the modes that fetch and write")
    if options.json and options.mode != "status":
        parser.error("--json goes with --status")
    if options.repair and options.mode != "verify":
        parser.error("--repair goes with --verify")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="pypimirror",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # what stands in a crontab shall mean one thing for ever
        usage="%(prog)s CONFIG MODE [options]",
    )
    parser.add_argument("config", metavar="CONFIG", type=Path, help="the configuration file")
    _add_modes(parser)
    fetching = parser.add_argument_group("options")
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
    fetching.add_argument("--json", action="store_true", help="with --status: for machines")
    fetching.add_argument(
        "--dry-run",
        action="store_true",
        help="print what the run would do, and write nothing but the log",
    )
    fetching.add_argument(
        "--allow-removals",
        action="store_true",
        help="remove what upstream no longer has, though it is more than removal_limit",
    )
    fetching.add_argument("-v", "--verbose", action="store_true", help="log more")
    fetching.add_argument("-c", "--log-console", action="store_true", help="copy the log to the console")
    fetching.add_argument("-f", "--log-filename", metavar="FILE", help="the log file")
    fetching.add_argument(
        "-e",
        "--follow-external-links",
        action="store_true",
        help="download files that pages link to elsewhere",
    )
    fetching.add_argument(
        "-x",
        "--follow-external-index-pages",
        action="store_true",
        help="together with -e: look for such files on linked pages, too",
    )
    fetching.add_argument(
        "-d", "--fetch-since-days", metavar="DAYS", help="accepted and ignored: updates are exact"
    )
    parser.add_argument("--version", action="version", version=f"pypimirror {__version__}")
    parser.add_argument(
        "--sample-config", action=_SampleConfig, help="print a configuration file with every option"
    )
    return parser


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
    group.add_argument(
        "--server-config",
        choices=tuple(SERVERS),
        metavar="|".join(SERVERS),
        help="print a configuration of this web server for the mirror",
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
