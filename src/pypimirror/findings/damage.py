"""What a `--verify` found, and nobody has mended yet: kept for `--status`."""

import msgspec

from pypimirror.mirror import Mirror

NOTE = "damage found"


class Damage(msgspec.Struct):
    """How much was wrong, when that was seen last, and whether every file was read to see it."""

    wrong: int
    moment: float
    is_hashed: bool

    @property
    def mended_by(self) -> str:
        """The options that mend it."""
        return "--verify=hash --repair" if self.is_hashed else "--verify --repair"


def record(mirror: Mirror, wrong: int, *, is_hashing: bool) -> None:
    """Keep what a look found; a look at sizes does not undo what one at the bytes found."""
    before = mirror.state.notes.hint(NOTE, Damage)
    if before is not None and before.is_hashed and not is_hashing:
        wrong, is_hashing = max(wrong, before.wrong), True
    mirror.state.notes.keep(NOTE, Damage(wrong, mirror.clock(), is_hashing) if wrong else None)
