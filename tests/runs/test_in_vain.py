"""What the configuration asks for and no environment, no release or no project answers: status 3."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.fake_index import FakeIndex
from tests.mirror import GOOD, Mirror, is_over

MakeMirror = Callable[..., Mirror]

FILE = {"package_matches": None, "requirements": "requirements.txt"}


@pytest.fixture(autouse=True)
def filled(index: FakeIndex) -> None:
    index.add("app", "1.0", requires_dist=["lib"])
    index.add("app", "2.0rc1", wheel=False)
    index.add("lib", "1.0")


def write(mirror: Mirror, *lines: str) -> None:
    (mirror.folder / "requirements.txt").write_text("\n".join((*lines, "")))


@pytest.mark.parametrize("mode", [["-U"], ["-U", "--dry-run"]])
def test_markers_that_hold_nowhere(make_mirror: MakeMirror, mode: list[str]) -> None:
    mirror = make_mirror(**FILE, python_versions="3.12", platforms="linux_x86_64", dependencies=True)
    write(mirror, "app; sys_platform == 'win32'", "lib; python_version < '3'")
    ended = mirror.run(*mode)
    said = ended.stdout + ended.stderr
    assert ended.status == 3
    assert 'requirements.txt:1 (app; sys_platform == "win32"), requirements.txt:2 (lib; python' in said
    assert "no environment that is mirrored for (python_versions = 3.12, platforms = linux_x86_64)" in said
    again = mirror.run(*mode)
    assert again.status == 3
    write(mirror, "app; sys_platform == 'win32'", "lib; python_version > '3'")
    assert mirror.run(*mode).status == 0


def test_a_requirement_for_another_environment_is_no_trouble(make_mirror: MakeMirror) -> None:
    mirror = make_mirror(**FILE, platforms="linux_x86_64")
    write(mirror, "app; sys_platform == 'win32'", "lib")
    mirror.update()
    assert mirror.projects() == ["lib"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"package_matches": "app lib", "package_excludes": "lib app"}, "leaves out app, lib"),
        ({"package_matches": "app*", "package_excludes": "*"}, "leaves out app*"),
        ({"package_matches": "app-* lib", "package_excludes": "ap* l*b"}, "leaves out app-*, lib"),
        (FILE | {"package_excludes": "app"}, "leaves out app (requirements.txt:1)"),
    ],
)
def test_projects_that_are_all_excluded(
    make_mirror: MakeMirror, options: dict[str, object], said: str
) -> None:
    mirror = make_mirror(**options)
    write(mirror, "app")
    ended = mirror.run("-U")
    assert ended.status == 3
    assert f"no project is selected: package_excludes {said}" in ended.stderr
    assert mirror.run("-U").status == 3
    mirror.configure(package_matches="lib")
    assert is_over(mirror.run("-U"))


@pytest.mark.parametrize(
    ("line", "options", "said"),
    [
        ("app>2", {}, "upstream has no release that is >2"),
        (
            "app==1.0",
            {"excluded_versions": "app <2"},
            "excluded_versions leaves out every file",
        ),
        ("app>1", {"file_types": "wheel"}, "file_types leaves out every file that is >1"),
        (
            "app==1.0 --hash=sha256:" + 64 * "0",
            {"exact": True},
            "upstream has no file with one of these digests ==1.0",
        ),
    ],
)
def test_a_line_that_no_file_answers(
    make_mirror: MakeMirror, line: str, options: dict[str, object], said: str
) -> None:
    mirror = make_mirror(**FILE, **options)
    write(mirror, "lib==1.0", line)
    ended = mirror.run("-U", "--dry-run")
    assert (ended.status, said in ended.stdout) == (3, True)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert f"requirements.txt:2: {line.partition(' ')[0]}: {said}" in ended.stderr
    again = mirror.run("-U")
    assert (again.status, again.stderr) == (3, "")
    assert any(said in line for line in json.loads(mirror.run("--status", "--json").stdout)["unmatched"])
    write(mirror, "lib==1.0")
    assert is_over(mirror.run("-U"))


def test_a_constraint_that_contradicts_a_requirement(make_mirror: MakeMirror) -> None:
    mirror = make_mirror(**FILE)
    write(mirror, "-c constraints.txt", "lib", "app==1.0")
    (mirror.folder / "constraints.txt").write_text("app>=2\n")
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "requirements.txt:3: app==1.0: upstream has no release that is ==1.0,>=2" in ended.stderr


def test_an_answer_that_comes_later(index: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(**FILE)
    write(mirror, "lib>=2", "app")
    assert mirror.run("-U").status == 3
    index.add("lib", "2.0")
    assert mirror.run("-U", "--project", "lib").status == 0
    assert mirror.run("-U") == GOOD


def test_what_is_too_young_comes_by_itself(index: FakeIndex, make_mirror: MakeMirror) -> None:
    young = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    index.add("lib", "2.0", upload_time=young)
    mirror = make_mirror(**FILE, min_age_days=7)
    write(mirror, "lib>=2", "app")
    mirror.update()
    assert mirror.listed("lib") == set()
    write(mirror, "lib>=2")
    assert mirror.run("-U", "--allow-removals").status == 0


def test_what_nobody_knows_the_age_of_never_comes(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("lib", "2.0", upload_time=None)
    mirror = make_mirror(**FILE, min_age_days=7)
    write(mirror, "lib>=2")
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "lib>=2: min_age_days leaves out every file that is >=2" in ended.stderr
    assert "of 1 project no file is selected" in ended.stderr


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("offers", ["nothing", "md5", "sha256"])
def test_exact_files_where_digests_can_not_be_compared(
    index: FakeIndex, make_mirror: MakeMirror, algorithm: str, offers: str
) -> None:
    content = b"\x1f\x8bdemo"
    hashes = {} if offers == "nothing" else {offers: hashlib.new(offers, content).hexdigest()}
    index.add_file("demo", "demo-1.0.tar.gz", content, hashes=hashes)
    index.add_file("demo", "demo-2.0.tar.gz", content, hashes=hashes)
    mirror = make_mirror(**FILE, exact=True)
    write(mirror, f"demo==1.0 --hash={algorithm}:{hashlib.new(algorithm, content).hexdigest()}")
    mirror.update()
    assert mirror.listed("demo") == {"demo-1.0.tar.gz"}
