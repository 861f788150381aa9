from pathlib import Path

import pytest

from pypimirror import config
from pypimirror.config.advice import NAMESPACES, advice
from pypimirror.report import config_check
from pypimirror.selection.globs import check_name_pattern
from tests.unit.test_config import FOLDER, SAMPLE


def advice_on(*lines: str) -> tuple[str, ...]:
    given = {line.partition(" =")[0] for line in lines}
    needed = (
        "mirror_file_path = /srv/mirror",
        *(() if "package_matches" in given else ("package_matches = six",)),
    )
    text = "\n".join(("[DEFAULT]", *needed, *lines)) + "\n"
    return advice(config.parse(text.encode(), source="x.cfg", folder=FOLDER, overrides={}))


@pytest.mark.parametrize(
    "lines",
    [
        ("package_matches = six flask",),
        ("package_matches = zope zope.*",),
        ("package_matches = zope zope*",),
        ("package_matches = *", "platforms = win32"),
        ("package_matches = *", "latest_releases = 3"),
        ("package_matches = a*",),
        ("filename_matches = *.whl *.tar.gz",),
        ("filename_matches = *-cp312-*",),
        ("filename_matches = demo*whl",),
        ("filename_excludes = *win32.whl *.exe",),
        ("file_types = wheel",),
        ("platforms = linux_x86_64", "glibc = 2.28"),
        ("glibc = 2.28",),
        (
            "package_matches = six ours-*",
            "min_age_days = 7",
            "min_age_unknown = allow",
            "min_age_exceptions = ours-*",
        ),
        ("package_matches = zope.*", "package_excludes = zope"),
        ("package_matches = zope.* six", "package_excludes = zope.app.* s?"),
        ("filename_matches = six*",),
        ("filename_matches = *.[wz]h*",),
        ("filename_matches = *.whl *.zip", "file_types = wheel"),
        ("filename_matches = *linux*", "filename_excludes = *.exe", "file_types = wheel"),
        ("versions = six >=1,<2", "excluded_versions = six ==1.5.*"),
        ("versions = six >1.0,<1.0.1",),
        ("versions = six ===old", "latest_releases = 2"),
        ("versions = six >=1!0",),
        ("package_matches = s*", "versions = flask >=2"),
        ("dependencies = True", "versions = flask >=2", "latest_releases = flask* 2"),
        ("platforms = manylinux_aarch64 linux_x86_64", "glibc = 2.12"),
        ("platforms = macosx_arm64 win_arm64 musllinux_x86_64", "python_versions = 3.8 3.13"),
        ("max_file_size = 1K", "max_project_size = 1G"),
        ("python_versions = 3.13t", "implementations = cp pp"),
    ],
)
def test_nothing_to_say(lines: tuple[str, ...]) -> None:
    assert advice_on(*lines) == ()


def test_the_sample_needs_no_advice() -> None:
    assert advice(config.parse(SAMPLE.encode(), source="x.cfg", folder=FOLDER, overrides={})) == ()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ("package_matches = Zope six",),
            (
                "package_matches: zope is the project of this name alone; for the projects below it"
                " write zope.*, for both write zope zope.*"
            ),
        ),
        (
            ("package_matches = *", "platforms = win32", "package_excludes = collective"),
            (
                "package_excludes: collective is the project of this name alone; for the projects"
                " below it write collective.*, for both write collective collective.*"
            ),
        ),
        (
            ("package_matches = six flask", "package_excludes = s*"),
            "package_matches: six is not mirrored, as package_excludes (s*) wins; take it out of one of them",
        ),
        (
            ("filename_matches = *.tar.gz *.zip",),
            (
                "filename_matches: no pattern takes wheels, so clients build everything from sdists,"
                " and fail where there is none; add *.whl"
            ),
        ),
        (
            ("filename_excludes = *.exe *.whl",),
            (
                "filename_excludes: no wheel is left, so clients build everything from sdists, and"
                " fail where there is none; take *.whl out"
            ),
        ),
        (
            ("file_types = sdist egg",),
            (
                "file_types: wheels are not among them, so clients build everything from sdists, and"
                " fail where there is none; add wheel"
            ),
        ),
        (
            ("package_matches = *",),
            (
                "package_matches: it selects every project with all files, on PyPI tens of terabytes;"
                " name projects, or set python_versions, platforms and latest_releases"
            ),
        ),
        (
            ("min_age_exceptions = ours-*",),
            "min_age_exceptions: it has no effect without min_age_days; set that, or take it out",
        ),
        (
            ("min_age_unknown = allow",),
            "min_age_unknown: it has no effect without min_age_days; set that, or take it out",
        ),
        (
            ("platforms = win32 musllinux_x86_64", "glibc = 2.28"),
            "glibc: it has no effect, as no manylinux wheel is for any of platforms; take it out",
        ),
        (
            ("platforms = linux_x86_64 musllinux_x86_64 musllinux_aarch64",),
            "platforms: linux_x86_64 takes what musllinux_x86_64 takes, and more; keep the one that is meant",
        ),
        (
            ("package_matches = six* zope.*", "package_excludes = s*"),
            "package_matches: six* selects nothing, as package_excludes wins; take it out of one of them",
        ),
        (
            ("package_matches = six* zo*", "package_excludes = *"),
            "no project is selected: package_excludes leaves out six*, zo*",
        ),
        (
            ("filename_matches = *.whl *-1.0*", "filename_excludes = *-1*"),
            "filename_matches: *-1.0* takes nothing, as filename_excludes wins; take it out",
        ),
        (
            ("filename_matches = *.zip", "filename_excludes = *i*", "file_types = wheel sdist egg"),
            "filename_matches: filename_excludes leaves out all that it takes, so no file is selected",
        ),
        (
            ("filename_matches = *.tar.gz *.egg", "file_types = wheel"),
            "filename_matches: none of it is wheel, which file_types takes alone, so no file is selected",
        ),
        (
            ("versions = six ==1.*", "excluded_versions = six >=1"),
            "versions: six has no version that is ==1.*, and is not >=1; mend versions or excluded_versions",
        ),
        (
            ("versions =\n    six >=2\n    six <1.9", "latest_releases = 1"),
            "versions: six has no version that is <1.9 and >=2; mend versions or excluded_versions",
        ),
        (
            ("excluded_versions = six >=0.dev0",),
            "versions: six has no version, and is not >=0.dev0; mend versions or excluded_versions",
        ),
        (
            ("versions = flask >=2",),
            "versions: flask is not selected, so its line has no effect; take it out",
        ),
        (
            ("latest_releases = 3\n   flask* 9",),
            "latest_releases: flask* matches no project that is selected, and has no effect; take it out",
        ),
        (
            ("min_age_days = 3", "min_age_exceptions = *"),
            "min_age_days: it has no effect, as min_age_exceptions has every project; take one of them out",
        ),
        (
            ("platforms = manylinux_aarch64 manylinux_s390x", "glibc = 2.12"),
            (
                "glibc: manylinux wheels for aarch64 s390x begin with glibc 2.17, so none comes; write that"
                " or more"
            ),
        ),
        (
            ("platforms = win_arm64", "python_versions = 2.7 3.7 3.12"),
            (
                "python_versions: wheels for win_arm64 begin with Python 3.8, so for 2.7 3.7 only what is for"
                " any platform comes"
            ),
        ),
        (
            ("max_file_size = 500",),
            "max_file_size: 500 bytes leave out nearly every file; did you mean 500M?",
        ),
        (
            ("max_file_size = 2G", "max_project_size = 1G"),
            "max_file_size: it has no effect, as max_project_size is less; take one of them out",
        ),
        (
            ("python_versions = 3.12 3.13t", "implementations = pp"),
            "python_versions: 3.13t is CPython's alone, and implementations leaves that out; add cp there",
        ),
    ],
)
def test_what_looks_wrong(lines: tuple[str, ...], said: str) -> None:
    assert said in advice_on(*lines)
    assert [each for each in advice_on(*lines) if "clients build everything" not in each] in ([said], [])


def test_every_family_has_a_glob_of_its_members() -> None:
    for name, family in NAMESPACES.items():
        check_name_pattern(name)
        assert advice_on(f"package_matches = {name} {family}") == ()
        assert len(advice_on(f"package_matches = {name}")) == 1


@pytest.mark.parametrize(
    ("line", "options", "said"),
    [
        ("six==1.0", ("package_excludes = s*",), "package_excludes (s*) wins; take it out of one of them"),
        ("six==1.0", ("versions = six >=2",), "versions wins: 1.0 is not >=2"),
        ("six===1.0", ("excluded_versions = six <2",), "excluded_versions wins: 1.0 is <2"),
        ("six==1.0", ("blocked_files = six==1",), "blocked_files wins: six==1.0 is blocked"),
    ],
)
def test_requirements_that_other_options_leave_out(
    tmp_path: Path, line: str, options: tuple[str, ...], said: str
) -> None:
    (tmp_path / "r.txt").write_text(f"flask\n{line}\nsix==1.0; python_version < '2'\n")
    text = "\n".join(
        ("[DEFAULT]", "mirror_file_path = m", "requirements = r.txt", "python_versions = 3.12", *options, "")
    )
    found = config.parse(text.encode(), source="x.cfg", folder=tmp_path, overrides={})
    assert advice(found) == (f"requirements: {line} (r.txt:2) is not mirrored, as {said}",)


def test_lines_that_count_nowhere(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("flask\nsix==1.0; python_version < '2'\n")
    text = "[DEFAULT]\nmirror_file_path = m\nrequirements = r.txt\npython_versions = 3.12\n"
    path = tmp_path / "x.cfg"
    path.write_text(text)
    said = list(config_check.lines(config.load(path, {}), path, is_quiet=False))
    assert "  requirements: 2 lines for 2 projects: flask six" in said
    assert (
        '  of these r.txt:2 (six==1.0; python_version < "2") counts in no environment that is mirrored for'
        " (python_versions = 3.12)"
    ) in said
    (tmp_path / "r.txt").write_text("six==1.0; python_version < '2'\n")
    (warning,) = advice(config.load(path, {}))
    assert warning.startswith("no project is selected: r.txt:1 (six==1.0")


LOCK = """lock-version = "1.0"
created-by = "x"
{}
[[packages]]
name = "six"
version = "1.0"
wheels = [{{name = "six-1.0-py3-none-any.whl", url = "https://example.org/six-1.0-py3-none-any.whl", \
hashes = {{sha256 = "0000000000000000000000000000000000000000000000000000000000000000"}}}}]
"""
MAC = "sys_platform == 'darwin' and python_version > '3.11'"
LINUX_OR_MAC = f"""environments = ["sys_platform == 'linux'", "{MAC}"]"""
THESE, THAT = "lock it for these, too, or take them out", "lock it for that, too, or take it out"


@pytest.mark.parametrize(
    ("locked", "options", "said"),
    [
        ('requires-python = ">=3.11"', ("python_versions = 3.11 3.13t",), ()),
        ('requires-python = ">=3.11.4"', ("python_versions = 3.11",), ()),
        ('requires-python = ">=3.11"', ("platforms = win_amd64",), ()),
        (LINUX_OR_MAC, (), ()),
        (LINUX_OR_MAC, ("python_versions = 3.9",), ()),
        (LINUX_OR_MAC, ("platforms = linux_x86_64 macosx_arm64", "python_versions = 3.12"), ()),
        (
            LINUX_OR_MAC,
            ("python_versions = 3.13t", "implementations = cp pp", "platforms = linux_x86_64"),
            (),
        ),
        ("environments = []", ("platforms = win_amd64",), ()),
        (
            'requires-python = ">=3.11"',
            ("python_versions = 3.9 3.10 3.11",),
            (f"Python >=3.11, which 3.9 3.10 of python_versions are not; {THESE}",),
        ),
        (
            LINUX_OR_MAC,
            ("platforms = linux_x86_64 win_amd64",),
            (f"other environments than win_amd64; {THAT} of platforms",),
        ),
        (
            LINUX_OR_MAC,
            ("platforms = macosx_arm64 win32 win_amd64", "python_versions = 3.11 3.12"),
            (
                (
                    "other environments than 3.11 macosx_arm64, 3.11 win32, 3.11 win_amd64 and 2 more;"
                    f" {THESE} of python_versions or platforms"
                ),
            ),
        ),
        (
            'requires-python = "==3.12.*"\n' + LINUX_OR_MAC,
            ("platforms = linux_x86_64 win_amd64", "python_versions = 3.11 3.12"),
            (
                f"Python ==3.12.*, which 3.11 of python_versions is not; {THAT}",
                f"other environments than 3.12 win_amd64; {THAT} of python_versions or platforms",
            ),
        ),
    ],
)
def test_lock_files_for_other_environments(
    tmp_path: Path, locked: str, options: tuple[str, ...], said: tuple[str, ...]
) -> None:
    (tmp_path / "pylock.toml").write_text(LOCK.format(locked))
    text = "\n".join(("[DEFAULT]", "mirror_file_path = m", "requirements = pylock.toml", *options, ""))
    found = advice(config.parse(text.encode(), source="x.cfg", folder=tmp_path, overrides={}))
    assert found == tuple(f"requirements: pylock.toml is locked for {each}" for each in said)
