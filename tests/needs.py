"""An index of many projects that need each other, drawn at random but the same for each seed.

Release 2.0 of each project fits every specifier and needs only what is there, so that whatever is asked for
has an answer; other releases may need what nobody has, so that installers have to go back.
"""

import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tests.distributions import make_built_sdist
from tests.fake_index import FakeIndex

PYTHONS = ("3.11", "3.12", "3.13")
MISSING, EXCLUDED = "never-uploaded", "unwanted-1"

_VERSIONS = ("1.0", "1.5", "2.0", "2.1", "3.0", "4.0rc1")
_SPECIFIERS = ("", "", "", ">=1", "<3", "<=2.0", "==2.0", "==2.*", "~=2.0", "!=1.5,>1", ">=1.0,<4")
_MARKERS = (
    "",
    "",
    "",
    "",
    'sys_platform == "win32"',
    'sys_platform != "win32"',
    'platform_system == "Darwin"',
    'python_version >= "3.12"',
    'python_full_version < "3.12"',
    'platform_machine == "arm64" and implementation_name == "cpython"',
    'os_name == "nt" or python_version < "3.12"',
    'python_version < "3"',
)
_TAGS = (
    ("py3-none-any",),
    ("cp39-abi3-manylinux_2_17_x86_64", "cp39-abi3-macosx_11_0_arm64", "cp39-abi3-win_amd64"),
    tuple(
        f"cp{python}-cp{python}-{platform}"
        for python in ("311", "312", "313")
        for platform in ("manylinux_2_17_x86_64", "macosx_11_0_arm64", "win_amd64")
    ),
)
_EXTRAS = ("x", "y-z")


class Drawn(NamedTuple):
    """What is to be asked for on the index."""

    roots: list[str]
    """Requirements of which every answer is a wheel."""
    by_sdists: list[str]
    """Requirements of which some answers have sdists alone."""


def draw(index: FakeIndex, seed: int, *, size: int, roots: int) -> Drawn:
    """Fill an index with so many projects; every tenth has sdists alone."""
    chance = random.Random(seed)
    names = [_spelled(number, chance) for number in range(size)]
    sdists = names[::10]
    wheels = [name for name in names if name not in sdists]
    for name in names:
        others = names if name in sdists else wheels
        _add_project(
            index, name, others, chance, is_reliable=None if name in wheels else chance.random() < 0.7
        )
    index.add(EXCLUDED, "1.0", sdist=False)
    return Drawn(
        [_requirement(name, chance) for name in chance.sample(wheels, roots)],
        [_requirement(name, chance) for name in chance.sample(sdists, max(1, roots // 3))],
    )


def _spelled(number: int, chance: random.Random) -> str:
    return f"need{chance.choice('-._')}{number}"


def _add_project(
    index: FakeIndex, name: str, others: Sequence[str], chance: random.Random, *, is_reliable: bool | None
) -> None:
    """Add the releases of a project: as wheels, or as sdists whose metadata is reliable or not."""
    tags = chance.choices(_TAGS, weights=(16, 2, 1))[0]
    for version in sorted({"2.0", *chance.sample(_VERSIONS, chance.randrange(5))}):
        requires = list(_requires(name, version, others, chance)) if is_reliable is not False else []
        if is_reliable is not None:
            index.add_file(name, *make_built_sdist(name, version, requires, is_reliable=is_reliable))
            continue
        for tag in tags:
            text = metadata(name, version, requires)
            index.add(name, version, sdist=False, tag=tag, metadata_text=text)


def _requires(name: str, version: str, others: Sequence[str], chance: random.Random) -> Iterable[str]:
    for other in chance.sample(others, chance.choice((0, 0, 1, 1, 2))):
        yield _with_marker(_requirement(other, chance), chance.choice(_MARKERS))
    for extra in _EXTRAS:
        yield _with_marker(_requirement(chance.choice(others), chance), f'extra == "{extra}"')
    yield f'{name}[x, Y_Z]; extra == "all"'
    if version != "2.0" and chance.random() < 0.1:
        yield chance.choice((MISSING, EXCLUDED, f"{chance.choice(others)}>=9"))
    if chance.random() < 0.1:
        yield f'{MISSING}; python_version < "3"'


def _requirement(name: str, chance: random.Random) -> str:
    extras = chance.choices(("", "[x]", "[all]", "[Y_z]"), weights=(8, 1, 1, 1))[0]
    return f"{name}{extras}{chance.choice(_SPECIFIERS)}"


def _with_marker(requirement: str, marker: str) -> str:
    return f"{requirement}; {marker}" if marker else requirement


def metadata(name: str, version: str, requires: Iterable[str]) -> str:
    """Return core metadata with the extras that all projects of such an index have."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Provides-Extra: {extra}" for extra in (*_EXTRAS, "all")]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    return "\n".join(lines) + "\n"
