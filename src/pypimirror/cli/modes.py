"""What each mode does. One that answers a question imports nothing of what a run needs."""

import gc

from pypimirror import config
from pypimirror.cli.arguments import Arguments
from pypimirror.cli.console import show, show_as_it_is
from pypimirror.config import Config
from pypimirror.report.exit_status import Status
from pypimirror.selection import FileRules, Selection


def run(args: Arguments) -> Status:
    """Do what the command line asks for; raise ConfigError before anything is touched, or any MirrorError."""
    if args.mode == "init":
        from pypimirror.cli import init

        return init.run(args.config)
    configuration = config.load(args.config, args.overrides)
    selection = selection_of(configuration)
    if (answer := _answered(args, configuration, selection)) is not None:
        return answer
    from pypimirror.cli import command

    gc.freeze()  # nobody has to look through it again, nor a worker to copy it
    return command.run(args, configuration, selection)


def _answered(args: Arguments, configuration: Config, selection: Selection) -> Status | None:
    """Do what needs neither lock nor network; return None where more is asked for."""
    if args.mode == "server-config":
        from pypimirror import server_config

        show_as_it_is(server_config.render(configuration, args.server_config or "", str(args.config)))
        return Status.OK
    if args.mode == "check-config":
        from pypimirror.report import config_check

        show(*config_check.lines(configuration, args.config, is_quiet=args.is_quiet))
        return Status.OK
    if args.mode not in ("status", "why", "check"):
        return None
    from pypimirror.cli import questions

    if args.mode == "why":
        return questions.tell_why(configuration, selection, args.why or "")
    answer = questions.status if args.mode == "status" else questions.check
    return answer(configuration, is_json=args.is_json, is_quiet=args.is_quiet)


def selection_of(configuration: Config) -> Selection:
    """Return what a configuration selects, in whatever order it is written."""
    rules = {name: getattr(configuration, name) for name in FileRules.__struct_fields__}
    rules["min_age_exceptions"] = tuple(sorted(set(configuration.min_age_exceptions)))
    return Selection(
        package_matches=configuration.package_matches,
        package_excludes=configuration.package_excludes,
        filename_matches=configuration.filename_matches,
        filename_excludes=configuration.filename_excludes,
        index_url=configuration.index_url,
        provenance=configuration.provenance,
        provenance_required=configuration.provenance_required,
        external_links=configuration.external_links,
        follow_external_index_pages=configuration.follow_external_index_pages,
        roots=repr(
            (
                configuration.requirements.asked,
                configuration.dependencies,
                configuration.dependency_versions,
                configuration.extras,
            )
        ),
        rules=FileRules(**rules),
    )
