"""What is chosen and why: what projects require, who asks for which, and what rules left out."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from pypimirror.model import NormalizedName
from pypimirror.selection import LeftOut
from pypimirror.state import blobs
from pypimirror.state.blobs import sealed
from pypimirror.state.rows import Gateway
from pypimirror.want import Asked, Requires


class Omitted(msgspec.Struct, frozen=True):
    """Files that one rule left out of a project, or of all: how many, and their bytes by upstream's word."""

    rule: str
    files: int
    bytes: int


class Choices(Gateway):
    """The part of the state that the selection is computed from, beside the configuration."""

    # -- who asks ----------------------------------------------------------------------------

    def asked(self) -> dict[NormalizedName, Asked]:
        """Return every project that requirements or dependencies ask for."""
        rows = self._db.execute("SELECT project, asked FROM wanted")
        return {NormalizedName(name): blobs.asked(blob) for name, blob in rows}

    def asked_of(self, name: NormalizedName) -> Asked | None:
        """Return what is asked for of a project; None where only a pattern selects it, or nothing does."""
        row = self._db.execute("SELECT asked FROM wanted WHERE project = ?", (name,)).fetchone()
        return None if row is None else blobs.asked(row[0])

    def record_asked(self, asked: Mapping[NormalizedName, Asked]) -> None:
        """Record what is asked for of these projects."""
        self._db.executemany(
            "INSERT OR REPLACE INTO wanted VALUES (?, ?)",
            [(name, sealed(each)) for name, each in sorted(asked.items())],
        )

    def forget_asked(self, names: Iterable[NormalizedName]) -> None:
        """Record that nobody asks for these projects any more."""
        self._db.executemany("DELETE FROM wanted WHERE project = ?", [(name,) for name in names])

    def asked_but_unlisted(self) -> list[NormalizedName]:
        """Return the projects that are asked for and on no page, sorted."""
        return self._projects(
            "SELECT project FROM wanted WHERE NOT EXISTS"
            " (SELECT 1 FROM projects WHERE name = project AND is_listed) ORDER BY project"
        )

    # -- what is required --------------------------------------------------------------------

    def requires_of(self, name: NormalizedName) -> Requires | None:
        """Return what a project's mirrored releases require; None where that was never looked at."""
        row = self._db.execute("SELECT requires FROM requires WHERE project = ?", (name,)).fetchone()
        return None if row is None else blobs.requires(row[0])

    def every_requires(self) -> Iterator[tuple[NormalizedName, Requires]]:
        """Yield every project whose requirements are known, with these."""
        for name, blob in self._db.execute("SELECT project, requires FROM requires").fetchall():
            yield NormalizedName(name), blobs.requires(blob)

    def record_requires(self, name: NormalizedName, requires: Requires) -> None:
        """Record what a project's mirrored releases require."""
        self._db.execute("INSERT OR REPLACE INTO requires VALUES (?, ?)", (name, sealed(requires)))

    def forget_requires(self, name: NormalizedName) -> None:
        """Forget what a project's releases required, as it left: if it comes back, they are read again."""
        self._db.execute("DELETE FROM requires WHERE project = ?", (name,))

    def without_requires(self) -> list[NormalizedName]:
        """Return the listed projects of which nobody looked at what they require, sorted."""
        return self._projects(
            "SELECT name FROM projects WHERE is_listed"
            " AND NOT EXISTS (SELECT 1 FROM requires WHERE project = name) ORDER BY name"
        )

    def with_requires(self) -> set[NormalizedName]:
        """Return the listed projects of which it is known what they require."""
        return set(
            self._projects(
                "SELECT project FROM requires"
                " WHERE EXISTS (SELECT 1 FROM projects WHERE name = project AND is_listed)"
            )
        )

    def forget_asked_and_required(self) -> None:
        """Forget who asks for what, and what projects require: nobody keeps it up to date any more."""
        self._db.execute("DELETE FROM wanted")
        self._db.execute("DELETE FROM requires")

    # -- what is left out --------------------------------------------------------------------

    def record_left_out(self, name: NormalizedName, left_out: Iterable[LeftOut]) -> None:
        """Record what rules left out of a project, in place of what was known."""
        self._db.execute("DELETE FROM left_out WHERE project = ?", (name,))
        self.add_left_out(name, left_out)

    def add_left_out(self, name: NormalizedName, left_out: Iterable[LeftOut]) -> None:
        """Record what rules left out of a project, beside what they did before."""
        by_rule: dict[str, list[LeftOut]] = {}
        for each in left_out:
            by_rule.setdefault(each.rule, []).append(each)
        for rule, files in sorted(by_rule.items()):
            known = self._left_out_by(name, rule)
            new = [each for each in files if each.file.filename not in known]
            reasons = known | {each.file.filename: each.why for each in new}
            size = sum(each.file.size or 0 for each in new)
            self._db.execute(
                "INSERT INTO left_out VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " files = files + excluded.files, bytes = bytes + excluded.bytes, names = excluded.names",
                (name, rule, len(new), size, blobs.packed(reasons)),
            )

    def _left_out_by(self, name: NormalizedName, rule: str) -> dict[str, str]:
        """Return the files that a rule left out of a project, each with why."""
        row = self._db.execute(
            "SELECT names FROM left_out WHERE project = ? AND rule = ?", (name, rule)
        ).fetchone()
        return {} if row is None else blobs.unpacked(row[0])

    def left_out(self) -> list[Omitted]:
        """Return what each rule left out of all projects, the most bytes first."""
        rows = self._db.execute(
            "SELECT rule, sum(files), sum(bytes) FROM left_out GROUP BY rule ORDER BY 3 DESC, 1"
        )
        return [Omitted(*row) for row in rows]

    def left_out_of(self, name: NormalizedName) -> dict[str, tuple[str, str]]:
        """Return the files that were left out of a project, each with the rule and why."""
        rows = self._db.execute("SELECT rule, names FROM left_out WHERE project = ?", (name,))
        return {file: (rule, why) for rule, blob in rows for file, why in blobs.unpacked(blob).items()}

    def with_left_out(self, rule: str) -> list[NormalizedName]:
        """Return the projects of which a rule left something out, sorted."""
        return self._projects("SELECT project FROM left_out WHERE rule = ? ORDER BY project", rule)

    # -- what falls due ----------------------------------------------------------------------

    def record_falls_due(self, name: NormalizedName, moment: float | None) -> None:
        """Record when a file of a project is old enough to be mirrored; None: none waits for that."""
        self._db.execute(
            "UPDATE projects SET falls_due = ? WHERE name = ? AND falls_due IS NOT ?", (moment, name, moment)
        )

    def is_due_later(self, name: NormalizedName | None = None) -> bool:
        """Tell whether a file of a project, or of any, comes by itself when it is old enough."""
        row = self._db.execute(
            "SELECT 1 FROM projects WHERE falls_due IS NOT NULL AND name = coalesce(?, name) LIMIT 1", (name,)
        ).fetchone()
        return row is not None

    def end_waits(self, now: float) -> None:
        """Let the pages be asked for again of which a file became old enough."""
        self._db.execute(
            "UPDATE projects SET is_current = 0, selection = NULL, falls_due = NULL WHERE falls_due <= ?",
            (now,),
        )

    def forget_gone(self) -> None:
        """Forget what was noted of projects that the state no longer knows."""
        for table in ("requires", "left_out"):
            self._db.execute(
                f"DELETE FROM {table} WHERE NOT EXISTS (SELECT 1 FROM projects WHERE name = project)"
            )
