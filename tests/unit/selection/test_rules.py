"""Age, blocked files, sizes; the selection's own answers."""

import pickle

import msgspec
import pytest

from pypimirror.model import Digest, NormalizedName
from pypimirror.selection import Selection
from pypimirror.selection.options import Blocked, FileRules, LatestReleases
from pypimirror.selection.want import LeftOut
from pypimirror.want import Want
from tests.real_pages import page
from tests.unit.selection.questions import NAME, NOW, decide, file_of, sdists, sha256, versions, why

DAY = 86_400.0
OTHER = NormalizedName("other")
WEEK = FileRules(min_age_days=7)


def test_a_file_comes_at_its_time() -> None:
    files = (
        *sdists("1.0", upload_time="2026-09-10T00:00:00Z"),
        *sdists("1.1", upload_time="2026-09-19T14:13:20.5Z"),
    )
    decided = decide(files, WEEK)
    assert versions(decided) == ["1.0"]
    assert decided.due == NOW + 5 * DAY + 0.5
    (left_out,) = decided.left_out
    assert left_out.until == decided.due
    assert (left_out.rule, left_out.why) == (
        "min_age_days",
        "it is 2.0 of 7 days old, and comes on 2026-09-26 14:14 UTC",
    )
    assert versions(decide(files, WEEK, now=decided.due - 1)) == ["1.0"]
    assert versions(decide(files, WEEK, now=decided.due)) == ["1.0", "1.1"]


def test_the_first_of_several_is_due() -> None:
    files = [
        *sdists("1", upload_time="2026-09-20T00:00:00Z"),
        *sdists("2", upload_time="2026-09-16T14:13:20Z"),
    ]
    assert decide(files, WEEK).due == NOW + 2 * DAY


def test_what_is_mirrored_stays_whatever_its_age() -> None:
    files = sdists("1.0", "1.1", upload_time="2026-09-21T00:00:00Z")
    assert versions(decide(files, WEEK, held=["demo-1.0.tar.gz"])) == ["1.0"]


@pytest.mark.parametrize(
    "upload_time", [None, "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2040-01-01T00:00:00Z", "soon"]
)
def test_an_unknown_upload_time(upload_time: str | None) -> None:
    files = sdists("1.0", upload_time=upload_time)
    decided = decide(files, WEEK)
    assert decided.due is None
    rule, said = why(decided)["demo-1.0.tar.gz"]
    assert rule == "min_age_days"
    assert "min_age_unknown" in said
    allowing = FileRules(min_age_days=7, min_age_unknown="allow")
    assert versions(decide(files, allowing)) == ["1.0"]


def test_a_time_that_is_still_to_come_is_waited_for() -> None:
    files = sdists("1.0", upload_time="2026-09-22T14:13:20Z")
    decided = decide(files, FileRules(min_age_days=7, min_age_unknown="allow"))
    assert decided.wanted == ()
    assert decided.due == NOW + 8 * DAY


def test_exceptions_come_at_once() -> None:
    files = sdists("1.0", upload_time="2026-09-21T00:00:00Z")
    rules = FileRules(min_age_days=7, min_age_exceptions=("De*", "x"))
    chosen = Selection(package_matches=("*",), rules=rules)
    assert versions(chosen.decide(NAME, files, now=NOW)) == ["1.0"]
    assert chosen.decide(OTHER, files, now=NOW).wanted == ()
    assert not chosen.needs_held(NAME)
    assert chosen.needs_held(OTHER)


def test_what_is_new_does_not_count_among_the_newest() -> None:
    files = (
        *sdists("1", "2", upload_time="2020-01-01T00:00:00Z"),
        *sdists("3", upload_time="2026-09-21T00:00:00Z"),
    )
    rules = FileRules(min_age_days=7, latest_releases=LatestReleases(1))
    assert versions(decide(files, rules)) == ["2"]
    assert versions(decide(files, rules, now=NOW + 7 * DAY)) == ["3"]


def test_blocked_files_whatever_else_selects_them() -> None:
    rules = FileRules(blocked_files=Blocked(("a" * 64,), ((NAME, "2.0"), (OTHER, "1.0"))))
    files = (
        *sdists("1.0", digests=sha256("a")),
        *sdists("1.1", digests=sha256("b")),
        *sdists("2.0.0", "2.0+x"),
    )
    decided = decide(files, rules, wants=[Want(), Want("==1.0"), Want("==2.0")])
    assert versions(decided) == ["1.1"]
    assert why(decided) == {
        "demo-1.0.tar.gz": ("blocked_files", f"its sha256 {'a' * 64} is blocked"),
        "demo-2.0.0.tar.gz": ("blocked_files", "demo==2.0.0 is blocked"),
        "demo-2.0+x.tar.gz": ("blocked_files", "demo==2.0+x is blocked"),
    }


def test_a_held_file_is_blocked_by_the_digest_of_its_bytes() -> None:
    blocked = Blocked(("a" * 64,), ((NAME, "2.0"), (NAME, "final")))
    chosen = Selection(package_matches=("*",), rules=FileRules(blocked_files=blocked))
    md5 = file_of("demo-1.0.zip", digests=(Digest("md5", "0" * 32),))
    assert chosen.is_blocked(NAME, md5, None) is None
    assert chosen.is_blocked(NAME, md5, "b" * 64) is None
    assert chosen.is_blocked(NAME, md5, "a" * 64) == f"its sha256 {'a' * 64} is blocked"
    assert chosen.is_blocked(NAME, file_of("demo-2.0.zip"), "b" * 64) == "demo==2.0 is blocked"
    assert (
        chosen.is_blocked(NAME, file_of("demo-final.zip", version="Final"), None) == "demo==Final is blocked"
    )
    assert chosen.is_blocked(OTHER, file_of("other-2.0.zip"), "b" * 64) is None
    assert chosen.blocked_digests == {"a" * 64}
    assert Selection(package_matches=("*",)).is_blocked(NAME, md5, "a" * 64) is None


def test_large_files() -> None:
    files = (*sdists("1", size=2**20), *sdists("2", size=2**20 + 1), *sdists("3"))
    decided = decide(files, FileRules(max_file_size=2**20))
    assert versions(decided) == ["1", "3"]
    assert why(decided) == {"demo-2.tar.gz": ("max_file_size", "it has 1.0 MiB, and 1.0 MiB are allowed")}


def test_a_project_is_filled_from_its_newest_release() -> None:
    files = (
        *sdists("1", size=1),
        *sdists("2", size=60),
        *sdists("3", size=30),
        file_of("demo-3-py3-none-any.whl", version="3", size=20),
    )
    decided = decide(files, FileRules(max_project_size=100))
    assert versions(decided) == ["3", "3"]
    assert why(decided)["demo-2.tar.gz"] == (
        "max_project_size",
        "of 60 bytes, behind 50 bytes of what is newer, and 100 bytes are allowed",
    )
    assert "demo-1.tar.gz" in why(decided)
    assert [f.filename for f in decide(files, FileRules(max_project_size=25)).wanted] == [
        "demo-3-py3-none-any.whl"
    ]


def test_what_is_pinned_has_room_first_and_what_has_no_size_takes_none() -> None:
    files = (*sdists("1", size=60), *sdists("2"), *sdists("3", size=30), *sdists("4", size=20))
    decided = decide(files, FileRules(max_project_size=80), wants=[Want(), Want("==1")])
    assert versions(decided) == ["1", "4"]
    decided = decide(files[:3], FileRules(max_project_size=80))
    assert versions(decided) == ["2", "3"]
    assert why(decided)["demo-1.tar.gz"][1].endswith("; 1 of unknown size counted as 0")


def test_torch_without_its_largest_wheels() -> None:
    chosen = Selection(package_matches=("*",), rules=FileRules(max_file_size=500 * 10**6))
    decided = chosen.decide(NormalizedName("torch"), page("torch"), now=NOW)
    assert [file.filename for file in decided.wanted] == [
        "torch-2.8.0-cp312-cp312-manylinux_2_28_aarch64.whl",
        "torch-2.8.0-cp312-cp312-win_amd64.whl",
        "torch-2.8.0-cp312-none-macosx_11_0_arm64.whl",
    ]
    assert {each.rule for each in decided.left_out} == {"max_file_size"}


def test_a_team_mirror_keeps_one_release_of_numpy_for_two_platforms() -> None:
    rules = FileRules(
        python_versions=("3.12", "3.13"),
        platforms=("linux_x86_64", "macosx_arm64"),
        implementations=("cp",),
        latest_releases=LatestReleases(1),
        prereleases="if-needed",
        file_types=("wheel",),
    )
    chosen = Selection(package_matches=("*",), rules=rules)
    decided = chosen.decide(NormalizedName("numpy"), page("numpy"), now=NOW)
    assert {file.version for file in decided.wanted} == {"2.3.3"}
    assert len(decided.wanted) == 4


def test_the_first_rule_that_says_no_is_told() -> None:
    rules = FileRules(
        blocked_files=Blocked((), ((NAME, "1"),)),
        file_types=("sdist",),
        platforms=("win32",),
        python_versions=("3.12",),
        versions=((NAME, ">=5"),),
        yanked=False,
        max_file_size=5,
        min_age_days=7,
        prereleases=False,
        latest_releases=LatestReleases(1),
        max_project_size=1,
    )
    bad = {"requires_python": "<3", "yanked": "", "size": 9, "upload_time": "2026-09-21T00:00:00Z"}
    good = {"upload_time": "2020-01-01T00:00:00Z"}
    files = (
        file_of("demo-1-cp27-none-any.whl", version="1", **bad),
        file_of("demo-2-cp27-none-any.whl", version="2", **bad),
        file_of("demo-2.win-amd64.exe", version="2", **bad),
        *sdists("3", **bad),
        *sdists("4", **bad | {"requires_python": None}),
        *sdists("5", **bad | {"requires_python": None}),
        *sdists("6", **bad | {"requires_python": None, "yanked": None}),
        *sdists("7", **bad | {"requires_python": None, "yanked": None, "size": None}),
        *sdists("8a1", **good),
        *sdists("9", **good),
        *sdists("10", size=1, **good),
        file_of("demo-10.zip", version="10", size=1, **good),
    )
    assert [each.rule for each in decide(files, rules).left_out] == [
        "blocked_files",
        "file_types",
        "file_types",
        "python_versions",
        "versions",
        "yanked",
        "max_file_size",
        "min_age_days",
        "prereleases",
        "latest_releases",
        "max_project_size",
    ]


def test_a_project_that_is_not_selected_has_no_files() -> None:
    chosen = Selection(package_matches=("a*", "demo"), package_excludes=("d*", "demo"))
    assert chosen.wants(NAME) == frozenset()
    decided = chosen.decide(NAME, sdists("1"), now=NOW)
    assert why(decided) == {"demo-1.tar.gz": ("package_excludes", "the pattern d* matches demo")}
    decided = chosen.decide(OTHER, sdists("1"), now=NOW)
    assert why(decided) == {
        "demo-1.tar.gz": ("package_matches", "no pattern matches other, and nothing asks for it")
    }


def test_excludes_win_over_who_asks() -> None:
    chosen = Selection(package_matches=("six",), package_excludes=("d*", "x*"))
    assert chosen.excludes(NAME)
    assert not chosen.excludes(NormalizedName("six"))
    assert chosen.unmatched_names() == ("package_matches: six", "package_excludes: x*")


def test_wants_and_decisions_are_kept_as_bytes() -> None:
    want = Want("==1.0", sha256("a"), is_exact=True)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(want), type=Want) == want
    (left_out,) = decide(sdists("1.0", yanked=""), FileRules(yanked=False)).left_out
    assert msgspec.json.decode(msgspec.json.encode(left_out), type=LeftOut) == left_out


def test_what_is_asked_for_is_selected_unless_it_is_excluded() -> None:
    chosen = Selection(package_matches=("a*", "six"), package_excludes=("demo",))
    chosen.asked |= {OTHER: frozenset({Want(">=1")}), NAME: frozenset({Want()})}
    assert chosen.selects(OTHER)
    assert not chosen.selects(NAME)
    assert chosen.literal_names == ("other", "six")
    assert list(chosen.choose(["apple", "Other", "Demo", "pear", "SIX"])) == [0, 1, 2, 4]
    alone = Selection(package_matches=())
    alone.asked[OTHER] = frozenset({Want()})
    assert not alone.needs_list
    assert alone.literal_names == ("other",)


def test_a_fingerprint_holds_only_what_touches_the_project() -> None:
    base = Selection(package_matches=("*",), rules=FileRules())
    same = FileRules(
        versions=((OTHER, ">1"),),
        excluded_versions=((OTHER, "==2"),),
        latest_releases=LatestReleases(0, (("oth*", 5),)),
        blocked_files=Blocked(("a" * 64,), ((OTHER, "1"),)),
        min_age_exceptions=("other",),
    )
    touched = Selection(package_matches=("*",), rules=same)
    assert touched.fingerprint(NAME) == base.fingerprint(NAME)
    assert touched.fingerprint(OTHER) != base.fingerprint(OTHER)
    assert touched.of_projects != base.of_projects


def test_ages_and_numbers_touch_only_those_who_have_them() -> None:
    one = Selection(
        package_matches=("*",),
        rules=FileRules(
            min_age_days=7,
            min_age_exceptions=("demo",),
            latest_releases=LatestReleases(3, (("demo", 1),)),
        ),
    )
    other = Selection(
        package_matches=("*",),
        rules=FileRules(
            min_age_days=9,
            min_age_unknown="allow",
            min_age_exceptions=("demo",),
            latest_releases=LatestReleases(4, (("demo", 1),)),
        ),
    )
    assert one.fingerprint(NAME) == other.fingerprint(NAME)
    assert one.fingerprint(OTHER) != other.fingerprint(OTHER)


@pytest.mark.parametrize(
    "rules",
    [
        FileRules(python_versions=("3.12",)),
        FileRules(platforms=("win32",)),
        FileRules(implementations=("cp",)),
        FileRules(glibc=(2, 28)),
        FileRules(file_types=("wheel",)),
        FileRules(versions=((NAME, ">1"),)),
        FileRules(excluded_versions=((NAME, ">1"),)),
        FileRules(prereleases=False),
        FileRules(prereleases="if-needed"),
        FileRules(yanked=False),
        FileRules(latest_releases=LatestReleases(1)),
        FileRules(latest_releases=LatestReleases(0, (("demo", 1),))),
        FileRules(min_age_days=1),
        FileRules(min_age_days=1, min_age_unknown="allow"),
        FileRules(blocked_files=Blocked((), ((NAME, "1"),))),
        FileRules(max_file_size=1),
        FileRules(max_project_size=1),
    ],
)
def test_a_rule_changes_the_fingerprint_of_what_it_touches(rules: FileRules) -> None:
    base, changed = Selection(package_matches=("*",)), Selection(package_matches=("*",), rules=rules)
    assert changed.fingerprint(NAME) != base.fingerprint(NAME)
    assert changed.of_files != base.of_files
    assert changed.of_projects != base.of_projects


def test_wants_change_the_fingerprint_and_blocked_digests_do_not() -> None:
    chosen = Selection(package_matches=("*",), rules=FileRules(blocked_files=Blocked(("a" * 64,))))
    before = chosen.fingerprint(NAME)
    assert before == Selection(package_matches=("*",)).fingerprint(NAME)
    chosen.asked[NAME] = frozenset({Want(">1"), Want("==2")})
    asked = chosen.fingerprint(NAME)
    assert asked != before
    chosen.asked[NAME] = frozenset({Want("==2"), Want(">1")})
    assert chosen.fingerprint(NAME) == asked


def test_what_else_says_which_projects_are_wanted_is_in_the_fingerprint_of_all() -> None:
    one, other = (Selection(package_matches=("*",), roots=roots) for roots in ("a", "b"))
    assert one.of_projects != other.of_projects
    assert one.of_files == other.of_files


def test_what_was_said_of_no_project_is_named() -> None:
    rules = FileRules(
        versions=((NAME, ">1"), (OTHER, ">1")),
        excluded_versions=((NormalizedName("third"), ">1"),),
        latest_releases=LatestReleases(5, (("de*", 1), ("Oth*", 1))),
        min_age_exceptions=("dem*", "none"),
    )
    chosen = Selection(package_matches=("*",), rules=rules)
    chosen.decide(NAME, sdists("1"), now=NOW)
    assert chosen.unmatched_files() == (
        "versions: other",
        "excluded_versions: third",
        "latest_releases: Oth*",
        "min_age_exceptions: none",
    )


def test_a_selection_goes_to_a_worker() -> None:
    rules = FileRules(
        platforms=("win32",), blocked_files=Blocked(("a" * 64,)), latest_releases=LatestReleases(1)
    )
    chosen = Selection(package_matches=("d*",), filename_excludes=("*.exe",), rules=rules)
    expected = chosen.decide(NAME, sdists("1", "2"), now=NOW)
    assert pickle.loads(pickle.dumps(chosen)).decide(NAME, sdists("1", "2"), now=NOW) == expected
