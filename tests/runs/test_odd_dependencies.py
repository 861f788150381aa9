"""Following what releases require on indexes that tell little, that fail, and in runs that are cut off."""

import json
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import faults
from tests.distributions import make_built_sdist
from tests.fake_index import FakeIndex
from tests.mirror import Ended, Mirror

MakeMirror = Callable[..., Mirror]
Contents = dict[str, bytes]

APP = {"package_matches": "app", "dependencies": True, "python_versions": "3.12"}


@pytest.fixture
def chain(index: FakeIndex) -> FakeIndex:
    """An index on which `app` needs `mid`, that needs `leaf`, and that `deep`."""
    fill(index)
    return index


def fill(index: FakeIndex) -> None:
    index.add("app", "1.0", requires_dist=["mid>=2"], sdist=False)
    for version in ("1.0", "2.0", "2.1"):
        index.add("mid", version, requires_dist=["Le.af<3; python_version > '3'"], sdist=False)
    for version in ("1.0", "2.0", "3.0"):
        index.add("le_af", version, requires_dist=["deep"], sdist=False)
    index.add("deep", "1.0", sdist=False)
    index.add("other", "1.0", sdist=False)


CHAIN = {
    "app": {"app-1.0"},
    "mid": {"mid-2.0", "mid-2.1"},
    "le-af": {"le_af-1.0", "le_af-2.0"},
    "deep": {"deep-1.0"},
}


def held(mirror: Mirror) -> dict[str, set[str]]:
    mirror.check_links()
    names = [each.parent.name for each in mirror.root.glob("*/index.v1_json") if not each.parent.is_symlink()]
    return {name: {each.removesuffix("-py3-none-any.whl") for each in mirror.listed(name)} for name in names}


# -- indexes that tell little -----------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["app", "ap*"])
@pytest.mark.parametrize("core_metadata", [True, False, "unhashed"])
def test_an_index_of_html_alone(pattern: str, core_metadata: bool, tmp_path: Path) -> None:
    with FakeIndex(formats=("html",), serials=False, validators=False) as index:
        index.core_metadata = core_metadata
        fill(index)
        mirror = Mirror(tmp_path, index.url, **(APP | {"package_matches": pattern}))
        ended = mirror.run("-U", "--dry-run")
        assert ended.status == 0, ended
        mirror.update()
        assert held(mirror) == CHAIN
        mirror.update()
        before = mirror.tree()
        index.add("deep", "1.1", requires_dist=["other"], sdist=False)
        mirror.update()
        assert held(mirror) == CHAIN | {"deep": {"deep-1.0", "deep-1.1"}, "other": {"other-1.0"}}
        assert before.items() - mirror.tree().items()


def test_sdists_alone(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add_file("app", *make_built_sdist("app", "1.0", ["mid"], is_reliable=True))
    index.add_file("app", *make_built_sdist("app", "2.0", ["other"], is_reliable=False))
    index.add("mid", "1.0")
    index.add("other", "1.0")
    mirror = make_mirror(**APP)
    mirror.update()
    assert mirror.projects() == ["app", "mid"]
    assert "app: nothing reliable tells what 2.0 require" in mirror.log


def test_wildcards_and_a_list_that_did_not_change(chain: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(**(APP | {"package_matches": "ap*"}))
    mirror.update()
    chain.clear()
    mirror.update()
    assert chain.paths() == ["/simple/"]
    chain.add("app", "1.1", requires_dist=["late"], sdist=False)
    mirror.update()
    chain.add("Late", "1.0", sdist=False)
    mirror.update()
    assert held(mirror)["late"] == {"late-1.0"}


def test_a_literal_mirror_finds_what_comes_up_later(chain: FakeIndex, make_mirror: MakeMirror) -> None:
    chain.add("app", "1.1", requires_dist=["late"], sdist=False)
    mirror = make_mirror(**APP)
    mirror.update()
    chain.add("Late", "1.0", sdist=False)
    mirror.update()
    assert held(mirror)["late"] == {"late-1.0"}


# -- failures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["/simple/le-af/", "/files/le-af/le_af-2.0-py3-none-any.whl"])
@pytest.mark.parametrize("pattern", ["app", "ap*"])
def test_a_dependency_that_fails_comes_in_the_next_run(
    chain: FakeIndex, make_mirror: MakeMirror, where: str, pattern: str
) -> None:
    chain.add("app", "1.1", requires_dist=["other"], sdist=False)
    chain.fault(where, faults.Status(500))
    mirror = make_mirror(**(APP | {"package_matches": pattern}))
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "le-af" in ended.stderr or "le_af" in ended.stderr
    assert held(mirror)["other"] == {"other-1.0"}
    chain.clear_faults()
    mirror.update()
    expected = CHAIN | {"app": {"app-1.0", "app-1.1"}, "other": {"other-1.0"}}
    assert held(mirror) == expected


def circle(index: FakeIndex) -> None:
    """Let a new release of `app` need thirty projects that need each other."""
    for each in range(30):
        requires = [f"link-{(each + 1) % 30}[x]", f"link-{(each + 7) % 30}; extra == 'x'"]
        index.add(f"link-{each}", "1.0", requires_dist=requires, sdist=False)
    index.add("app", "2.0", requires_dist=["link-0"], sdist=False)


@pytest.fixture(scope="module", params=["app", "ap*"])
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Contents]:
    """A pattern, and what a mirror by it has that was never disturbed."""
    with FakeIndex() as index:
        fill(index)
        circle(index)
        options = APP | {"package_matches": request.param}
        mirror = Mirror(tmp_path_factory.mktemp("fresh"), index.url, **options)
        mirror.update()
        return request.param, mirror.contents()


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("requests", [5, 21, 62])
def test_a_run_that_is_killed_is_finished_by_the_next(
    chain: FakeIndex,
    make_mirror: MakeMirror,
    fresh: tuple[str, Contents],
    is_first: bool,
    requests: int,
) -> None:
    pattern, undisturbed = fresh
    mirror = make_mirror(**(APP | {"package_matches": pattern}))
    if not is_first:
        mirror.update()
    circle(chain)
    chain.clear()
    chain.fault("*", faults.Call(lambda: kill_at(requests)))

    def kill_at(number: int) -> None:
        if len(chain.requests) >= number:  # two at once may both be counted first
            running.send_signal(signal.SIGKILL)

    running = mirror.start("-U")
    running.communicate()
    assert running.returncode == -signal.SIGKILL, len(chain.requests)
    chain.clear_faults()
    if mirror.root.exists():
        mirror.check_links(is_settled=False)
    mirror.update()
    assert mirror.contents() == undisturbed
    before = mirror.tree()
    mirror.update()
    assert mirror.tree() == before


# -- modes ------------------------------------------------------------------------------------------------


def test_a_run_for_one_project_that_is_required(chain: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(**APP)
    mirror.update()
    chain.add("le_af", "2.5", requires_dist=["other"], sdist=False)
    chain.add("deep", "2.0", sdist=False)
    assert mirror.run("-U", "--project", "Le.Af") == Ended(0, "", "")
    now = CHAIN | {"le-af": CHAIN["le-af"] | {"le_af-2.5"}, "other": {"other-1.0"}}
    assert held(mirror) == now
    mirror.update()
    assert held(mirror) == now | {"deep": {"deep-1.0", "deep-2.0"}}


def test_a_first_run_for_one_project(chain: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(**(APP | {"package_matches": "app other"}))
    assert mirror.run("-U", "--project", "app").status == 0
    assert held(mirror) == CHAIN
    mirror.update()
    assert held(mirror) == CHAIN | {"other": {"other-1.0"}}


def test_a_run_for_a_project_that_nobody_asks_for(chain: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(**APP)
    mirror.update()
    ended = mirror.run("-U", "--project", "other")
    assert ended.status == 2
    assert "other is not selected by package_matches and package_excludes, nor required" in ended.stderr
    assert held(mirror) == CHAIN


def test_a_dry_run_in_numbers(chain: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(**APP)
    told = json.loads(mirror.run("-U", "--dry-run", "--json").stdout)
    assert {each["name"]: each["fetch"]["number"] for each in told["projects"]} == {
        name: len(files) for name, files in CHAIN.items()
    }
    assert not mirror.names()
    mirror.update()
    assert held(mirror) == CHAIN


def test_why_explains_each_project_and_what_was_left_out(chain: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(**APP)
    mirror.update()
    chain.stop()
    expected = {
        "app": "app is selected: package_matches: app",
        "mid": "mid: app 1.0 requires mid>=2",
        "Le.af": 'le-af: mid 2.1 requires Le.af<3; python_version > "3"',
        "deep": "deep: le-af 2.0 requires deep",
        "other": "other is not mirrored: nothing selects it",
        "mid-1.0-py3-none-any.whl": "is left out: requirements: it is none of what is asked for: >=2",
        "le_af-3.0-py3-none-any.whl": "is left out: requirements: it is none of what is asked for: <3",
        "mid-2.0-py3-none-any.whl": "is mirrored",
    }
    for name, why in expected.items():
        ended = mirror.run("--why", name)
        assert ended.status == 0
        assert why in ended.stdout
    for name in mirror.projects():
        assert "app is selected: package_matches: app" in mirror.run("--why", name).stdout
    assert mirror.run("--why", "no such thing").status == 2


def test_pages_alone_after_the_requirements_changed(
    chain: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text("app\nother\n")
    options = {"package_matches": None, "requirements": "requirements.txt", "dependencies": True}
    mirror = make_mirror(**options)
    mirror.update()
    assert held(mirror) == CHAIN | {"other": {"other-1.0"}}
    (tmp_path / "requirements.txt").write_text("le_af<2\nother\n")
    chain.stop()
    ended = mirror.run("-i", "--allow-removals")
    assert ended == Ended(0, "", "")
    assert held(mirror) == {"le-af": {"le_af-1.0"}, "deep": {"deep-1.0"}, "other": {"other-1.0"}}
    chain.start()
    mirror.update()
    assert held(mirror) == {"le-af": {"le_af-1.0"}, "deep": {"deep-1.0"}, "other": {"other-1.0"}}
    (tmp_path / "requirements.txt").write_text("app\nother\n")
    mirror.update()
    assert held(mirror) == CHAIN | {"other": {"other-1.0"}}


def test_a_lost_state_and_changed_requirements(
    chain: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text("app\nother\n")
    options = {"package_matches": None, "requirements": "requirements.txt", "dependencies": True}
    mirror = make_mirror(**options)
    mirror.update()
    (mirror.root / ".pypimirror/state.sqlite").unlink()
    (tmp_path / "requirements.txt").write_text("le_af<2\nother\n")
    chain.clear()
    ended = mirror.run("-U", "--allow-removals")
    assert ended == Ended(0, "", "")
    assert held(mirror) == {"le-af": {"le_af-1.0"}, "deep": {"deep-1.0"}, "other": {"other-1.0"}}
    assert not [each for each in chain.downloads() if each.endswith(".whl")]


@pytest.mark.parametrize("pattern", ["app", "*"])
def test_what_is_asked_about_first_is_asked_about_in_each_run(
    chain: FakeIndex, make_mirror: MakeMirror, pattern: str
) -> None:
    circle(chain)
    mirror = make_mirror(**(APP | {"package_matches": f"{pattern} other"}))
    mirror.update()
    before = mirror.tree()
    chain.remove_file("app", "app-2.0-py3-none-any.whl")
    if pattern == "*":
        mirror.configure(**APP)
    for _ in range(3):
        ended = mirror.run("-U")
        assert ended.status == 7, ended
        gone = {path for path in before.keys() - mirror.tree().keys() if not path.startswith("other/")}
        assert gone <= {"app/app-2.0-py3-none-any.whl"}
    assert mirror.run("-U", "--allow-removals").status == 0
    assert held(mirror) == CHAIN | ({} if pattern == "*" else {"other": {"other-1.0"}})


def test_two_spellings_of_one_name(index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    index.add("Zope.Event", "1.0", sdist=False)
    index.add("Zope.Event", "2.0", sdist=False)
    index.add("app", "1.0", requires_dist=["zope_event<2"], sdist=False)
    (tmp_path / "requirements.txt").write_text("ZOPE-event==2.0\napp\nApp\n")
    mirror = make_mirror(package_matches=None, requirements="requirements.txt", dependencies=True)
    mirror.update()
    assert mirror.projects() == ["app", "Zope.Event"]
    assert len(mirror.listed("zope-event")) == 2


def test_unknown_and_excluded_requirements(chain: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("app\nnowhere>=1\nother\n")
    mirror = make_mirror(
        package_matches=None, package_excludes="other", requirements="requirements.txt", dependencies=True
    )
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "nowhere: upstream has no such project" in ended.stderr
    assert held(mirror) == CHAIN
    assert "nowhere is not mirrored, as upstream has no such project: requirements.txt:2" in mirror.log
    assert "other is not mirrored, as package_excludes leaves it out: requirements.txt:3" in mirror.log
    assert "nowhere: requirements.txt:2 requires nowhere>=1" in mirror.run("--why", "nowhere").stdout
    assert "other is left out: package_excludes: other" in mirror.run("--why", "other").stdout


def test_verify_and_a_full_check(chain: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(**APP)
    mirror.update()
    assert mirror.run("--verify").status == 0
    (path,) = mirror.root.glob("le-af/le_af-1.0*.whl")
    path.write_bytes(b"")
    ended = mirror.run("--verify")
    assert ended.status != 0
    chain.add("deep", "2.0", sdist=False)
    ended = mirror.run("--verify", "--repair")
    assert "1 wrong" in ended.stdout
    assert held(mirror)["le-af"] == CHAIN["le-af"]
    assert mirror.run("--verify").status == 0
    for path in mirror.root.glob("le-af/*"):
        path.unlink()
    (mirror.root / "deep/deep-1.0-py3-none-any.whl.metadata").unlink()
    assert mirror.run("-I") == Ended(0, "", "")
    assert held(mirror) == CHAIN | {"deep": {"deep-1.0", "deep-2.0"}}


# -- other rules ------------------------------------------------------------------------------------------


def test_the_newest_leaves_upstream(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for version in ("1.0", "2.0", "3.0"):
        index.add("demo", version, sdist=False)
    index.add("other", "1.0")
    mirror = make_mirror(latest_releases=2)
    mirror.update()
    index.remove_file("demo", "demo-3.0-py3-none-any.whl")
    mirror.update()
    assert held(mirror)["demo"] == {"demo-1.0", "demo-2.0"}


def test_a_young_release_brings_what_it_requires_when_it_falls_due(
    chain: FakeIndex, make_mirror: MakeMirror
) -> None:
    young = datetime.now(UTC) - timedelta(days=6, hours=23, minutes=59, seconds=57)
    chain.add(
        "app", "2.0", requires_dist=["other"], sdist=False, upload_time=f"{young:%Y-%m-%dT%H:%M:%S.%fZ}"
    )
    mirror = make_mirror(**(APP | {"package_matches": "ap*", "min_age_days": 7}))
    mirror.update()
    assert held(mirror) == CHAIN
    while datetime.now(UTC) - young < timedelta(days=7):
        time.sleep(0.05)
    mirror.update()
    assert held(mirror) == CHAIN | {"app": {"app-1.0", "app-2.0"}, "other": {"other-1.0"}}


# -- what is said ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["not offered", "failing", "sdist"])
def test_a_dry_run_says_of_what_it_can_not_know_the_requirements(
    chain: FakeIndex, make_mirror: MakeMirror, why: str
) -> None:
    if why == "not offered":
        chain.core_metadata = False
    elif why == "failing":
        chain.fault("/files/*.metadata", faults.Status(500))
    else:
        chain.remove_file("app", "app-1.0-py3-none-any.whl")
        chain.add_file("app", *make_built_sdist("app", "1.0", ["mid"], is_reliable=True))
    mirror = make_mirror(**APP)
    ended = mirror.run("-U", "--dry-run")
    assert "what 1 release may require is not known before the files are there" in ended.stdout
    assert json.loads(mirror.run("-U", "--dry-run", "--json").stdout)["untold_releases"] == 1
    mirror.update()
    assert "is not known" not in mirror.run("-U", "--dry-run").stdout


def test_why_finds_the_way_out_of_a_circle(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("zz", "1.0", requires_dist=["aa"], sdist=False)
    index.add("aa", "1.0", requires_dist=["bb"], sdist=False)
    index.add("bb", "1.0", requires_dist=["aa", "cc"], sdist=False)
    index.add("cc", "1.0", requires_dist=["aa", "bb"], sdist=False)
    mirror = make_mirror(package_matches="zz", dependencies=True)
    mirror.update()
    for name in ("aa", "bb", "cc"):
        said = mirror.run("--why", name).stdout
        assert "aa: zz 1.0 requires aa" in said, name
        assert "zz is selected: package_matches: zz" in said, name
        assert "mirrored is 1 file of 1 version, " in said


def test_why_leads_to_the_line_of_a_file(chain: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("mid\napp\n")
    mirror = make_mirror(package_matches=None, requirements="requirements.txt", dependencies=True)
    mirror.update()
    assert "  mid: requirements.txt:1 requires mid\n" in mirror.run("--why", "deep").stdout
    assert "mid: requirements.txt:1 requires mid\n" in mirror.run("--why", "mid").stdout


@pytest.mark.parametrize("mode", ["-U", "-i"])
def test_why_tells_of_files_that_a_changed_file_no_longer_asks_for(
    chain: FakeIndex, make_mirror: MakeMirror, tmp_path: Path, mode: str
) -> None:
    (tmp_path / "requirements.txt").write_text("mid\napp\n")
    mirror = make_mirror(package_matches=None, requirements="requirements.txt", dependencies=True)
    mirror.update()
    (tmp_path / "requirements.txt").write_text("mid<2.1\n")
    assert mirror.run(mode, "--allow-removals") == Ended(0, "", "")
    assert held(mirror)["mid"] == {"mid-1.0", "mid-2.0"}
    said = mirror.run("--why", "mid-2.1-py3-none-any.whl").stdout
    assert "requirements: it is none of what is asked for: <2.1" in said
    assert "wait for their removal" in said
    assert "requirements leaves out 1 file\n" in mirror.run("--why", "mid").stdout


@pytest.mark.parametrize("mode", [["-I"], ["--verify", "--repair"]])
def test_a_young_file_that_was_mirrored_is_mended(
    index: FakeIndex, make_mirror: MakeMirror, mode: list[str]
) -> None:
    young = datetime.now(UTC) - timedelta(days=1)
    index.add("demo", "1.0", wheel=False, upload_time=f"{young:%Y-%m-%dT%H:%M:%SZ}")
    mirror = make_mirror()
    mirror.update()
    index.add("demo", "2.0", wheel=False, upload_time=f"{young:%Y-%m-%dT%H:%M:%SZ}")
    mirror.configure(min_age_days=7)
    mirror.update()
    (mirror.root / "demo/demo-1.0.tar.gz").write_bytes(b"")
    assert mirror.run(*mode).status == 0
    assert held(mirror) == {"demo": {"demo-1.0.tar.gz"}}


@pytest.mark.parametrize("pattern", ["app", "ap*"])
def test_pages_alone_by_another_configuration_and_back(
    chain: FakeIndex, make_mirror: MakeMirror, pattern: str
) -> None:
    options = APP | {"package_matches": pattern}
    mirror = make_mirror(**options)
    mirror.update()
    for other in ({"dependencies": False}, {"package_excludes": "mid"}, {"filename_excludes": "mid*"}):
        mirror.configure(**(options | other))
        assert mirror.run("-i").status == 0
        assert "le-af" not in held(mirror)
        mirror.configure(**options)
        assert mirror.run("-i").status == 0
        mirror.update()
        assert held(mirror) == CHAIN, other


def test_pages_alone_by_other_patterns_and_back(chain: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="a* o* d*")
    mirror.update()
    mirror.configure(package_matches="a*")
    assert mirror.run("-i").status == 0
    mirror.configure(package_matches="a* o* d*")
    mirror.update()
    assert sorted(held(mirror)) == ["app", "deep", "other"]


@pytest.mark.parametrize("pattern", ["app", "ap*"])
def test_what_a_requirement_that_went_makes_room_for(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path, pattern: str
) -> None:
    index.add("app", "1.0", requires_dist=["lib", "deep"], sdist=False)
    index.add("lib", "1.0", requires_dist=["deep==1.0"], sdist=False)
    index.add("lib", "2.0", sdist=False)
    for version in ("1.0", "2.0", "3.0"):
        index.add("deep", version, sdist=False, extra_size=500, requires_dist=[f"of-{version[0]}"])
        index.add(f"of-{version[0]}", "1.0", sdist=False)
    options = {"package_matches": pattern, "dependencies": True, "max_project_size": "4K"}
    mirror = make_mirror(**options)
    mirror.update()
    assert held(mirror)["deep"] == {"deep-1.0", "deep-3.0"}
    options |= {"max_project_size": "2K"}
    mirror.configure(**options)
    mirror.update()
    assert held(mirror)["deep"] == {"deep-1.0"}
    options |= {"excluded_versions": "lib ==1.0"}
    mirror.configure(**options)
    mirror.update()
    now = held(mirror)
    assert now["deep"] == {"deep-3.0"}
    assert {name for name in now if name.startswith("of-")} == {"of-3"}
    fresh = Mirror(tmp_path / "fresh", index.url, **options)
    fresh.update()
    assert held(fresh) == now
    before = mirror.tree()
    mirror.update()
    assert mirror.tree() == before


def test_what_has_room_at_last_brings_what_it_requires(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("app", "1.0", requires_dist=["lib<2"], sdist=False)
    index.add("app", "2.0", requires_dist=["lib>=2"], sdist=False)
    for version in ("1.0", "2.0"):
        index.add("lib", version, sdist=False, extra_size=500, requires_dist=["tool", f"of-{version[0]}"])
        index.add(f"of-{version[0]}", "1.0", sdist=False)
    index.add("tool", "1.0", sdist=False)
    options = {"package_matches": "app", "dependencies": True, "max_project_size": "2K"}
    mirror = make_mirror(**options)
    mirror.update()
    assert held(mirror)["lib"] == {"lib-2.0"}
    mirror.configure(**options, versions="app ==1.0")
    mirror.update()
    assert sorted(held(mirror)) == ["app", "lib", "of-1", "tool"]
    assert held(mirror)["lib"] == {"lib-1.0"}
