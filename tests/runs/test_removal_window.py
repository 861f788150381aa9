"""`removal_window_hours`: what goes in many runs counts as what it is together."""

from collections.abc import Callable

from tests.fake_index import FakeIndex
from tests.mirror import Mirror, is_over
from tests.stepper import Stepper

MakeMirror = Callable[..., Mirror]


def fill(index: FakeIndex, count: int) -> None:
    for number in range(count):
        index.add(f"project-{number}", "1.0", wheel=False)


def lose(index: FakeIndex, *numbers: int) -> None:
    for number in numbers:
        index.remove(f"project-{number}")


def test_a_few_projects_a_run_are_many_in_a_night(
    index: FakeIndex, make_mirror: MakeMirror, stepper: Stepper
) -> None:
    fill(index, 60)
    mirror = make_mirror()
    assert stepper.run(mirror.config, "-U").status == 0
    statuses = []
    for first in range(0, 12, 3):
        lose(index, first, first + 1, first + 2)
        statuses.append(stepper.run(mirror.config, "-U").status)
    assert statuses == [0, 0, 7, 7]
    assert len(mirror.projects()) == 54
    ended = mirror.run("-U")
    assert ended.status == 7
    assert "12 of 60 projects and 12 of 60 files (within 24 hours)" in mirror.log


def test_what_was_removed_long_ago_does_not_count(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index, 60)
    mirror = make_mirror(removal_window_hours=5)
    mirror.update()
    for first in (0, 3, 6):
        lose(index, first, first + 1, first + 2)
        mirror.update()
        mirror.age(hours=5.1)
    assert len(mirror.projects()) == 51


def test_without_a_window_each_run_counts_by_itself(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index, 60)
    mirror = make_mirror(removal_window_hours=0)
    mirror.update()
    for first in (0, 3, 6):
        lose(index, first, first + 1, first + 2)
        mirror.update()
    assert len(mirror.projects()) == 51


def test_allow_removals_begins_to_count_anew(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index, 60)
    mirror = make_mirror()
    mirror.update()
    lose(index, *range(3))
    mirror.update()
    lose(index, *range(3, 9))
    assert mirror.run("-U").status == 7
    assert is_over(mirror.run("-U", "--allow-removals"))
    lose(index, 10, 11, 12)
    mirror.update()
    lose(index, 13, 14)
    mirror.update()
    assert len(mirror.projects()) == 46


def test_what_came_back_does_not_count(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index, 50)
    mirror = make_mirror()
    mirror.update()
    for _ in range(4):
        lose(index, 0, 1, 2)
        mirror.update()
        for number in range(3):
            index.add(f"project-{number}", "1.0", wheel=False)
        mirror.update()
    assert len(mirror.projects()) == 50


def test_a_clock_that_was_wrong_keeps_nothing_counted_for_ever(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index, 60)
    mirror = make_mirror()
    mirror.update()
    lose(index, *range(3))
    mirror.update()
    mirror.age(hours=-100_000)
    lose(index, 3, 4, 5, 6)
    assert mirror.run("-U").status == 7  # it counts as removed now
    mirror.age(hours=24.1)
    mirror.update()
    assert len(mirror.projects()) == 53


def test_deselection_and_quarantine_do_not_count(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index, 40)
    mirror = make_mirror()
    mirror.update()
    for number in range(3):
        index.project(f"project-{number}").status = "quarantined"
        index.touch(f"project-{number}")
    mirror.update()
    mirror.configure(package_excludes="project-3\n  project-4\n  project-5")
    mirror.update()
    lose(index, 6, 7, 8)
    mirror.update()
    assert len(mirror.projects()) == 34
