"""Projects whose files are all in: published some at a time, as each commit of the state takes its while."""

import logging
import time

from pypimirror.amounts import numbered
from pypimirror.errors import TreeError
from pypimirror.publishing import companions
from pypimirror.run import Run
from pypimirror.sync import chosen, record, spelling
from pypimirror.sync.project import Project

_log = logging.getLogger(__name__)

_BATCH = 32
_LONGEST_S = 0.5
"""So many projects are published together, or what is ready after so long."""


class Ready:
    """The projects that are ready to be published."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._projects: list[Project] = []
        self._published_at = time.monotonic()

    def __bool__(self) -> bool:
        return bool(self._projects)

    def add(self, project: Project) -> None:
        """Note that all files of a project are in, or failed."""
        self._projects.append(project)

    def is_time(self) -> bool:
        """Tell whether they are enough to be worth a commit, or have waited for long enough."""
        is_late = time.monotonic() - self._published_at > _LONGEST_S
        return bool(self._projects) and (is_late or len(self._projects) >= _BATCH)

    def publish(self) -> list[Project]:
        """Publish all, and return them."""
        self._published_at = time.monotonic()
        ready, self._projects = self._projects, []
        for project in ready:
            spelling.note(self._run.mirror, self._run.pages, project.name)
        # What they lose and the links that they are going to have are known before anything of it is done.
        self._run.tree.commit()
        for project in ready:
            _publish(self._run, project)
        return ready


def _publish(run: Run, project: Project) -> None:
    if project.metadata:
        companions.withdraw_metadata(
            run.mirror, run.tree, project.name, [held for held, _ in project.metadata]
        )
    for held, text in project.metadata:
        try:
            completed = companions.write_metadata(run.tree, project.name, held, text)
            run.mirror.state.files.record_held(project.name, [completed])
        except TreeError as error:
            record.file_failed(run, project, held.file.filename, str(error))
    if project.is_whole:
        chosen.drop(run, project)
    # What loses something is published once, at the end, when it is known whether it may.
    is_written = not project.has_changed or project.loses or run.pages.project(project.name)
    if project.has_changed and is_written:
        run.tally.note_changed(project.name, may_again=run.mirror.config.external_links)
        _log.info("%s: published, %s came in", project.name, numbered(project.arrived, "file"))
    run.dependencies.note(
        project.name,
        has_changed=project.has_changed,
        told=project.told,
        read=project.requires,
        held=project.brought.values() if project.is_new else None,
    )
    is_seen = is_written and project.is_proven and not project.is_pending
    if is_seen and not project.is_whole and not project.lacks_some:
        run.dependencies.as_held.add(project.name)
    if run.options.preview and (
        untold := [each.version for each in project.told if each.requirements is None]
    ):
        run.options.preview.untold[project.name] = tuple(dict.fromkeys(untold))
    if project.is_whole and is_written:
        record.mark_current(run, project)
    elif project.is_left and is_written:
        run.stay_due(project.name)
    else:
        run.pause(project.name)
