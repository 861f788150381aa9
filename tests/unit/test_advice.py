import pytest

from pypimirror import config
from pypimirror.config.advice import NAMESPACES, advice
from pypimirror.selection import check_name_pattern
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
        ("min_age_days = 7", "min_age_unknown = allow", "min_age_exceptions = ours-*"),
        ("python_versions = 3.13t", "implementations = cp pp"),
        ("versions = Six >=1", "excluded_versions = six ==1.1"),
        ("package_matches = zope.*", "versions = Zope.Event >=1"),
        ("dependencies = True", "versions = other >=1"),
    ],
)
def test_nothing_to_say(lines: tuple[str, ...]) -> None:
    assert advice_on(*lines) == ()


@pytest.mark.parametrize("option", ["versions", "excluded_versions"])
def test_rules_for_projects_that_nothing_selects(option: str) -> None:
    told = advice_on(
        "package_matches = six a*", "package_excludes = attrs", f"{option} = Sixx >=1\n  attrs >2\n  six ==1"
    )
    said = "is not selected, so it has no effect; correct the name, or select it"
    assert set(told) == {f"{option}: sixx {said}", f"{option}: attrs {said}"}


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
            ("python_versions = 3.12 3.13t", "implementations = pp"),
            "python_versions: 3.13t is CPython's alone, and implementations leaves that out; add cp there",
        ),
    ],
)
def test_what_looks_wrong(lines: tuple[str, ...], said: str) -> None:
    assert advice_on(*lines) == (said,)


def test_every_family_has_a_glob_of_its_members() -> None:
    for name, family in NAMESPACES.items():
        check_name_pattern(name)
        assert advice_on(f"package_matches = {name} {family}") == ()
        assert len(advice_on(f"package_matches = {name}")) == 1
