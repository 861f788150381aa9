"""`--status`: print how the mirror is."""

from contextlib import closing

from pypimirror.cli import folders
from pypimirror.cli.console import show, show_as_it_is
from pypimirror.config import Config
from pypimirror.report.exit_status import Status
from pypimirror.report.mirror_status import StatusReport, of_nothing, of_state
from pypimirror.report.status_text import as_json, as_lines
from pypimirror.state import damage_told
from pypimirror.state.reading import Reading
from pypimirror.store import check_state


def run(config: Config, *, is_json: bool, is_quiet: bool = False) -> Status:
    """Print how the mirror is; return OK only if the last run was good and is young enough, else why not.

    One who `is_quiet` hears of it only where it is not well; a program, which asks for JSON, always.
    """
    path = config.state_path
    check_state(path)
    if not path.exists():
        hint = "--update-fetch makes it"
        if config.expect_mirror:
            hint = f"{config.mirror_file_path} {folders.NO_MIRROR}"
        report = of_nothing(config, f"there is no state yet ({path}); {hint}")
        _show(report, is_json=is_json)
        return Status.FAILURES
    with damage_told(path, is_writer=False), closing(Reading.open_read_only(path)) as state:
        report = of_state(config, state)
        if is_json or not (is_quiet and report.is_good):
            _show(report, is_json=is_json)  # moments that can't be are seen here
    if report.is_full:
        return Status.FULL
    return Status.OK if report.is_good else Status.FAILURES


def _show(report: StatusReport, *, is_json: bool) -> None:
    if is_json:
        show_as_it_is(f"{as_json(report)}\n")  # its escapes are JSON's
    else:
        show(*as_lines(report))
