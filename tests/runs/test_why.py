"""`--why` for each kind of yes and no, out of the state, with upstream down."""

from collections.abc import Callable

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Mirror

MakeMirror = Callable[..., Mirror]


@pytest.fixture
def mirror(index: FakeIndex, make_mirror: MakeMirror) -> Mirror:
    """A mirror for one environment; upstream is gone afterwards."""
    requires = [
        "lib>=2",
        "winlib>=1; sys_platform == 'win32'",
        "extralib; extra == 'docs'",
        "direct @ https://example.org/direct.zip",
        "nowhere",
        "excluded",
        "old>=1.*",
    ]
    index.add("app", "1.0", requires_dist=requires, sdist=False)
    for name in ("lib", "winlib", "extralib", "direct", "excluded", "broken", "stray", "old"):
        index.add(name, "2.0", sdist=False)
    index.add("lib", "1.0", sdist=False)
    index.fault("/files/broken/*", faults.Status(500))
    mirror = make_mirror(
        package_matches="app broken",
        package_excludes="excl*",
        requirements="r.txt",
        dependencies=True,
        python_versions="3.12",
        platforms="linux_x86_64",
        blocked_files="old==2.0",
    )
    (mirror.folder / "r.txt").write_text("stray; python_version < '3'\n")
    mirror.run("-U")
    index.stop()
    return mirror


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("app", "app is selected: package_matches: app"),
        ("App/app-1.0-py3-none-any.whl", "app-1.0-py3-none-any.whl is mirrored"),
        ("app-1.0-py3-none-any.whl.metadata", "app-1.0-py3-none-any.whl is mirrored"),
        ("lib-1.0-py3-none-any.whl", "requirements: it is none of what is asked for: >=2"),
        ("winlib", 'app 1.0 requires winlib>=1; sys_platform == "win32": that counts in no environment'),
        ("extralib", 'app 1.0 requires extralib; extra == "docs": nothing asks for that extra'),
        ("direct", "app 1.0 requires direct@ https://example.org/direct.zip: an address is never followed"),
        ("stray", 'r.txt:1 asks for stray; python_version < "3": that counts in no environment'),
        ("nowhere", "nothing of nowhere is mirrored: upstream has no such project"),
        ("excluded", "excluded is left out: package_excludes: excl*\n  app 1.0 requires excluded\n"),
        ("broken-2.0-py3-none-any.whl", "is to be mirrored, and not there yet: http"),
        ("old-2.0-py3-none-any.whl", "is left out: blocked_files: old==2.0 is blocked"),
        ("apq", "did you mean app?"),
        ("libb", "did you mean lib?"),
        ("zzzzzz", "zzzzzz is not mirrored: nothing selects it"),
        ("zzz-1.0.zip", "no project of the mirror has such a file"),
        ("lib-7.0.zip", "lib-7.0.zip was not on the page of lib"),
    ],
)
def test_each_kind(mirror: Mirror, name: str, said: str) -> None:
    ended = mirror.run("--why", name)
    assert ended.status == 0
    assert said in ended.stdout.replace("direct @", "direct@")
    assert "last run" not in ended.stdout


@pytest.mark.parametrize("text", ["lib==2.0", "lib 2.0", "lib>=2"])
def test_what_is_neither_name_nor_file(mirror: Mirror, text: str) -> None:
    ended = mirror.run("--why", text)
    assert ended.status == 2
    assert "neither a project's name nor a file's; ask for lib, or for a file of it" in ended.stderr


def test_a_configuration_that_no_run_has_seen(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for number in range(12):
        index.add("demo", f"{number}.0", sdist=False)
    index.add("other", "1.0")
    mirror = make_mirror()
    mirror.update()
    mirror.configure(filename_excludes="demo*")
    assert "the next run acts on it" in mirror.run("--why", "demo").stdout
    assert mirror.run("-U").status == 7
    assert "--allow-removals is a yes" in mirror.run("--why", "demo").stdout
    mirror.run("-U", "--allow-removals")
    said = mirror.run("--why", "demo-1.0-py3-none-any.whl").stdout
    assert "filename_excludes: the pattern demo* matches its name" in said
    assert "--allow-removals" not in said
