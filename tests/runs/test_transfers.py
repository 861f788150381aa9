"""Files that break off go on, slow servers are left, busy ones are left alone, and rates are kept."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pypimirror.errors import UnavailableError
from pypimirror.model import Validators
from pypimirror.pace import MinimumSpeed, Rate
from pypimirror.store.entries import size_now
from pypimirror.sync.tasks import PageTask
from pypimirror.upstream import Upstream
from tests import faults
from tests.fake_index import FakeIndex
from tests.index_server import Request
from tests.mirror import Mirror, is_over
from tests.outside_host import OutsideHost
from tests.runs.test_kills import children_of, wait_until
from tests.small_disks import SmallDisk

MakeMirror = Callable[..., Mirror]

MIB = 1 << 20
BIG = "six-1.0.tar.gz"
FILE = f"/files/six/{BIG}"


def fill(index: FakeIndex, size: int = 3 * MIB) -> bytes:
    content = os.urandom(size)
    index.add_file("six", BIG, content)
    return content


def wait_for_bytes(mirror: Mirror, number: int) -> None:
    """Wait until so many bytes came of files on their way in."""
    wait_until(lambda: sum(size_now(str(path)) for path in mirror.temporary_files()) >= number)


def requests_of_file(index: FakeIndex) -> list[Request]:
    return [request for request in index.requests if request.path == FILE]


def held(mirror: Mirror) -> bytes:
    return (mirror.root / "six" / BIG).read_bytes()


def kept(mirror: Mirror) -> list[Path]:
    folder = mirror.root / ".pypimirror/partial"
    return list(folder.iterdir()) if folder.exists() else []


# -- going on ------------------------------------------------------------------------------------


def test_a_big_file_that_is_cut_off_goes_on_in_the_same_run(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    content = fill(index)
    index.fault(FILE, faults.Cut(2 * MIB), times=1)
    mirror = make_mirror(retries=1)
    mirror.update()
    first, second = requests_of_file(index)
    assert first.range is None
    assert second.range == f"bytes={2 * MIB}-"
    assert second.status == 206
    assert second.headers["if-range"].startswith('"')
    assert second.headers["accept-encoding"] == "identity"
    assert held(mirror) == content


def test_it_goes_on_in_the_next_run(index: FakeIndex, make_mirror: MakeMirror) -> None:
    content = fill(index)
    index.fault(FILE, faults.Cut(2 * MIB), times=1)
    mirror = make_mirror()
    assert mirror.run("-U").status == 3
    assert [path.stat().st_size for path in kept(mirror)] == [2 * MIB]
    mirror.update()
    assert requests_of_file(index)[-1].range == f"bytes={2 * MIB}-"
    assert held(mirror) == content
    assert kept(mirror) == []
    assert mirror.temporary_files() == []


def test_it_goes_on_from_run_to_run(index: FakeIndex, make_mirror: MakeMirror) -> None:
    content = fill(index, 4 * MIB)
    index.fault(FILE, faults.Cut(3 * MIB // 2), times=2)
    mirror = make_mirror()
    assert mirror.run("-U").status == 3
    assert mirror.run("-U").status == 3
    mirror.age(hours=1)
    mirror.update()
    assert [request.range for request in requests_of_file(index)] == [
        None,
        f"bytes={3 * MIB // 2}-",
        f"bytes={3 * MIB}-",
    ]
    assert held(mirror) == content


def test_what_was_kept_outlives_a_run_whose_disk_is_full(index: FakeIndex, small_disk: SmallDisk) -> None:
    content = fill(index, 6 * MIB)
    index.fault(FILE, faults.Cut(2 * MIB), times=1)
    mirror = Mirror(small_disk.path, index.url)
    assert mirror.run("-U").status == 3
    small_disk.leave_free(MIB)
    assert mirror.run("-U").status == 6
    assert [path.stat().st_size for path in kept(mirror)] == [2 * MIB], "no more than it had of a full disk"
    small_disk.empty()
    mirror.run("-U")
    ranges = [request.range for request in requests_of_file(index)]
    assert ranges == [None, f"bytes={2 * MIB}-", f"bytes={2 * MIB}-"]
    assert held(mirror) == content
    assert kept(mirror) == []


def test_a_file_whose_host_is_left_alone_has_not_failed_though_a_part_is_kept(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    content = os.urandom(3 * MIB)
    with OutsideHost() as host:
        index.add_file("six", BIG, content, url=host.put(f"/{BIG}", content))
        host.fault("/six*", faults.Cut(2 * MIB), times=1)
        mirror = make_mirror(workers=1)
        assert mirror.run("-U").status == 3
        index.add_file("a", "a-1.0.tar.gz", b"a", url=host.put("/a-1.0.tar.gz", b"a"))
        host.fault("/a-*", faults.Status(429, {"Retry-After": "3600"}), times=1)
        host.paths()
        ended = mirror.run("-U", "--project", "a", "--project", "six")
        assert host.paths() == ["/a-1.0.tar.gz"]
        assert ended.status == 3
        assert "a/a-1.0.tar.gz: " in ended.stderr
        assert f"six/{BIG}: " not in ended.stderr
        assert "1 project was not asked, and stays as it is until the next run" in ended.stderr
        assert [path.stat().st_size for path in kept(mirror)] == [2 * MIB]
        mirror.age(hours=2)
        mirror.run("-U")
    assert held(mirror) == content


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_what_was_kept_outlives_a_run_that_ends_while_it_goes_on(
    index: FakeIndex, make_mirror: MakeMirror, by: signal.Signals
) -> None:
    content = fill(index, 6 * MIB)
    index.fault(FILE, faults.Cut(2 * MIB), times=1)
    index.fault(FILE, faults.HangBody(MIB, 60), times=2)
    mirror = make_mirror(workers=1)
    assert mirror.run("-U").status == 3
    for size in (3 * MIB, 4 * MIB):
        running = mirror.start("-U")
        wait_for_bytes(mirror, size)
        running.send_signal(by)
        running.communicate()
        mirror.check_links(is_settled=False)
    mirror.update()
    assert [request.range for request in requests_of_file(index)] == [
        None,
        f"bytes={2 * MIB}-",
        f"bytes={3 * MIB}-",
        f"bytes={4 * MIB}-",
    ]
    assert held(mirror) == content
    assert kept(mirror) == []
    assert mirror.temporary_files() == []


def test_a_file_that_was_gone_on_with_is_as_open_as_any(index: FakeIndex, make_mirror: MakeMirror) -> None:
    """Nobody but its owner may write to a file, though the umask lets a group do so."""
    fill(index, 4 * MIB)
    index.fault(FILE, faults.Cut(2 * MIB), times=1)
    index.fault(FILE, faults.HangBody(MIB, 60), times=1)
    mirror = make_mirror(workers=1)
    before = os.umask(0o002)
    try:
        assert mirror.run("-U").status == 3
        running = mirror.start("-U")
        wait_for_bytes(mirror, 3 * MIB)
        running.kill()
        running.communicate()
        mirror.update()
    finally:
        os.umask(before)
    assert requests_of_file(index)[-1].range == f"bytes={3 * MIB}-"
    assert (mirror.root / "six" / BIG).stat().st_mode & 0o777 == 0o644


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found by /proc")
def test_what_was_kept_outlives_a_worker_that_is_killed(index: FakeIndex, make_mirror: MakeMirror) -> None:
    content = fill(index, 4 * MIB)
    index.fault(FILE, faults.Cut(2 * MIB), times=1)
    index.fault(FILE, faults.HangBody(MIB, 60), times=1)
    mirror = make_mirror(workers=1)
    assert mirror.run("-U").status == 3
    running = mirror.start("-U")
    wait_for_bytes(mirror, 3 * MIB)
    for child in children_of(running.pid):
        os.kill(child, signal.SIGKILL)
    running.communicate()
    assert running.returncode == 3
    mirror.age(hours=1)
    mirror.update()
    assert requests_of_file(index)[-1].range == f"bytes={3 * MIB}-"
    assert held(mirror) == content
    assert kept(mirror) == []


def test_a_part_is_not_gone_on_with_where_no_digest_tells_that_it_fits(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    content = fill(index)
    index.fault(FILE, faults.Cut(2 * MIB), times=1)
    mirror = make_mirror()
    assert mirror.run("-U").status == 3
    index.add_file("six", BIG, content, hashes={})
    mirror.update()
    assert requests_of_file(index)[-1].range is None
    assert held(mirror) == content
    assert kept(mirror) == []


def test_a_small_part_is_not_gone_on_with(index: FakeIndex, make_mirror: MakeMirror) -> None:
    content = fill(index)
    index.fault(FILE, faults.Cut(MIB - 1), times=1)
    mirror = make_mirror(retries=1)
    mirror.update()
    assert [request.range for request in requests_of_file(index)] == [None, None]
    assert held(mirror) == content


@pytest.mark.parametrize(
    "fault",
    [
        faults.Headers({"Content-Range": "bytes 0-99/100"}),
        faults.Status(416),
        faults.Status(206),
    ],
    ids=["wrong range", "416", "no range"],
)
def test_a_server_that_is_bad_at_ranges_is_asked_for_the_whole(
    index: FakeIndex, make_mirror: MakeMirror, fault: faults.Fault
) -> None:
    content = fill(index)
    index.fault(FILE, faults.Cut(2 * MIB), times=1)
    index.fault(FILE, fault, times=1)
    mirror = make_mirror(retries=1)
    mirror.update()
    assert [request.range for request in requests_of_file(index)] == [None, f"bytes={2 * MIB}-", None]
    assert held(mirror) == content


def test_a_server_that_ignores_ranges_sends_the_whole(index: FakeIndex, make_mirror: MakeMirror) -> None:
    content = fill(index)
    index.fault(FILE, faults.Cut(2 * MIB), times=1)
    index.fault(FILE, faults.Body(content, "application/octet-stream"), times=1)
    mirror = make_mirror(retries=1)
    mirror.update()
    assert len(requests_of_file(index)) == 2
    assert held(mirror) == content


def test_a_file_that_changed_in_between_starts_afresh(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    index.fault(FILE, faults.Cut(2 * MIB), times=1)
    mirror = make_mirror()
    assert mirror.run("-U").status == 3
    content = fill(index)
    mirror.update()
    assert requests_of_file(index)[-1].status == 200
    assert held(mirror) == content


def test_a_part_that_is_not_of_this_file_is_dropped(index: FakeIndex, make_mirror: MakeMirror) -> None:
    content = fill(index)
    index.fault(FILE, faults.Cut(2 * MIB), times=1)
    mirror = make_mirror()
    assert mirror.run("-U").status == 3
    (part,) = kept(mirror)
    part.write_bytes(bytes(2 * MIB))
    mirror.update()
    assert [request.status for request in requests_of_file(index)] == [200, 206, 200]
    assert held(mirror) == content


def test_without_a_validator_nothing_is_kept(index: FakeIndex, make_mirror: MakeMirror) -> None:
    content = fill(index)
    index.validators = False
    index.fault(FILE, faults.Cut(2 * MIB), times=1)
    mirror = make_mirror()
    assert mirror.run("-U").status == 3
    assert kept(mirror) == []
    mirror.update()
    assert held(mirror) == content


def test_what_is_kept_of_a_file_that_is_no_longer_wanted_goes(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index)
    index.add("attrs", "1.0")
    index.fault(FILE, faults.Cut(2 * MIB))
    mirror = make_mirror()
    assert mirror.run("-U").status == 3
    assert len(kept(mirror)) == 1
    mirror.configure(package_excludes="six")
    mirror.update()
    assert kept(mirror) == []


# -- slow and busy servers -------------------------------------------------------------------------


def upstream_of(
    index: FakeIndex, *, max_rate: int = 0, minimum_speed: MinimumSpeed | None = None, retries: int = 0
) -> Upstream:
    return Upstream(index.url, timeout=5, retries=retries, max_rate=max_rate, minimum_speed=minimum_speed)


def received(upstream: Upstream, url: str) -> int:
    with upstream.open_file(url) as answer:
        return sum(map(len, answer.raw_chunks()))


@pytest.mark.parametrize("is_page", [True, False])
def test_a_server_that_drips_is_left(index: FakeIndex, is_page: bool) -> None:
    fill(index, 50_000)
    for number in range(50):
        index.add_file("six", f"six-{number}.zip", b"%d" % number)
    index.fault("*", faults.Drip(20, 0.05))
    upstream = upstream_of(index, minimum_speed=MinimumSpeed(10_000, window_s=0.5))
    begun = time.monotonic()

    def ask() -> object:
        if is_page:
            return upstream.page(f"{index.url}six/", accept="*/*", validators=Validators())
        return received(upstream, f"{index.origin}{FILE}")

    with pytest.raises(UnavailableError, match="more slowly than minimum_speed"):
        ask()
    assert time.monotonic() - begun < 20, "long before its end"


def test_a_limit_of_our_own_makes_no_server_slow(index: FakeIndex) -> None:
    fill(index, 100_000)
    upstream = upstream_of(index, max_rate=50_000, minimum_speed=MinimumSpeed(80_000, window_s=0.3))
    assert received(upstream, f"{index.origin}{FILE}") == 100_000


def test_the_options_reach_the_transfers(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index, 300_000)
    mirror = make_mirror(max_rate="200k", minimum_speed="10k")
    begun = time.monotonic()
    mirror.update()
    assert time.monotonic() - begun > 1.2


def test_a_rate_holds_for_all_transfers_together_and_is_shared(index: FakeIndex) -> None:
    for name in ("a", "b", "c", "d"):
        index.add_file(name, f"{name}.tar.gz", bytes(100_000))
    upstream = upstream_of(index, max_rate=200_000)
    begun = time.monotonic()

    def fetched(name: str) -> float:
        assert received(upstream, f"{index.origin}/files/{name}/{name}.tar.gz") == 100_000
        return time.monotonic() - begun

    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(fetched, "abcd"))
    assert max(ended) > 1.8
    assert min(ended) > 0.5 * max(ended), "side by side"


def test_without_a_rate_nothing_waits() -> None:
    rate = Rate(0)
    begun = time.monotonic()
    rate.wait(1 << 40)
    assert time.monotonic() - begun < 1
    assert rate.block(1 << 18) == 1 << 18


def test_a_server_that_is_asked_too_often_is_left_alone_by_all_workers(
    index: FakeIndex, make_mirror: MakeMirror, all_cores: None
) -> None:
    for number in range(20):
        index.add(f"project-{number:02}", "1.0")
    page = "/simple/project-00/"
    index.fault(page, faults.Status(429, {"Retry-After": "2"}), times=1)
    index.latency = 0.05
    mirror = make_mirror(workers=4, retries=1)
    mirror.update()
    paths = index.paths()
    first = paths.index(page)
    meanwhile = paths.index(page, first + 1) - first
    # What was on its way, and what was asked for before all knew; in two seconds it would be everything.
    assert meanwhile < len(paths) / 3


def test_a_page_that_is_busy_is_asked_for_when_it_wants_to_be(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0")
    answered: list[float] = []
    index.fault("/simple/six/", faults.Status(503, {"Retry-After": "2"}), times=1)
    index.fault("/simple/six/", faults.Call(lambda: answered.append(time.monotonic())))
    begun = time.monotonic()
    make_mirror(retries=1).update()
    assert answered[0] - begun > 2


def test_a_server_that_wants_an_hour_is_left_alone_for_the_rest_of_the_run(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    for number in range(30):
        index.add(f"project-{number:02}", "1.0")
    index.fault("/simple/project-00/", faults.Status(429, {"Retry-After": "3600"}))
    mirror = make_mirror(workers=1, retries=3)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "answers 429" in ended.stderr
    assert "29 projects were not asked" in ended.stderr
    assert "asked to be left alone for 3600 seconds" in ended.stderr
    assert len(index.requests) < 10
    index.clear_faults()
    assert mirror.run("-U").status == 3, "the page that asked for an hour gets it"
    assert len(mirror.projects()) == 29
    mirror.age(hours=1.1)
    mirror.update()


def test_retries_are_of_one_file_and_no_more(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    index.fault(FILE, faults.Cut(100_000))
    mirror = make_mirror(retries=2)
    assert mirror.run("-U").status == 3
    assert len(requests_of_file(index)) == 3


def test_a_page_can_be_asked_for_past_caches(index: FakeIndex) -> None:
    index.add("six", "1.0")
    upstream_of(index).page(f"{index.url}six/", accept="*/*", validators=Validators(), is_fresh=True)
    assert index.requests[-1].headers["cache-control"] == "no-cache"


# -- bugs of our own ---------------------------------------------------------------------------------


def test_a_bug_in_a_worker_costs_one_project(index: FakeIndex) -> None:
    index.add("six", "1.0")
    nothing: Any = None
    answer = PageTask(nothing).run(upstream_of(index))
    assert "a bug in pypimirror" in str(answer.result)


def test_dns_and_refusals_are_told(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(package_matches="six")
    mirror.index_url = "http://no-such-host.invalid/simple/"
    mirror.configure(package_matches="six")
    ended = mirror.run("-U")
    assert ended.status == 4
    assert "no-such-host.invalid" in ended.stderr
    mirror.index_url = index.url
    index.stop()
    mirror.configure(package_matches="six")
    ended = mirror.run("-U")
    assert ended.status == 4
    assert "Connection refused" in mirror.log
    index.start()
    assert is_over(mirror.run("-U"))
