"""Versions, pre-releases, yanked files, the newest releases; each want by itself."""

import itertools

import pytest

from pypimirror.model import Digest, NormalizedName
from pypimirror.selection import Selection
from pypimirror.selection.options import FileRules, LatestReleases
from pypimirror.want import Want
from tests.real_pages import page
from tests.unit.selection.questions import NAME, decide, file_of, sdists, sha256, versions, why

DJANGO = NormalizedName("django")
ALL = ("1.0", "1.1a1", "1.1", "2.0", "2.1rc1", "2.1", "3.0.dev1")


def test_lines_of_versions_all_hold_and_touch_their_project_alone() -> None:
    rules = FileRules(versions=((NAME, ">=1.1"), (NAME, "<3"), (DJANGO, "==1.0")))
    assert versions(decide(sdists(*ALL), rules)) == ["1.1", "2.0", "2.1rc1", "2.1"]
    only = FileRules(versions=((DJANGO, "==1.0"),))
    assert versions(decide(sdists(*ALL), only)) == list(ALL)


def test_excluded_versions() -> None:
    rules = FileRules(excluded_versions=((NAME, "==1.*"), (NAME, ">2.0")))
    decided = decide(sdists(*ALL), rules)
    assert versions(decided) == ["2.0"]
    assert why(decided)["demo-1.0.tar.gz"] == ("excluded_versions", "1.0 is ==1.*")


def test_what_is_not_kept_is_named() -> None:
    decided = decide(sdists("1.0"), FileRules(versions=((NAME, ">=2,<3"),)))
    assert why(decided) == {"demo-1.0.tar.gz": ("versions", "1.0 is not >=2,<3")}


def test_what_is_no_version() -> None:
    odd = sdists("1.0", "2004b-final", "1.0")[1:2]
    assert versions(decide(odd, FileRules(versions=((NAME, ">=0"),)))) == []
    assert versions(decide(odd, FileRules(excluded_versions=((NAME, ">=0"),)))) == ["2004b-final"]
    assert versions(decide(odd, FileRules(versions=((NAME, "===2004B-final"),)))) == ["2004b-final"]
    assert versions(decide(odd, FileRules(excluded_versions=((NAME, "===2004b-final"),)))) == []
    assert versions(decide(odd, FileRules(prereleases=False))) == ["2004b-final"]
    assert versions(decide(odd, FileRules(latest_releases=LatestReleases(1)))) == ["2004b-final"]
    assert versions(decide(odd, wants=[Want(">=0")])) == []
    assert versions(decide(odd, wants=[Want("===2004B-final")])) == ["2004b-final"]


def test_a_version_that_upstream_does_not_tell_is_read_from_the_name() -> None:
    files = [file_of(name) for name in ("demo-1.0.tar.gz", "Demo-2.0-py3-none-any.whl", "demo-3.0-py2.7.egg")]
    decided = decide(files, FileRules(versions=((NAME, ">1"),)))
    assert [file.filename for file in decided.wanted] == ["Demo-2.0-py3-none-any.whl", "demo-3.0-py2.7.egg"]


def test_a_file_of_another_project_takes_no_place() -> None:
    files = [file_of(name) for name in ("demo-1.0.tar.gz", "demo_more-9.0.tar.gz", "Demo-2.0.zip")]
    decided = decide(files, FileRules(latest_releases=LatestReleases(2)))
    assert [file.filename for file in decided.wanted] == ["demo-1.0.tar.gz", "Demo-2.0.zip"]
    assert (
        why(decided)["demo_more-9.0.tar.gz"][1]
        == "what has no version is number 3 of the newest, and 2 are taken"
    )


def test_no_prereleases_at_all() -> None:
    decided = decide(sdists(*ALL), FileRules(prereleases=False))
    assert versions(decided) == ["1.0", "1.1", "2.0", "2.1"]
    assert why(decided)["demo-2.1rc1.tar.gz"] == ("prereleases", "2.1rc1 is a pre-release")


def test_prereleases_where_there_is_nothing_else() -> None:
    rules = FileRules(prereleases="if-needed")
    assert versions(decide(sdists(*ALL), rules)) == ["1.0", "1.1", "2.0", "2.1"]
    assert versions(decide(sdists("1.0a1", "1.0b2"), rules)) == ["1.0a1", "1.0b2"]
    wants = [Want("<2"), Want(">2.1")]
    assert versions(decide(sdists(*ALL), rules, wants=wants)) == ["1.0", "1.1", "3.0.dev1"]


def test_a_requirement_that_names_a_prerelease_gets_one_where_there_is_nothing_else() -> None:
    rules = FileRules(prereleases=False)
    assert versions(decide(sdists(*ALL), rules, wants=[Want(">=3.0.dev0")])) == ["3.0.dev1"]
    assert versions(decide(sdists(*ALL), rules, wants=[Want(">=2.1rc1")])) == ["2.1"]
    assert versions(decide(sdists(*ALL), rules, wants=[Want(">2.1")])) == []
    assert versions(decide(sdists(*ALL), rules, wants=[Want(">=2.1,!=2.2b1,<3")])) == ["2.1"]


def test_black_before_and_after_its_first_final_release() -> None:
    rules = FileRules(prereleases="if-needed", file_types=("sdist",))
    chosen = Selection(package_matches=("*",), rules=rules)
    name, files = NormalizedName("black"), page("black")
    assert versions(chosen.decide(name, files, now=2e9)) == ["22.1.0"]
    assert versions(chosen.decide(name, files[:4], now=2e9)) == ["18.3a0", "21.12b0"]


def test_yanked_files() -> None:
    files = (*sdists("1.0", yanked="broken"), *sdists("1.1", yanked=""), *sdists("1.2"))
    assert versions(decide(files)) == ["1.0", "1.1", "1.2"]
    decided = decide(files, FileRules(yanked=False))
    assert versions(decided) == ["1.2"]
    assert why(decided) == {
        "demo-1.0.tar.gz": ("yanked", "it was yanked: broken"),
        "demo-1.1.tar.gz": ("yanked", "it was yanked"),
    }


def test_what_upstream_says_is_told_in_one_short_line() -> None:
    files = sdists("1.0", yanked="bad\n\x1b[2Jnews " + "x" * 1000)
    (said,) = why(decide(files, FileRules(yanked=False))).values()
    assert said[1].isprintable()
    assert len(said[1]) < 300


def test_the_newest_releases_are_counted_as_releases() -> None:
    files = [
        f for v in ("1.0", "1.1", "1.10", "1.9") for f in (file_of(f"demo-{v}.zip"), file_of(f"demo-{v}.tgz"))
    ]
    decided = decide(files, FileRules(latest_releases=LatestReleases(2)))
    assert [file.filename for file in decided.wanted] == [
        "demo-1.10.zip",
        "demo-1.10.tgz",
        "demo-1.9.zip",
        "demo-1.9.tgz",
    ]
    assert why(decided)["demo-1.0.zip"] == (
        "latest_releases",
        "1.0 is number 4 of the newest, and 2 are taken",
    )


def test_spellings_and_local_parts_make_no_other_release() -> None:
    files = sdists("1.0", "2.0+cpu", "2.0+cu128", "2.0", "2.0.0", "1.5")
    decided = decide(files, FileRules(latest_releases=LatestReleases(2)))
    assert versions(decided) == ["2.0+cpu", "2.0+cu128", "2.0", "2.0.0", "1.5"]


def test_what_has_no_version_is_the_oldest() -> None:
    decided = decide(sdists("final", "0.1", "0.2", "20040101x"), FileRules(latest_releases=LatestReleases(2)))
    assert versions(decided) == ["0.1", "0.2"]


def test_the_newest_are_counted_after_the_other_rules() -> None:
    rules = FileRules(
        latest_releases=LatestReleases(2),
        prereleases=False,
        yanked=False,
        excluded_versions=((NAME, "==5"),),
        max_file_size=10,
    )
    files = (
        *sdists("1", "2", "3", "4"),
        *sdists("5", "6rc1"),
        *sdists("7", yanked=""),
        *sdists("8", size=11),
    )
    assert versions(decide(files, rules)) == ["3", "4"]


def test_the_newest_of_each_want() -> None:
    rules = FileRules(latest_releases=LatestReleases(2))
    files = sdists("1", "2", "3", "4", "5", "6", "7")
    wants = [Want("<4"), Want(">=4,<7"), Want("==1")]
    assert versions(decide(files, rules, wants=wants)) == ["1", "2", "3", "5", "6"]


def test_the_largest_number_of_all_globs_that_match() -> None:
    numbers = (("de*", 2), ("demo", 3), ("d*", 1), ("other", 0))
    files = sdists("1", "2", "3", "4")
    for overrides in itertools.permutations(numbers):
        rules = FileRules(latest_releases=LatestReleases(1, overrides))
        assert versions(decide(files, rules)) == ["2", "3", "4"]
    everything = FileRules(latest_releases=LatestReleases(1, (*numbers, ("DEMO", 0))))
    assert versions(decide(files, everything)) == ["1", "2", "3", "4"]
    fewer = FileRules(latest_releases=LatestReleases(3, (("demo", 1),)))
    assert versions(decide(files, fewer)) == ["4"]


@pytest.mark.parametrize("pin", ["==1.1a1", "===1.1a1", "==1.1a1,<9"])
def test_a_pin_is_kept_whatever_its_age_and_kind(pin: str) -> None:
    rules = FileRules(latest_releases=LatestReleases(1), prereleases=False, yanked=False)
    files = (*sdists("1.0"), *sdists("1.1a1", yanked="broken"), *sdists("2.0", "2.1"))
    decided = decide(files, rules, wants=[Want(pin), Want()])
    assert versions(decided) == ["1.1a1", "2.1"]


def test_a_wildcard_is_no_pin() -> None:
    rules = FileRules(latest_releases=LatestReleases(1))
    assert versions(decide(sdists("1.0", "1.1", "2.0"), rules, wants=[Want("==1.*")])) == ["1.1"]


def test_what_nobody_asks_for() -> None:
    decided = decide(sdists("1.0", "2.0"), wants=[Want(">=2"), Want("==3.0")])
    assert versions(decided) == ["2.0"]
    assert why(decided) == {
        "demo-1.0.tar.gz": ("requirements", "it is none of what is asked for: ==3.0, or >=2")
    }


def test_wants_by_digest() -> None:
    files = (
        *sdists("1.0", digests=sha256("a")),
        file_of("demo-1.0.zip", version="1.0", digests=sha256("b"), yanked=""),
        *sdists("2.0", digests=sha256("c")),
    )
    rules = FileRules(yanked=False, latest_releases=LatestReleases(1))
    decided = decide(files, rules, wants=[Want("==1.0", sha256("b"), is_exact=True)])
    assert [file.filename for file in decided.wanted] == ["demo-1.0.zip"]
    other = decide(files, wants=[Want("==1.0", (Digest("md5", "a" * 32),))])
    assert versions(other) == ["1.0", "1.0"]  # nobody can compare these digests


def test_exact_wants_without_a_digest_are_their_pins_alone() -> None:
    files = sdists("1.0", "2.0")
    assert versions(decide(files, wants=[Want("==1.0", is_exact=True)])) == ["1.0"]
    assert versions(decide(files, wants=[Want(">=1.0", is_exact=True)])) == []


def test_a_pattern_asks_for_everything_beside_the_wants() -> None:
    chosen = Selection(package_matches=("demo",))
    chosen.asked[NAME] = frozenset({Want("==1.0")})
    assert chosen.wants(NAME) == {Want(), Want("==1.0")}
    assert versions(chosen.decide(NAME, sdists("1.0", "2.0"), now=0)) == ["1.0", "2.0"]
