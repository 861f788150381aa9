"""The status page: what it shows, when it is written, and that it goes."""

import base64
import contextlib
import hashlib
import json
import re
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import msgspec
import pytest
from lxml import html

from pypimirror.report import status_html
from pypimirror.report.status_page import StatusPage
from pypimirror.state.choices import Omitted
from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Ended, Mirror

MakeMirror = Callable[..., Mirror]

SCHEMA = Path(__file__).parents[2] / "docs/status.schema.json"
SVG = re.compile(r"<h3>(.*?)</h3>\n(<svg .*?</svg>)", re.DOTALL)


def page(mirror: Mirror) -> str:
    return (mirror.root / "status.html").read_text("utf-8")


def told(mirror: Mirror) -> dict[str, Any]:
    """Return what the page tells machines, once it is as its schema says."""
    found: dict[str, Any] = json.loads((mirror.root / "status.json").read_text("utf-8"))
    jsonschema.validate(found, json.loads(SCHEMA.read_text("utf-8")))
    return found


def charts(mirror: Mirror) -> dict[str, ET.Element]:
    """Return the pictures, by their titles, each parsed as XML."""
    return {title: ET.fromstring(svg) for title, svg in SVG.findall(page(mirror))}


def values(chart: ET.Element) -> list[float]:
    return [float(each.attrib["data-value"]) for each in chart.iter() if "data-value" in each.attrib]


def written(mirror: Mirror) -> list[int]:
    return [(mirror.root / name).stat().st_mtime_ns for name in ("status.html", "status.json")]


def rows(mirror: Mirror, query: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(mirror.root / ".pypimirror/state.sqlite")) as state:
        return state.execute(query).fetchall()


def fill(index: FakeIndex) -> None:
    index.add("six", "1.0", extra_size=3000)
    index.add("attrs", "1.0", wheel=False)
    index.add("Zope.Event", "1.0", sdist=False)


@pytest.fixture
def mirror(index: FakeIndex, make_mirror: MakeMirror) -> Mirror:
    fill(index)
    made = make_mirror(status_page=True, base_url="https://pypi.example.org/")
    made.update()
    return made


# -- what it shows -------------------------------------------------------------------------------


def test_its_numbers_are_those_of_the_state(index: FakeIndex, mirror: Mirror) -> None:
    mirror.age(hours=50)
    index.add("six", "2.0", wheel=False)
    mirror.update()
    found = told(mirror)
    ((held, size),) = rows(mirror, "SELECT count(*), sum(size) FROM files WHERE status = 'held'")
    assert (found["now"]["projects"], found["now"]["files"], found["now"]["bytes"]) == (3, held, size)
    runs = rows(mirror, "SELECT stored, bytes, ended - started, held_bytes FROM runs ORDER BY id")
    drawn = charts(mirror)
    assert values(drawn["Files stored per run"]) == [run[0] for run in runs]
    assert values(drawn["Bytes stored per run"]) == [run[1] for run in runs]
    assert values(drawn["Duration of runs"]) == pytest.approx([run[2] for run in runs])
    sizes = values(drawn["Size over time"])
    assert sizes == [*dict.fromkeys(run[3] for run in runs), size]
    types = rows(
        mirror,
        "SELECT sum(size) FROM files WHERE status = 'held' GROUP BY filename LIKE '%.whl' ORDER BY 1 DESC",
    )
    assert values(drawn["Size by type of file"]) == [row[0] for row in types]
    largest = rows(
        mirror, "SELECT project, sum(size) FROM files WHERE status = 'held' GROUP BY 1 ORDER BY 2 DESC"
    )
    assert values(drawn["Largest projects"]) == [row[1] for row in largest]
    names = [each.text for each in drawn["Largest projects"].iter("text") if each.get("class") == "name"]
    assert names == [row[0] for row in largest]
    assert [each["name"] for each in found["breakdown"]["largest"]] == [row[0] for row in largest]


def test_bars_are_as_long_as_their_values_say(mirror: Mirror) -> None:
    for title, dimension in {"Largest projects": "width", "Size by type of file": "width"}.items():
        bars = [each for each in charts(mirror)[title].iter() if "data-value" in each.attrib]
        ratios = [float(bar.attrib[dimension]) / float(bar.attrib["data-value"]) for bar in bars]
        assert ratios == pytest.approx([ratios[0]] * len(ratios), rel=0.01)


def test_there_is_no_script_and_nothing_from_elsewhere(mirror: Mirror) -> None:
    text = page(mirror)
    document: Any = html.fromstring(text)
    assert document.xpath("//script | //img | //link | //iframe | //object | //*[@style]") == []
    assert document.xpath("//@*[starts-with(name(), 'on')]") == []
    assert {str(href) for href in document.xpath("//@href")} == {"status.json", "./"}
    (style,) = document.xpath("//style/text()")
    digest = base64.b64encode(hashlib.sha256(str(style).encode()).digest()).decode()
    (policy,) = document.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "prefers-color-scheme: dark" in str(style)
    assert document.xpath("//meta[@name='viewport']")
    assert str(mirror.root) not in text
    assert len(text) < 30_000


def test_what_fails_is_shown_and_markup_of_others_is_text(index: FakeIndex, mirror: Mirror) -> None:
    index.add("six", "2.0")
    index.fault("/files/six/six-2.0.tar.gz", faults.Status(500))
    index.touch("attrs")
    index.fault("/simple/attrs/", faults.Body(b"<script>alert('&')</script>", "text/html"))
    assert mirror.run("-U").status == 3
    document: Any = html.fromstring(page(mirror))
    shown = document.text_content()
    assert "Not complete." in shown
    assert "six/six-2.0.tar.gz" in shown
    assert "answers 500" in shown
    assert document.xpath("//script") == []
    found = told(mirror)
    assert {each["project"] for each in found["now"]["failing"]} == {"six", "attrs"}
    assert found["last_run"]["status"] == 3
    index.clear_faults()
    mirror.age(hours=1)
    mirror.update()
    assert "Complete: all that is selected is here." in page(mirror)


def test_what_rules_leave_out_has_its_section(mirror: Mirror) -> None:
    found = msgspec.json.decode((mirror.root / "status.json").read_bytes(), type=StatusPage)
    assert b"What rules leave out" not in status_html.render(found, 24)
    left = [Omitted(rule="filename_matches = <*.zip>", files=51, bytes=1_000_000)]
    with_left = msgspec.structs.replace(found, left_out=left)
    document: Any = html.fromstring(status_html.render(with_left, 24))
    (row,) = document.xpath("//h2[text()='What rules leave out']/..//tr[td]")
    assert [cell.text_content() for cell in row] == ["filename_matches = <*.zip>", "51", "1.0 MB"]


def test_what_is_asked_for_in_vain_is_named(index: FakeIndex, mirror: Mirror) -> None:
    mirror.configure(status_page=True, package_matches="* nothing-* n0where")
    assert mirror.run("-U").status == 3
    assert "<li>package_matches: nothing-* matches nothing; correct the pattern, or take it out" in page(
        mirror
    )
    assert "<li>n0where: upstream has no such project" in page(mirror)
    assert len(told(mirror)["now"]["unmatched"]) == 2
    mirror.configure(status_page=True, package_matches="* other-*")
    mirror.run("-U")
    assert "other-* matches nothing" in page(mirror)
    mirror.configure(status_page=True)
    mirror.update()
    assert "and is not there" not in page(mirror)


def test_where_the_mirror_lies_is_not_published(index: FakeIndex, mirror: Mirror) -> None:
    index.add("six", "2.0", wheel=False)
    (mirror.root / "six/six-2.0.tar.gz").mkdir()
    assert mirror.run("-U").status == 3
    served = page(mirror) + (mirror.root / "status.json").read_text()
    assert "six/six-2.0.tar.gz" in served
    assert str(mirror.root) not in served


def test_a_mirror_of_ten_years(index: FakeIndex, mirror: Mirror) -> None:
    day, now = 86_400.0, time.time()
    with contextlib.closing(sqlite3.connect(mirror.root / ".pypimirror/state.sqlite")) as state, state:
        old = [(now - number * day, 3, number, 10**13 - number * 10**9) for number in range(2, 3700)]
        state.executemany("INSERT INTO sizes VALUES (?, ?, ?, ?)", old)
        state.execute("INSERT INTO sizes VALUES (?, 9, 9, 9)", (now + 99 * day,))  # a clock was wrong
    index.add("six", "2.0")
    mirror.update()
    sizes = told(mirror)["sizes"]
    assert 300 < len(sizes) <= 400
    moments = [each["moment"] for each in sizes]
    assert moments == sorted(moments)
    assert now - 3661 * day <= moments[0] < now - 3600 * day
    assert moments[-1] < time.time() + 1
    assert len(page(mirror)) < 150_000
    assert "10.0 TB" in page(mirror)


# -- when it is written --------------------------------------------------------------------------


def test_a_run_that_changes_nothing_leaves_it(index: FakeIndex, mirror: Mirror) -> None:
    before = mirror.tree()
    mirror.update()
    assert mirror.run("-I") == Ended(0, "", "")
    assert mirror.run("-i") == Ended(0, "", "")
    assert mirror.run("-U", "--dry-run").status == 0
    assert mirror.tree() == before
    mirror.age(hours=25)
    with contextlib.closing(sqlite3.connect(mirror.root / ".pypimirror/state.sqlite")) as state, state:
        (note,) = state.execute("SELECT value FROM meta WHERE key = 'status page'").fetchone()
        noted = json.loads(note)
        noted["moment"] -= 25 * 3600
        state.execute("UPDATE meta SET value = ? WHERE key = 'status page'", (json.dumps(noted),))
    mirror.update()
    after = mirror.tree()
    assert {path for path in after if after[path] != before[path]} == {"status.html", "status.json"}


def test_new_trouble_and_its_end_are_shown_at_once(index: FakeIndex, mirror: Mirror) -> None:
    first = written(mirror)
    index.fault("/simple/", faults.Status(503))
    assert mirror.run("-U").status == 4
    second = written(mirror)
    assert second != first
    assert "Complete, but not up to date." in page(mirror) or "Not complete." in page(mirror)
    assert mirror.run("-U").status == 4
    assert written(mirror) == second
    index.clear_faults()
    mirror.update()
    assert written(mirror) != second
    assert "Complete: all that is selected is here." in page(mirror)


def test_nothing_is_kept_of_paths_that_nobody_asks_for(index: FakeIndex, mirror: Mirror) -> None:
    index.add("six", "2.0")
    mirror.update()
    assert not list((mirror.root / ".pypimirror").glob("changed*"))


@pytest.mark.parametrize(
    ("interval", "told"),
    [(0, "after every run"), (1, "at least every hour"), (2.5, "at least every 2.5 hours")],
)
def test_it_says_how_often_it_is_written(mirror: Mirror, interval: float, told: str) -> None:
    mirror.configure(status_page=True, status_page_interval=interval)
    mirror.update()
    words = " ".join((mirror.root / "status.html").read_text("utf-8").split())
    assert f"This page is written {told}.</p>" in words.replace("when something changed, and ", "")


def test_an_interval_of_nothing_is_each_run(mirror: Mirror) -> None:
    mirror.configure(status_page=True, status_page_interval=0)
    mirror.update()
    first = written(mirror)
    mirror.update()
    assert written(mirror) != first


def test_one_that_somebody_removed_comes_back(mirror: Mirror) -> None:
    (mirror.root / "status.html").unlink()
    mirror.update()
    assert page(mirror)


def test_turned_off_it_goes(index: FakeIndex, mirror: Mirror) -> None:
    mirror.configure()
    before = mirror.tree()
    mirror.update()
    assert before.keys() - mirror.tree().keys() == {"status.html", "status.json"}


def test_turned_off_with_a_lost_state_it_goes(mirror: Mirror) -> None:
    (mirror.root / ".pypimirror/state.sqlite").unlink()
    mirror.configure(changed_paths="changed.txt")
    assert mirror.run("-U").status == 0
    assert not list(mirror.root.glob("status.*"))
    assert "status.html" in (mirror.folder / "changed.txt").read_text().splitlines()


# -- what else is there --------------------------------------------------------------------------


def test_a_file_of_somebody_else_is_left_alone(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(status_page=True)
    make: Callable[[Path], object]
    for make in (
        lambda path: path.write_text("mine"),
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("nowhere"),
    ):
        mirror.root.mkdir(exist_ok=True)
        path = mirror.root / "status.html"
        make(path)
        before = (path.lstat().st_ino, path.lstat().st_mtime_ns)
        ended = mirror.run("-U")
        assert ended.status == 1
        assert "status_page: status.html: it is not of pypimirror; move it away, or set" in mirror.log
        assert (path.lstat().st_ino, path.lstat().st_mtime_ns) == before
        assert not (mirror.root / "status.json").exists()
        mirror.configure()
        mirror.update()
        assert (path.lstat().st_ino, path.lstat().st_mtime_ns) == before
        mirror.configure(status_page=True)
        path.rmdir() if path.is_dir() else path.unlink()
    mirror.update()
    assert page(mirror)


def test_verify_knows_it(mirror: Mirror) -> None:
    assert mirror.run("--verify").stdout == "verified 4 files of 3 projects: 0 wrong, 0 foreign\n"
    (mirror.root / "status.html").write_text("mine")
    assert "foreign status.html\n" in mirror.run("--verify").stdout


def test_no_project_can_have_its_place(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for name in ("status.html", "Status.JSON", "status"):
        index.add(name, "1.0", raw_name=name)
    mirror = make_mirror(status_page=True)
    mirror.update()
    assert page(mirror).startswith("<!DOCTYPE html>")
    assert told(mirror)["now"]["projects"] == 3
    assert mirror.links() == {}
    assert mirror.run("--verify").stdout.endswith("0 wrong, 0 foreign\n")


def test_without_pages_there_can_be_one(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(status_page=True, create_indexes=False)
    mirror.update()
    assert not (mirror.root / "index.html").exists()
    assert page(mirror)


def test_killed_at_any_step_it_is_whole_or_not_there(
    index: FakeIndex, make_mirror: MakeMirror, mirror: Mirror
) -> None:
    index.latency = 0.0
    for number in range(6):
        index.add("six", f"{number + 2}.0", wheel=False)
        process = mirror.start("-U")
        before = written(mirror)
        until = time.monotonic() + 20
        while process.poll() is None and written(mirror) == before and time.monotonic() < until:
            time.sleep(0.002)
        process.kill()
        process.communicate()
        assert page(mirror).endswith("</html>\n") or page(mirror).endswith("</html>")
        assert told(mirror)
    mirror.update()
    assert told(mirror)["now"]["is_complete"]
    assert not mirror.temporary_files()
