from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypimirror.model import Digest, File, HeldFile, Served
from pypimirror.plan import Conflict, Loss, Plan, is_too_much, make_plan, why_too_much
from tests.strategies import digests, files, held_projects

SHA256 = "ab" * 32
OTHER = "cd" * 32
URL = "https://files.example.org/demo-1.0.zip"


def file_of(filename: str = "demo-1.0.zip", **fields: Any) -> File:
    return File(filename=filename, url=URL, **fields)


def held_of(filename: str = "demo-1.0.zip", *, metadata: str | None = None, **fields: Any) -> HeldFile:
    return HeldFile(file=file_of(filename, **fields), sha256=SHA256, size=5, metadata=metadata)


def by_name(held: tuple[HeldFile, ...]) -> dict[str, HeldFile]:
    return {one.file.filename: one for one in held}


def plan_of(wanted: list[File], *held: HeldFile) -> Plan:
    return make_plan(wanted, by_name(held))


def plan(**changes: tuple[Any, ...]) -> Plan:
    empty: dict[str, tuple[Any, ...]] = dict.fromkeys(Plan.__struct_fields__, ())
    return Plan(**(empty | changes))


def test_nothing_at_all() -> None:
    assert plan_of([]) == plan()


def test_a_new_file_is_fetched() -> None:
    assert plan_of([file_of()]) == plan(fetch=(file_of(),))


def test_a_held_file_is_kept() -> None:
    assert plan_of([file_of()], held_of()) == plan(keep=(held_of(),))


def test_a_file_that_is_no_longer_listed_vanished() -> None:
    assert plan_of([], held_of()) == plan(vanished=(held_of(),))


def test_files_come_in_upstream_s_order() -> None:
    names = ["c.zip", "a.zip", "b.zip", "d.zip"]
    made = plan_of([file_of(name) for name in names], held_of("b.zip"), held_of("c.zip"))
    assert made.fetch == (file_of("a.zip"), file_of("d.zip"))
    assert made.keep == (held_of("c.zip"), held_of("b.zip"))


@pytest.mark.parametrize(
    "fields",
    [
        {"yanked": ""},
        {"yanked": "why"},
        {"requires_python": ">=3"},
        {"provenance": "https://index.example.org/p"},
        {"upload_time": "2024-01-02T03:04:05Z"},
        {"version": "1.0"},
        {"size": 5},
    ],
)
def test_what_upstream_says_anew_is_an_update(fields: dict[str, Any]) -> None:
    new = held_of(**fields)
    assert plan_of([file_of(**fields)], held_of()) == plan(keep=(new,), update=(new,), look=(new,))


@pytest.mark.parametrize("fields", [{"yanked": "why"}, {"yanked": ""}, {"requires_python": ">=3"}])
def test_what_upstream_takes_back_is_an_update(fields: dict[str, Any]) -> None:
    assert plan_of([file_of()], held_of(**fields)) == plan(
        keep=(held_of(),), update=(held_of(),), look=(held_of(),)
    )


@pytest.mark.parametrize("fields", [{"yanked": "why"}, {"upload_time": "2024-01-02T03:04:05Z"}])
def test_what_has_a_digest_is_not_looked_at(fields: dict[str, Any]) -> None:
    digests = (Digest("sha256", SHA256),)
    new = held_of(**fields, digests=digests)
    assert plan_of([new.file], held_of(digests=digests)) == plan(keep=(new,), update=(new,))


def test_another_signature_in_an_address_is_no_reason_to_look() -> None:
    old = held_of()
    file = msgspec.structs.replace(old.file, url=f"{URL}?X-Amz-Signature=1")
    assert plan_of([file], old).look == ()
    assert plan_of([msgspec.structs.replace(file, url="https://index.example.org/demo")], old).look != ()


def test_what_has_no_digest_is_looked_at_when_it_is_time_or_was_refused() -> None:
    old = held_of()
    assert make_plan([old.file], by_name((old,)), looks=True).look == (old,)
    refused = msgspec.structs.replace(old, served=Served(refused=OTHER))
    assert plan_of([old.file], refused).look == (refused,)
    foreign = {old.file.filename}
    assert make_plan([old.file], by_name((old,)), looks=True, foreign=foreign).look == ()


def test_digests_and_time_are_not_lost() -> None:
    old = held_of(
        digests=(Digest("md5", "aa" * 16), Digest("sha256", SHA256)), upload_time="2024-01-02T03:04:05Z"
    )
    assert plan_of([file_of()], old) == plan(keep=(old,))


def test_digests_are_gathered() -> None:
    md5, sha512 = Digest("md5", "aa" * 16), Digest("sha512", "bb" * 64)
    (kept,) = plan_of([file_of(digests=(sha512,))], held_of(digests=(md5,))).keep
    assert kept.file.digests == (md5, sha512)


@pytest.mark.parametrize(
    "fields",
    [
        {"digests": (Digest("sha256", OTHER),)},
        {"digests": (Digest("sha256", SHA256), Digest("md5", "cc" * 16))},
        {"digests": (Digest("sha256", SHA256),), "size": 6},
        {"size": 6},
        {"size": 0},
    ],
)
def test_other_content_is_a_conflict(fields: dict[str, Any]) -> None:
    old = held_of(digests=(Digest("md5", "aa" * 16),))
    made = plan_of([file_of(**fields)], old)
    (conflict,) = made.conflicts
    assert conflict.filename == "demo-1.0.zip"
    assert made == plan(keep=(old,), conflicts=(conflict,))


def test_a_conflict_names_both_sides() -> None:
    made = plan_of([file_of(digests=(Digest("sha256", OTHER),))], held_of())
    reason = f"upstream's page now says sha256 {OTHER}; held is {SHA256}"
    assert made.conflicts == (Conflict("demo-1.0.zip", reason),)


def test_an_unknown_algorithm_is_no_conflict() -> None:
    assert plan_of([file_of(digests=(Digest("blake2b", "cc" * 64),))], held_of()).conflicts == ()


def test_other_content_that_is_accepted_takes_the_place_of_what_is_held() -> None:
    new, old = file_of(digests=(Digest("sha256", OTHER),)), held_of()
    assert make_plan([new], by_name((old,)), accepts=lambda file: file == new) == plan(
        fetch=(new,), replace=(old,)
    )


def test_content_is_asked_about_only_where_it_changed() -> None:
    def accepts(file: File) -> bool:
        raise AssertionError(file)

    assert make_plan([file_of()], by_name((held_of(),)), accepts=accepts) == plan(keep=(held_of(),))


def test_what_left_the_pages_and_is_wanted_again_is_restored() -> None:
    past = held_of(yanked="why")
    assert make_plan([file_of()], {}, delisted=by_name((past,))) == plan(
        restore=(held_of(),), keep=(held_of(),), look=(held_of(),)
    )


def test_what_left_the_pages_and_comes_back_with_other_content_is_fetched() -> None:
    new = file_of(digests=(Digest("sha256", OTHER),))
    assert make_plan([new], {}, delisted=by_name((held_of(),))) == plan(fetch=(new,))


@pytest.mark.parametrize(
    ("gone", "held", "is_refused"),
    [
        (Loss(0, 0), Loss(0, 0), False),
        (Loss(3, 50), Loss(4, 51), False),
        (Loss(4, 0), Loss(40, 0), False),
        (Loss(4, 0), Loss(39, 0), True),
        (Loss(0, 51), Loss(1, 510), False),
        (Loss(0, 51), Loss(1, 509), True),
        (Loss(100, 1000), Loss(1000, 10_000), False),
        (Loss(101, 1000), Loss(1000, 10_000), True),
        (Loss(100, 1001), Loss(1000, 10_000), True),
    ],
)
def test_how_much_is_too_much(
    gone: Loss,
    held: Loss,
    is_refused: bool,
) -> None:
    assert is_too_much(gone, held, limit=10, is_everything=False) == is_refused


def test_everything_is_always_too_much() -> None:
    assert is_too_much(Loss(1, 1), Loss(1, 1), limit=100, is_everything=True)
    assert not is_too_much(Loss(0, 0), Loss(0, 0), limit=0, is_everything=True)


@pytest.mark.parametrize(
    ("gone", "held", "left", "limit", "why"),
    [
        (Loss(0, 0), Loss(1, 1), 1, 10, None),
        (Loss(0, 1), Loss(1, 1), 0, 10, "that would leave no file at all"),
        (Loss(0, 1), Loss(1, 1), 0, 100, "that would leave no file at all"),
        (Loss(1, 0), Loss(2, 0), 0, 10, None),
        (Loss(0, 8), Loss(1, 9), 1, 10, None),
        (Loss(0, 5), Loss(1, 10), 5, 10, None),
        (Loss(0, 6), Loss(1, 10), 4, 10, "that is more than half of all files"),
        (Loss(0, 6), Loss(1, 10), 4, 60, None),
        (Loss(3, 30), Loss(3, 30), 0, 10, "that is every project"),
        (Loss(0, 60), Loss(3, 100), 40, 10, "that is more than removal_limit allows"),
    ],
)
def test_why_it_is_too_much(gone: Loss, held: Loss, left: int, limit: float, why: str | None) -> None:
    assert why_too_much(gone, held, held, limit=limit, left=left) == why


WHEEL = "demo-1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("filename", "offer", "metadata", "is_complete"),
    [
        ("demo-1.0.zip", None, None, True),
        ("demo-1.0.zip", (), None, False),
        ("demo-1.0.zip", (), SHA256, True),
        ("demo-1.0.zip", (Digest("sha256", SHA256),), SHA256, True),
        ("demo-1.0.zip", (Digest("sha256", OTHER),), SHA256, False),
        ("demo-1.0.zip", (Digest("md5", "aa" * 16),), SHA256, True),
        ("demo-1.0.zip", None, SHA256, True),
        (WHEEL, None, None, False),
        (WHEEL, None, SHA256, True),
        (WHEEL, (Digest("sha256", OTHER),), SHA256, True),
    ],
)
def test_missing_core_metadata(
    filename: str,
    offer: tuple[Digest, ...] | None,
    metadata: str | None,
    is_complete: bool,
) -> None:
    held = held_of(filename, core_metadata=offer, metadata=metadata)
    assert plan_of([held.file], held) == plan(keep=(held,), complete=() if is_complete else (held,))


# Properties


@st.composite
def meetings(draw: st.DrawFn) -> tuple[list[File], dict[str, HeldFile]]:
    """What is held, and a page that lists some of it, unchanged, changed or replaced, and other files."""
    held = by_name(draw(held_projects()))
    known = [one.file for one in held.values() if draw(st.booleans())]
    listed = [draw(st.just(file) | files(filename=file.filename) | _changed(file)) for file in known]
    new = draw(st.lists(files(), max_size=3, unique_by=lambda file: file.filename))
    wanted = [*listed, *(file for file in new if file.filename not in held)]
    return draw(st.permutations(wanted)), held


def _changed(file: File) -> st.SearchStrategy[File]:
    said = st.lists(digests("sha1", "blake2b"), max_size=2, unique_by=lambda digest: digest.algorithm)
    return st.builds(
        lambda digests, yanked: msgspec.structs.replace(
            file, digests=tuple(sorted(digests)), yanked=yanked, upload_time=None, size=None
        ),
        said,
        st.none() | st.just("") | st.just("why"),
    )


def fetched(file: File) -> HeldFile:
    sha256 = dict(file.digests).get("sha256", SHA256)
    return HeldFile(file=file, sha256=sha256, size=file.size or 0, metadata=None)


def applied(made: Plan) -> dict[str, HeldFile]:
    return by_name((*made.keep, *map(fetched, made.fetch)))


def check_applying_a_plan_gives_what_is_wanted(wanted: list[File], held: dict[str, HeldFile]) -> None:
    made = make_plan(wanted, held)
    assert set(applied(made)) == {file.filename for file in wanted}
    in_conflict = {conflict.filename for conflict in made.conflicts}
    after = applied(made)
    for file in wanted:
        if file.filename not in in_conflict:
            said = after[file.filename].file
            assert msgspec.structs.replace(said, digests=file.digests, upload_time=file.upload_time) == file
            assert set(file.digests) <= set(said.digests)
            assert file.upload_time in {None, said.upload_time}


def check_a_second_plan_does_nothing(wanted: list[File], held: dict[str, HeldFile]) -> None:
    after = applied(make_plan(wanted, held))
    again = make_plan(wanted, after)
    assert (again.fetch, again.update, again.vanished) == ((), (), ())
    assert by_name(again.keep) == after


def check_every_file_has_one_place(wanted: list[File], held: dict[str, HeldFile]) -> None:
    made = make_plan(wanted, held)
    fetch = {file.filename for file in made.fetch}
    keep, vanished = set(by_name(made.keep)), set(by_name(made.vanished))
    assert not fetch & set(held)
    assert not keep & vanished
    assert keep | vanished == set(held)
    assert not made.replace
    assert not made.restore
    assert {conflict.filename for conflict in made.conflicts} <= keep
    assert set(made.update) | set(made.complete) <= set(made.keep)
    assert len(made.fetch) + len(made.keep) == len(wanted)


def check_a_file_in_conflict_stays_what_it_was(wanted: list[File], held: dict[str, HeldFile]) -> None:
    made = make_plan(wanted, held)
    for conflict in made.conflicts:
        assert by_name(made.keep)[conflict.filename] == held[conflict.filename]
        assert conflict.filename not in by_name(made.update)


def check_bytes_that_are_held_lose_nothing(wanted: list[File], held: dict[str, HeldFile]) -> None:
    for kept in make_plan(wanted, held).keep:
        old = held[kept.file.filename]
        assert (kept.sha256, kept.size, kept.metadata) == (old.sha256, old.size, old.metadata)
        assert set(old.file.digests) <= set(kept.file.digests)
        assert list(kept.file.digests) == sorted(dict(kept.file.digests).items())
        assert old.file.upload_time is None or kept.file.upload_time is not None


@settings(deadline=None)
@given(meetings())
def test_what_holds_for_all_plans(meeting: tuple[list[File], dict[str, HeldFile]]) -> None:
    """All of it of the same meetings: to draw them takes longer than to look at them."""
    check_applying_a_plan_gives_what_is_wanted(*meeting)
    check_a_second_plan_does_nothing(*meeting)
    check_every_file_has_one_place(*meeting)
    check_a_file_in_conflict_stays_what_it_was(*meeting)
    check_bytes_that_are_held_lose_nothing(*meeting)
