"""Files that a run leaves for other programs: its report, metrics, and the paths that it changed."""

import contextlib
import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from filelock import FileLock
from prometheus_client.parser import text_string_to_metric_families

from pypimirror.report import metrics
from pypimirror.report.run_report import RunReport, schema
from pypimirror.report.status_page import StatusPage
from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Ended, Mirror, clean_environment, is_over
from tests.small_disks import mounted

MakeMirror = Callable[..., Mirror]

DOCS = Path(__file__).parents[2] / "docs"
SCHEMAS = {
    "report": schema(RunReport, "The report of a run of pypimirror"),
    "status": schema(StatusPage, "status.json of pypimirror"),
}


def measured(path: Path) -> dict[str, float]:
    """Return the metrics in a file, by their names, as Prometheus reads them."""
    found = {}
    for family in text_string_to_metric_families(path.read_text("utf-8")):
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            assert Path(sample.labels["mirror"]).name == "mirror"
            found[sample.name.removeprefix("pypimirror_")] = float(sample.value)
    return found


def reported(path: Path) -> dict[str, Any]:
    """Return a report that is as its schema says."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    jsonschema.validate(found, json.loads((DOCS / "report.schema.json").read_text("utf-8")))
    return found


def changed(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


# -- the report --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_in_the_docs_are_those_of_the_code(name: str) -> None:
    path = DOCS / f"{name}.schema.json"
    current = msgspec.json.format(msgspec.json.encode(SCHEMAS[name])).decode() + "\n"
    if os.environ.get("PYPIMIRROR_WRITE_SCHEMAS"):
        path.write_text(current, "utf-8")
    assert path.read_text("utf-8") == current
    jsonschema.Draft202012Validator.check_schema(json.loads(current))


def test_the_report_of_a_good_run(index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    index.add("six", "1.0")
    index.add("attrs", "1.0", wheel=False)
    mirror = make_mirror(report="report.json")
    before = time.time()
    mirror.update()
    found = reported(tmp_path / "report.json")
    size = sum(len(file.content) for name in ("six", "attrs") for file in index.files(name))
    run = found["run"]
    assert (run["mode"], run["status"], run["stored"], run["bytes"]) == ("update-fetch", 0, 3, size)
    assert (run["held_projects"], run["held_files"], run["held_bytes"]) == (2, 3, size)
    assert before <= run["started"] <= run["ended"] <= time.time()
    assert run["requests"] == len(index.requests)
    now = found["now"]
    assert (now["is_complete"], now["projects"], now["files"], now["bytes"]) == (True, 2, 3, size)
    assert (found["mirror"], found["details"], found["afterwards"]) == (str(mirror.root), [], [])


def test_the_report_of_a_run_with_failures(index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    index.add("six", "1.0")
    index.fault("/files/six/six-1.0.tar.gz", faults.Status(500))
    mirror = make_mirror(report="report.json")
    assert mirror.run("-U").status == 3
    found = reported(tmp_path / "report.json")
    assert found["run"]["status"] == 3
    assert found["details_count"] == 1
    (failing,) = found["now"]["failing"]
    assert (failing["project"], failing["filename"]) == ("six", "six-1.0.tar.gz")
    assert "answers 500" in failing["reason"]


def test_every_run_that_writes_has_a_report_and_no_other(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(report="report.json", metrics="m.prom", changed_paths="c.txt", on_success="false")
    assert mirror.run("-U", "--dry-run").status == 0
    assert not list(tmp_path.glob("*.[jpt]*"))
    mirror.configure(report="report.json", metrics="m.prom", changed_paths="c.txt")
    for mode, arguments in {
        "update-fetch": ["-U"],
        "initial-fetch": ["-I"],
        "indexes-only": ["-i"],
        "verify": ["--verify"],
        "update-fetch --project": ["-U", "--project", "six"],
    }.items():
        assert mirror.run(*arguments).status == 0
        assert reported(tmp_path / "report.json")["run"]["mode"] == mode
    before = (tmp_path / "report.json").read_bytes()
    mirror.run("--status")
    with FileLock(mirror.root / ".pypimirror/lock"):
        assert mirror.run("-U").status == 5
    assert (tmp_path / "report.json").read_bytes() == before


# -- metrics -------------------------------------------------------------------------------------


def test_metrics_of_a_good_run(index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(metrics="mirror.prom")
    mirror.update()
    found = measured(tmp_path / "mirror.prom")
    assert found.keys() == {*metrics.METRICS, "info"}
    size = sum(len(file.content) for file in index.files("six"))
    assert (found["held_projects"], found["held_files"], found["held_bytes"]) == (1, 2, size)
    assert (found["last_run_stored_files"], found["last_run_stored_bytes"]) == (2, size)
    assert (found["last_run_status"], found["last_try_status"], found["lock_held"]) == (0, 0, 0)
    assert (found["complete"], found["good"], found["failing"], found["pending"]) == (1, 1, 0, 0)
    assert found["last_run_requests"] == len(index.requests)
    assert found["last_run_timestamp_seconds"] == found["last_good_run_timestamp_seconds"]
    assert 0 <= found["last_good_run_age_seconds"] < 60
    assert found["disk_free_bytes"] > 0


def test_metrics_of_a_run_that_failed_keep_the_last_good_one(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(metrics="mirror.prom")
    mirror.update()
    good = measured(tmp_path / "mirror.prom")
    index.fault("/simple/", faults.Status(503))
    assert mirror.run("-U").status == 4
    bad = measured(tmp_path / "mirror.prom")
    assert (bad["last_run_status"], bad["last_try_status"], bad["good"]) == (4, 4, 0)
    for name in ("last_good_run_timestamp_seconds", "held_projects", "held_files", "held_bytes"):
        assert bad[name] == good[name]


def test_metrics_while_another_run_holds_the_lock(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(metrics="mirror.prom")
    mirror.update()
    before = measured(tmp_path / "mirror.prom")
    with FileLock(mirror.root / ".pypimirror/lock"):
        assert mirror.run("-U") == Ended(5, "", "")
    found = measured(tmp_path / "mirror.prom")
    moving = {"last_try_timestamp_seconds", "last_good_run_age_seconds", "disk_free_bytes"}
    differing = {name for name in found if found[name] != before[name]} - moving
    assert differing == {"last_try_status", "lock_held"}
    assert (found["last_try_status"], found["lock_held"]) == (5, 1)
    mirror.update()
    assert measured(tmp_path / "mirror.prom")["lock_held"] == 0


def test_metrics_where_the_state_is_not_to_be_had_keep_what_was_known(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    index.add("six", "1.0")
    options = {"metrics": "mirror.prom", "report": "report.json", "state_dir": "state"}
    mirror = make_mirror(**options)
    mirror.update()
    before = measured(tmp_path / "mirror.prom")
    mirror.root.rename(tmp_path / "unmounted")
    ended = mirror.run("-U")
    assert ended.status == 1
    assert "is its disk mounted?" in ended.stderr
    found = measured(tmp_path / "mirror.prom")
    assert found["last_try_status"] == 1
    for name in ("last_good_run_timestamp_seconds", "held_files", "last_run_status"):
        assert found[name] == before[name]
    report = reported(tmp_path / "report.json")
    assert (report["run"]["status"], report["now"]) == (1, None)
    assert "is its disk mounted?" in report["run"]["summary"]


def test_two_mirrors_may_use_one_folder_of_metrics(index: FakeIndex, tmp_path: Path) -> None:
    index.add("six", "1.0")
    folder = tmp_path / "metrics"
    folder.mkdir()
    for name in ("one", "two"):
        Mirror(tmp_path / name, index.url, metrics=folder / f"{name}.prom").update()
    text = "".join(path.read_text() for path in sorted(folder.iterdir()))
    labels = {line.split("}")[0] for line in text.splitlines() if line.startswith("pypimirror_held_files")}
    assert len(labels) == 2


def test_without_the_extra_metrics_are_refused(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    index.add("six", "1.0")
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import sys; sys.modules['prometheus_client'] = None")
    ended = make_mirror(metrics="mirror.prom").run("-U", env={"PYTHONPATH": str(site)})
    assert ended.status == 2
    assert "metrics = mirror.prom: it needs an extra: pip install 'pypimirror-ng[metrics]'" in ended.stderr
    mirror = make_mirror(report="report.json", status_page=True, on_success="true")
    assert is_over(mirror.run("-U", env={"PYTHONPATH": str(site)}))


def test_what_is_no_text_of_metrics_is_not_kept() -> None:
    assert metrics.kept("noise {{{", "/srv/mirror") == {}
    assert metrics.kept("# TYPE a gauge\na{b= 1\n", "/srv/mirror") == {}
    text = metrics.text({"good": 1.0}, '/srv/"odd\\ name"').decode()
    assert metrics.kept(text, '/srv/"odd\\ name"') == {"good": 1.0}
    assert metrics.kept(text, "/srv/other") == {}


# -- changed paths -------------------------------------------------------------------------------


def test_the_list_has_what_came_what_changed_and_what_left(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    for name in ("Zope.Event", "attrs", "six"):
        index.add(name, "1.0")
    mirror = make_mirror(changed_paths="changed.txt", removal_grace_hours=0)
    mirror.update()
    assert changed(tmp_path / "changed.txt") == sorted([*mirror.tree(), *mirror.links()])
    before, links = mirror.tree(), mirror.links()
    index.add("six", "2.0", wheel=False)
    index.remove("Zope.Event")
    mirror.update()
    after = mirror.tree()
    expected = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    expected |= links.keys() - mirror.links().keys()
    assert expected
    assert "zope-event/" in changed(tmp_path / "changed.txt")
    assert set(changed(tmp_path / "changed.txt")) - {"zope-event/"} == expected


def test_a_run_without_changes_leaves_the_list(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(changed_paths="changed.txt")
    mirror.update()
    path = tmp_path / "changed.txt"
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    mirror.update()
    assert mirror.run("-I").status == 0
    assert mirror.run("--indexes-only").status == 0
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


@pytest.mark.parametrize("seed", range(2))
def test_what_killed_runs_changed_is_in_the_next_list(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path, seed: int
) -> None:
    instants = random.Random(seed)
    for number in range(5):
        index.add(f"project-{number}", "1.0", extra_size=2000)
    index.latency = 0.02
    mirror = make_mirror(changed_paths="changed.txt", workers=2)
    for _ in range(4):
        process = mirror.start("-U")
        time.sleep(instants.uniform(0.3, 0.9))
        process.kill()
        process.communicate()
        if (tmp_path / "changed.txt").exists():
            break
    index.latency = 0
    mirror.update()
    assert set(mirror.tree()) <= set(changed(tmp_path / "changed.txt"))
    assert not (mirror.root / ".pypimirror/changed").exists()


def test_a_run_that_a_signal_ends_hands_its_list_on(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    index.add("six", "1.0")
    index.add("attrs", "1.0")
    mirror = make_mirror(changed_paths="changed.txt", report="report.json", metrics="mirror.prom")
    mirror.update()
    index.add("six", "2.0")
    index.add("attrs", "2.0")
    index.fault("/files/six/*", faults.Hang(30.0))
    process = mirror.start("-U")
    page = mirror.root / "attrs/index.html"
    before = page.read_bytes()
    while page.read_bytes() == before:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert "attrs/index.html" in changed(tmp_path / "changed.txt")
    assert reported(tmp_path / "report.json")["run"]["status"] == 143
    assert measured(tmp_path / "mirror.prom")["last_try_status"] == 143


# -- places ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["report", "metrics", "changed_paths"])
def test_a_file_that_cannot_be_written_is_told_and_loses_nothing(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path, option: str
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(**{option: "nowhere/file.txt"})
    ended = mirror.run("-U")
    assert ended.status == 1
    path = tmp_path / "nowhere/file.txt"
    assert ended.stderr == (
        f"pypimirror: {option}: {path}: can't be written (its folder does not exist); mend that, or name"
        f" another file in {option}\n  the mirror itself is as the run left it\n"
    )
    assert mirror.check_links() == 2
    assert mirror.run("-U") == Ended(1, "", "")  # once a day
    status = mirror.run("--status")
    assert status.status == 0  # of the mirror
    assert f": {option}: {path}: can't be written" in status.stdout
    path.parent.mkdir()
    mirror.update()
    assert path.exists()
    if option == "changed_paths":
        assert changed(path) == sorted(mirror.tree())
    assert option not in mirror.run("--status").stdout


def test_a_full_disk_is_told_as_one(index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    index.add("six", "1.0")
    with mounted(tmp_path / "small", "size=64k") as small:
        mirror = make_mirror(report=small.path / "report.json", changed_paths=small.path / "changed.txt")
        mirror.update()
        before = changed(small.path / "changed.txt")
        small.leave_free(0)
        index.add("attrs", "1.0")
        ended = mirror.run("-U")
        assert ended.status == 6
        assert "report.json: can't be written (No space left on device)" in ended.stderr
        assert changed(small.path / "changed.txt") == before
        assert [path.name for path in small.path.iterdir() if path.name.endswith(".new")] == []
        small.empty()
        mirror.update()
        assert "attrs/index.html" in changed(small.path / "changed.txt")


def test_places_where_a_file_must_not_be_are_refused(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    mirror = make_mirror()
    mirror.root.mkdir()
    (tmp_path / "link").symlink_to(mirror.root)
    os.mkfifo(tmp_path / "fifo")
    for value, reason in {
        str(tmp_path): "it is a folder",
        "fifo": "it is no regular file",
        "mirror/report.json": "it is where files are served",
        "mirror/six/report.json": "it is where files are served",
        "link/report.json": "it is where files are served",
        "mirror/.pypimirror/new/x": "it is where files are served",
        "mirror/.pypimirror/id": "it is a file of pypimirror's own",
        "mirror/.pypimirror/state.sqlite": "it is a file of pypimirror's own",
        "mirror/.pypimirror/lock": "it is the file of another option",
        "m.prom": "it is the file of another option",
    }.items():
        mirror.configure(report="m.prom", changed_paths=value)
        ended = mirror.run("-U")
        assert ended.status == 2
        assert f"changed_paths = {' '.join(str(tmp_path / value).split())[:57]}" in ended.stderr
        assert reason in ended.stderr
    assert not index.requests
    index.add("six", "1.0")
    (tmp_path / "elsewhere").mkdir()
    mirror.configure(report="mirror/.pypimirror/mine.json", changed_paths="elsewhere/lock", metrics="new")
    mirror.update()
    assert changed(tmp_path / "elsewhere/lock")
    assert reported(mirror.root / ".pypimirror/mine.json")


def test_a_link_gives_way_to_the_file(index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    index.add("six", "1.0")
    other = tmp_path / "somebody's"
    other.write_text("else")
    (tmp_path / "report.json").symlink_to(other)
    make_mirror(report="report.json").update()
    assert other.read_text() == "else"
    assert reported(tmp_path / "report.json")


def test_a_file_stays_as_readable_as_it_was(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    index.add("six", "1.0")
    path = tmp_path / "report.json"
    path.touch(0o600)
    mirror = make_mirror(report="report.json", metrics="mirror.prom")
    mirror.update()
    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "mirror.prom").stat().st_mode & 0o777 == 0o644


_REPLACING = """
import itertools, sys
from pathlib import Path
from pypimirror.cli.replaced import replace
for number in itertools.count():
    replace(Path(sys.argv[1]), [bytes([65 + number % 26]) * 1000] * 300)
"""


def test_a_file_is_whole_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    path, instants = tmp_path / "file", random.Random(1)
    for _ in range(6):
        writers = [
            subprocess.Popen([sys.executable, "-c", _REPLACING, path], env=clean_environment())
            for _ in range(2)
        ]
        while not path.exists():
            time.sleep(0.01)
        for writer in writers:
            time.sleep(instants.uniform(0.05, 0.3))
            content = path.read_bytes()
            assert len(content) == 300_000
            assert len(set(content)) == 1
            writer.kill()
            writer.wait()
        content = path.read_bytes()
        assert (len(content), len(set(content))) == (300_000, 1)
        assert len(list(tmp_path.iterdir())) <= 2
    with contextlib.suppress(FileNotFoundError):
        assert (tmp_path / ".file.new").stat().st_size <= 300_000


def test_a_folder_that_somebody_else_locked_is_not_waited_for(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    """As in a crontab: flock FOLDER pypimirror ..."""
    index.add("six", "1.0")
    mirror = make_mirror(report="report.json")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        running = mirror.start("-U")
        try:
            running.communicate(timeout=60)
        finally:
            running.kill()
        assert running.returncode == 0
    finally:
        os.close(folder)
    assert reported(tmp_path / "report.json")["run"]["status"] == 0
    assert not list(tmp_path.glob(".report.json*"))


def test_a_disk_that_is_not_mounted_is_told_to_all_who_watch(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    """With what is recommended for a disk of its own, nobody has to read cron's mail."""
    index.add("six", "1.0")
    noting = tmp_path / "note"
    noting.write_text(
        '#!/bin/sh\necho "$PYPIMIRROR_HOOK $PYPIMIRROR_STATUS $PYPIMIRROR_NEWS'
        ' $PYPIMIRROR_REPORT.$PYPIMIRROR_CHANGED_PATHS $PYPIMIRROR_SUMMARY" >> "$0.calls"\n'
    )
    noting.chmod(0o755)
    options = {"metrics": "m.prom", "report": "r.json", "on_failure": "./note", "expect_mirror": True}
    mirror = make_mirror()
    mirror.update()
    mirror.configure(**options)
    mirror.update()
    good = measured(tmp_path / "m.prom")
    mirror.root.rename(tmp_path / "disk")
    (mirror.root / "lost+found").mkdir(parents=True)
    assert mirror.run("-U").status == 2
    assert mirror.run("-U") == Ended(2, "", "")
    now = measured(tmp_path / "m.prom")
    assert now["last_try_status"] == 2
    assert now["last_try_timestamp_seconds"] > good["last_try_timestamp_seconds"]
    assert now["last_good_run_timestamp_seconds"] == good["last_good_run_timestamp_seconds"]
    found = reported(tmp_path / "r.json")
    assert found["run"]["status"] == 2
    assert "is its disk mounted?" in found["run"]["summary"]
    calls = (tmp_path / "note.calls").read_text().splitlines()
    assert [call.split()[:4] for call in calls] == [
        ["on_failure", "2", news, f"{tmp_path}/r.json."] for news in ("1", "0")
    ]
    assert [path.name for path in mirror.root.rglob("*")] == ["lost+found"]
    mirror.configure(**options | {"report": "no/r.json"})
    assert mirror.run("-U").status == 2
    assert (tmp_path / "note.calls").read_text().splitlines()[-1].startswith("on_failure 2 ")
    assert measured(tmp_path / "m.prom")["last_try_status"] == 2
    mirror.configure(**options | {"report": None, "on_failure": "false"})
    ended = mirror.run("--verify")
    assert "pypimirror: on_failure: false ended with status 1" in ended.stderr
    assert [path.name for path in mirror.root.rglob("*")] == ["lost+found"]
    (mirror.root / "lost+found").rmdir()
    mirror.root.rmdir()
    (tmp_path / "disk").rename(mirror.root)
    mirror.configure(**options)
    mirror.update()
    assert measured(tmp_path / "m.prom")["last_try_status"] == 0


def test_whatever_way_a_run_ends_report_and_metrics_say_so(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    for name in ("six", "attrs", "demo", "wheel", "build"):
        index.add(name, "1.0")
    written = {"report": "r.json", "metrics": "m.prom", "changed_paths": "c.txt"}
    mirror = make_mirror(**written)
    mirror.update()
    listed = changed(tmp_path / "c.txt")

    def ended(status: int, *arguments: str, **options: object) -> dict[str, Any]:
        mirror.configure(**written | options)
        assert mirror.run(*(arguments or ("-U",))).status == status
        found = reported(tmp_path / "r.json")
        values = measured(tmp_path / "m.prom")
        assert (found["run"]["status"], values["last_try_status"]) == (status, status)
        return found

    (mirror.root / "six/six-1.0.tar.gz").unlink()
    assert ended(3, "--verify")["changed_paths"] == 0
    assert ended(0, "--verify", "--repair")["changed_paths"] > 0
    assert "six/six-1.0.tar.gz" in changed(tmp_path / "c.txt")
    index.fault("/simple/", faults.Status(503))
    assert ended(4)["changed_paths"] == 0
    index.clear_faults()
    assert ended(3, package_matches="* nothere")["details"]
    index.add("six", "2.0")
    assert ended(6, min_free_space="900T")["changed_paths"] == 0
    assert ended(0)["changed_paths"] > 0
    for name in ("six", "attrs", "demo", "wheel"):
        index.remove(name)
    assert "would go: attrs" in ended(7)["details"]
    assert ended(0, "--indexes-only")["changed_paths"] == 0
    gone = ended(0, "-U", "--allow-removals", removal_grace_hours=0)
    assert gone["run"]["removed"] == 10
    assert gone["changed_paths"] == len(changed(tmp_path / "c.txt"))
    assert set(listed) - {"build"} - set(changed(tmp_path / "c.txt")) <= set(mirror.tree())
    assert {"six/", "attrs/", "index.html", "six/index.html"} <= set(changed(tmp_path / "c.txt"))
