"""Rules of the selection seen from outside: what comes, what goes, and what stays, in one run each."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fake_index import FakeIndex
from tests.mirror import Mirror, is_over

MakeMirror = Callable[..., Mirror]

TAGS = (
    "cp312-cp312-manylinux_2_17_x86_64",
    "cp312-cp312-musllinux_1_2_x86_64",
    "cp313-cp313-manylinux_2_28_x86_64",
    "cp313-cp313t-manylinux_2_28_x86_64",
    "cp39-abi3-macosx_11_0_arm64",
    "cp312-cp312-win_amd64",
    "pp310-pypy310_pp73-manylinux_2_17_x86_64",
)


def native(index: FakeIndex, version: str) -> None:
    for tag in TAGS:
        index.add("native", version, sdist=False, tag=tag)
    index.add("native", version, wheel=False, requires_python=">=3.9")


def wheels(mirror: Mirror) -> set[str]:
    return {name.removeprefix("native-").removesuffix(".whl") for name in mirror.listed("native")}


def test_wheels_for_named_pythons_and_platforms_alone(index: FakeIndex, make_mirror: MakeMirror) -> None:
    native(index, "1.0")
    mirror = make_mirror(
        package_matches="native", python_versions="3.12", platforms="linux_x86_64 macosx_arm64"
    )
    mirror.update()
    assert wheels(mirror) == {
        "1.0-cp312-cp312-manylinux_2_17_x86_64",
        "1.0-cp312-cp312-musllinux_1_2_x86_64",
        "1.0-cp39-abi3-macosx_11_0_arm64",
        "1.0.tar.gz",
    }


@pytest.mark.parametrize("removal_grace_hours", [0, 24])
def test_fewer_more_and_back_again_end_as_a_fresh_mirror_does(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path, removal_grace_hours: int
) -> None:
    for version in ("1.0", "2.0", "2.1", "3.0rc1"):
        native(index, version)
    common: dict[str, object] = {"package_matches": "native", "removal_grace_hours": removal_grace_hours}
    mirror = make_mirror(**common)
    mirror.update()
    changes: tuple[dict[str, object], ...] = (
        {"python_versions": "3.13"},
        {"platforms": "manylinux_x86_64", "glibc": "2.17"},
        {"latest_releases": 2, "prereleases": False},
        {"file_types": "sdist"},
        {"versions": "native >=2,<3", "excluded_versions": "native ==2.1"},
        {"max_file_size": "1K", "file_types": "wheel"},
        {},
    )
    for number, options in enumerate(changes):
        mirror.configure(**common, **options)
        assert mirror.run("-U", "--allow-removals").status in (0, 3)
        fresh = Mirror(tmp_path / f"fresh-{number}", index.url, **common, **options)
        fresh.run("-U")
        assert mirror.listed("native") == fresh.listed("native"), options
        mirror.check_links()


@pytest.mark.parametrize("between", ["gamma", "gamma eta", "g*", "@names", None])
def test_projects_come_back_though_the_list_is_what_it_was(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path, between: str | None
) -> None:
    for name in ("gamma", "zeta", "eta"):
        index.add(name, "1.0")
    (tmp_path / "names").write_text("gamma\n")
    mirror = make_mirror()
    mirror.update()
    requirements = {} if between else {"requirements": "names"}
    mirror.configure(package_matches=between, **requirements)
    mirror.run("-U", "--allow-removals")
    assert "zeta" not in mirror.projects()
    mirror.configure()
    mirror.update()
    assert mirror.projects() == ["eta", "gamma", "zeta"]
    mirror.check_links()


@pytest.mark.parametrize("suffix", ["", ".metadata"])
def test_what_comes_back_is_whole_whatever_happened_to_it_meanwhile(
    index: FakeIndex, make_mirror: MakeMirror, suffix: str
) -> None:
    index.serials = False
    for name in ("gamma", "zeta"):
        index.add(name, "1.0")
    mirror = make_mirror()
    mirror.update()
    mirror.configure(package_matches="gamma")
    mirror.run("-U", "--allow-removals")
    (mirror.root / f"zeta/zeta-1.0-py3-none-any.whl{suffix}").write_bytes(b"")
    mirror.configure()
    mirror.update()
    assert mirror.projects() == ["gamma", "zeta"]
    mirror.check_links()


def test_a_new_release_takes_the_place_of_the_oldest(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for version in ("1.0", "1.10", "1.9"):
        index.add("demo", version, wheel=False)
    mirror = make_mirror(latest_releases=2, removal_grace_hours=0)
    mirror.update()
    assert mirror.listed("demo") == {"demo-1.10.tar.gz", "demo-1.9.tar.gz"}
    index.add("demo", "2.0", wheel=False)
    mirror.update()
    assert mirror.listed("demo") == {"demo-2.0.tar.gz", "demo-1.10.tar.gz"}
    assert "demo/demo-1.9.tar.gz" not in mirror.names()
    before = mirror.tree()
    mirror.update()
    assert mirror.tree() == before


def test_a_young_file_waits_and_comes_by_itself(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("demo", "1.0", wheel=False)
    young = datetime.now(UTC) - timedelta(days=6, hours=23, minutes=59, seconds=57)
    index.add("demo", "2.0", wheel=False, upload_time=f"{young:%Y-%m-%dT%H:%M:%S.%fZ}")
    mirror = make_mirror(min_age_days=7)
    mirror.update()
    assert mirror.listed("demo") == {"demo-1.0.tar.gz"}
    index.clear()
    mirror.age(hours=0)
    while datetime.now(UTC) - young < timedelta(days=7):
        pass
    mirror.update()
    assert mirror.listed("demo") == {"demo-1.0.tar.gz", "demo-2.0.tar.gz"}


def test_what_is_mirrored_never_goes_by_its_age(index: FakeIndex, make_mirror: MakeMirror) -> None:
    now = datetime.now(UTC)
    index.add("demo", "1.0", wheel=False, upload_time=f"{now:%Y-%m-%dT%H:%M:%S.%fZ}")
    mirror = make_mirror()
    mirror.update()
    mirror.configure(min_age_days=30)
    mirror.update()
    assert mirror.listed("demo") == {"demo-1.0.tar.gz"}


@pytest.mark.parametrize("how", ["digest", "release", "file"])
def test_blocked_files_go_at_once_and_may_come_back(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path, how: str
) -> None:
    bad, good = index.add("demo", "1.0", wheel=False)[0], index.add("demo", "2.0", wheel=False)[0]
    mirror = make_mirror()
    mirror.update()
    digest = hashlib.sha256(bad.content).hexdigest()
    (tmp_path / "feed.txt").write_text(f"# a feed\n{digest}\n")
    value = {"digest": digest, "release": "Demo==1.0", "file": "feed.txt"}[how]
    mirror.configure(blocked_files=value, cleanup=how != "release")
    mirror.update()
    assert mirror.listed("demo") == {good.filename}
    assert f"demo/{bad.filename}" not in mirror.names()
    mirror.configure()
    ended = mirror.run("-U")
    assert ended.status == 0
    assert f"no longer blocked, and may come again: demo/{bad.filename}" in ended.stderr
    assert mirror.listed("demo") == {bad.filename, good.filename}
    assert is_over(mirror.run("-U"))


def test_a_feed_that_is_cut_off_is_told(index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    for version in ("1.0", "2.0", "3.0"):
        index.add("demo", version, wheel=False)
    feed = tmp_path / "feed.txt"
    feed.write_text("demo==1.0\nDemo == 2.0  # bad\n")
    mirror = make_mirror(blocked_files="feed.txt")
    mirror.update()
    feed.write_text("demo==1.0\n")
    ended = mirror.run("-U")
    assert (ended.status, "demo-2.0" in ended.stderr, "demo-1.0" in ended.stderr) == (0, True, False)
    feed.write_text("")
    assert "there is no entry in feed.txt" in mirror.run("--check-config").stdout
    ended = mirror.run("-U", "--dry-run")
    assert "no longer blocked, and may come again: demo/demo-1.0.tar.gz" in ended.stdout
    ended = mirror.run("-U")
    assert "no longer blocked, and may come again: demo/demo-1.0.tar.gz" in ended.stderr
    assert "demo-1.0.tar.gz is no longer blocked" in mirror.log


def test_a_change_that_takes_more_than_half_is_asked_about_first(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    for number in range(12):
        index.add("demo", f"{number}.0")
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    mirror.configure(filename_matches="*.whel")
    ended = mirror.run("-U")
    assert ended.status == 7
    assert "--allow-removals" in ended.stderr
    assert "demo/demo-0.0.tar.gz" in ended.stderr
    assert mirror.tree() == before
    mirror.configure(filename_matches="*.whl")  # half of it
    assert mirror.run("-U").status == 0
    assert len(mirror.listed("demo")) == 12


@pytest.mark.parametrize("removal_limit", [10, 100])
def test_what_waits_for_an_answer_is_not_taken_for_gone_upstream(
    index: FakeIndex, make_mirror: MakeMirror, removal_limit: int
) -> None:
    for number in range(6):
        index.add("demo", f"{number}.0")
    mirror = make_mirror(removal_limit=removal_limit)
    mirror.update()
    before = mirror.tree()
    mirror.configure(filename_matches="*.whel", removal_limit=removal_limit)
    for _ in range(2):
        ended = mirror.run("-U")
        assert ended.status == 7
        assert "the configuration no longer selects" in mirror.log.splitlines()[-1]
        assert mirror.tree() == before


def test_a_dry_run_says_what_each_rule_leaves_out(index: FakeIndex, make_mirror: MakeMirror) -> None:
    native(index, "1.0")
    mirror = make_mirror(package_matches="native", python_versions="3.12", platforms="linux_x86_64")
    ended = mirror.run("-U", "--dry-run")
    assert "platforms leaves out 2 files" in ended.stdout
    assert "python_versions leaves out 3 files" in ended.stdout
    told = json.loads(mirror.run("-U", "--dry-run", "--json").stdout)
    assert {each["rule"]: each["files"] for each in told["left_out"]} == {
        "platforms": 2,
        "python_versions": 3,
    }
    assert told["projects"][0]["name"] == "native"


def test_why_tells_the_rule_of_a_file_out_of_the_state(index: FakeIndex, make_mirror: MakeMirror) -> None:
    native(index, "1.0")
    mirror = make_mirror(package_matches="native", python_versions="3.12", platforms="linux_x86_64")
    mirror.update()
    index.stop()
    why = mirror.run("--why", "native-1.0-cp312-cp312-win_amd64.whl").stdout
    assert "platforms" in why
    assert "win_amd64" in why
    assert "is mirrored" in mirror.run("--why", "native-1.0.tar.gz").stdout


def test_blocked_files_go_though_upstream_is_down(index: FakeIndex, make_mirror: MakeMirror) -> None:
    (bad,) = index.add("demo", "1.0", wheel=False)
    index.add("demo", "2.0", wheel=False)
    mirror = make_mirror()
    mirror.update()
    index.stop()
    mirror.configure(blocked_files="demo==1.0")
    assert mirror.run("-U").status == 4
    assert mirror.listed("demo") == {"demo-2.0.tar.gz"}
    assert f"demo/{bad.filename}" not in mirror.names()


def test_what_a_lost_state_takes_over_is_filtered_in_a_run_for_one_project(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    for name in ("alpha", "beta", "gamma"):
        index.add(name, "1.0")
    mirror = make_mirror()
    mirror.update()
    (mirror.root / ".pypimirror/state.sqlite").unlink()
    mirror.configure(filename_excludes="*.whl")
    assert mirror.run("-U", "--project", "gamma").status == 0
    assert mirror.listed("alpha") == {"alpha-1.0.tar.gz"}
    mirror.check_links()


def test_what_is_required_outlives_a_lost_state(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("app", "1.0", requires_dist=["lib"])
    for number in range(8):
        index.add("lib", f"{number}.0")
    mirror = make_mirror(package_matches="app", dependencies=True)
    mirror.update()
    before = mirror.contents()
    (mirror.root / ".pypimirror/state.sqlite").unlink()
    mirror.update()
    assert mirror.contents() == before
