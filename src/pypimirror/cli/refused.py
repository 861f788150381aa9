"""What follows a run that found no mirror where one is expected: others than cron's reader hear of it, too.

Nothing is written into the mirror's folder, which may be the empty one below a disk that is not mounted.
"""

import time
from pathlib import Path

from pypimirror import config
from pypimirror.cli import hooks
from pypimirror.cli.afterwards import told_by
from pypimirror.cli.arguments import Arguments
from pypimirror.cli.console import say
from pypimirror.cli.report_files import ReportFiles, known
from pypimirror.config import Config
from pypimirror.printable import printable
from pypimirror.report.exit_status import Status
from pypimirror.report.outcome import Outcome
from pypimirror.report.run_report import RunEnd


def tell(args: Arguments, line: str, *, is_news: bool) -> None:
    """Write report and metrics, and call `on_failure`; `line` is what was told of the run."""
    configuration = config.load(args.config, args.overrides)
    files = ReportFiles(configuration)
    files.report = _outside(files.report, configuration)
    files.changed_paths = _outside(files.changed_paths, configuration)
    now = time.time()
    report, values = known(configuration, now)
    ended = RunEnd(mode=args.mode, started=now, ended=now, status=Status.USAGE, summary=printable(line))
    files.write_report(Outcome(Status.USAGE, printable(line)), ended, report)
    files.write_metrics(values, Status.USAGE)
    if configuration.on_failure:
        environment = told_by(configuration, files, "on_failure") | {
            "PYPIMIRROR_STATUS": str(int(Status.USAGE)),
            "PYPIMIRROR_SUMMARY": printable(line),
            "PYPIMIRROR_NEWS": str(int(is_news)),
        }
        timeout = configuration.hook_timeout
        if reason := hooks.call("on_failure", configuration.on_failure, environment, timeout=timeout):
            files.reasons["on_failure"] = reason
    if is_news:
        say(*(f"pypimirror: {option}: {reason}" for option, reason in files.reasons.items()))


def _outside(path: Path | None, configuration: Config) -> Path | None:
    """Return a path that is not below the mirror's folder."""
    return None if path is None or path.is_relative_to(configuration.mirror_file_path) else path
