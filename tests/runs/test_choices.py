"""The options that choose among a project's files, from the outside."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fake_index import FakeIndex
from tests.mirror import Mirror

MakeMirror = Callable[..., Mirror]

LINUX = "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64"


def fill(index: FakeIndex) -> None:
    """Four releases: an old one, one for some platforms, a yanked one, and a pre-release."""
    index.add("demo", "1.0", requires_python=">=2.7")
    for tag in (LINUX, "cp312-cp312-win_amd64", "cp39-cp39-win_amd64", "cp39-abi3-musllinux_1_2_x86_64"):
        index.add("demo", "2.0", tag=tag, sdist=False)
    index.add("demo", "2.0", wheel=False, requires_python=">=3.8")
    index.add("demo", "2.1", yanked="broken")
    index.add(
        "demo", "3.0rc1", upload_time=(datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    )


def files_of(mirror: Mirror) -> set[str]:
    return {
        path.partition("demo-")[2]
        for path in mirror.tree()
        if path.startswith("demo/demo-") and not path.endswith((".metadata", ".provenance"))
    }


ALL = {
    "1.0-py3-none-any.whl",
    "1.0.tar.gz",
    f"2.0-{LINUX}.whl",
    "2.0-cp312-cp312-win_amd64.whl",
    "2.0-cp39-cp39-win_amd64.whl",
    "2.0-cp39-abi3-musllinux_1_2_x86_64.whl",
    "2.0.tar.gz",
    "2.1-py3-none-any.whl",
    "2.1.tar.gz",
    "3.0rc1-py3-none-any.whl",
    "3.0rc1.tar.gz",
}


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({}, set()),
        (
            {"python_versions": "3.12", "platforms": "linux_x86_64"},
            {"2.0-cp312-cp312-win_amd64.whl", "2.0-cp39-cp39-win_amd64.whl"},
        ),
        ({"file_types": "wheel"}, {"1.0.tar.gz", "2.0.tar.gz", "2.1.tar.gz", "3.0rc1.tar.gz"}),
        ({"yanked": "False"}, {"2.1-py3-none-any.whl", "2.1.tar.gz"}),
        ({"prereleases": "if-needed"}, {"3.0rc1-py3-none-any.whl", "3.0rc1.tar.gz"}),
        ({"min_age_days": "7"}, {"3.0rc1-py3-none-any.whl", "3.0rc1.tar.gz"}),
        (
            {"excluded_versions": "Demo >2"},
            {"2.1-py3-none-any.whl", "2.1.tar.gz", "3.0rc1-py3-none-any.whl", "3.0rc1.tar.gz"},
        ),
        ({"blocked_files": "demo==1"}, {"1.0-py3-none-any.whl", "1.0.tar.gz"}),
    ],
)
def test_a_first_sync_brings_what_is_chosen(
    index: FakeIndex, make_mirror: MakeMirror, options: dict[str, str], missing: set[str]
) -> None:
    fill(index)
    mirror = make_mirror(package_matches="demo", **options)
    mirror.update()
    assert files_of(mirror) == ALL - missing
    mirror.check_links()


def test_a_rule_that_leaves_out_every_file_is_told(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(package_matches="demo", max_file_size="1")
    ended = mirror.run("-U")
    assert ended.status == 3
    assert f"no file is selected: max_file_size leaves out {len(ALL)}" in ended.stderr
    assert files_of(mirror) == set()
    mirror.check_links()


def test_the_newest_releases_of_a_list_in_a_file(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(
        package_matches="@projects.txt",
        latest_releases="1",
        prereleases="False",
        yanked="False",
        platforms="win_amd64",
    )
    (mirror.folder / "projects.txt").write_text("# ours\ndemo # and no other\n")
    mirror.update()
    assert files_of(mirror) == {
        "2.0-cp312-cp312-win_amd64.whl",
        "2.0-cp39-cp39-win_amd64.whl",
        "2.0.tar.gz",
    }


def test_a_verbose_run_says_which_rule_left_a_file_out(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(package_matches="demo", verbose="True", yanked="False", platforms="win_amd64")
    mirror.update()
    assert "left out demo-2.1.tar.gz (yanked: it was yanked: broken)" in mirror.log
    assert f"left out demo-2.0-{LINUX}.whl (platforms: " in mirror.log


@pytest.mark.parametrize("patterns", ["", "\n    # zope.*\n    ; six", "@none.txt"])
def test_no_pattern_is_not_every_project(index: FakeIndex, make_mirror: MakeMirror, patterns: str) -> None:
    fill(index)
    mirror = make_mirror(package_matches=patterns)
    (mirror.folder / "none.txt").write_text("# six\n")
    ended = mirror.run("-U")
    assert ended.status == 2
    assert "package_matches: there is no pattern in it; write * for every project" in ended.stderr.replace(
        " = :", ":"
    )
    assert index.requests == []
    assert not mirror.root.exists()


def test_a_list_that_is_missing_touches_nothing(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    fill(index)
    mirror = make_mirror(package_matches="demo")
    mirror.update()
    before = mirror.tree()
    mirror.configure(package_matches="demo", blocked_files="feed.txt")
    ended = mirror.run("-U")
    assert ended.status == 2
    assert f"blocked_files = feed.txt: {mirror.folder / 'feed.txt'} can't be read" in ended.stderr
    assert mirror.tree() == before
