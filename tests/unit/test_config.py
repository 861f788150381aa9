import importlib.resources
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from distlib.index import DEFAULT_INDEX

from pypimirror import config
from pypimirror.config import OPTIONS, Config
from pypimirror.errors import ConfigError, Problem
from pypimirror.model import Digest, NormalizedName
from pypimirror.requirements import Roots
from pypimirror.selection.options import Blocked, LatestReleases

FOLDER = Path("/srv/conf")
REQUIRED = "[DEFAULT]\nmirror_file_path = /srv/mirror\npackage_matches = six\n"
SAMPLE = importlib.resources.files("pypimirror").joinpath("pypimirror.cfg.sample").read_text()


def parse(text: str, overrides: Mapping[str, str] | None = None) -> Config:
    return config.parse(text.encode(), source="x.cfg", folder=FOLDER, overrides=overrides or {})


def parse_with(*lines: str, **overrides: str) -> Config:
    return parse(REQUIRED + "\n".join(lines) + "\n", overrides)


def problems_of(text: str, overrides: Mapping[str, str] | None = None) -> tuple[Problem | str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(text, overrides)
    return caught.value.problems


def default_index_url() -> str:
    parts = urlsplit(DEFAULT_INDEX)
    return f"{parts.scheme}://{parts.netloc}/simple/"


def test_defaults() -> None:
    assert parse(REQUIRED) == Config(
        mirror_file_path=Path("/srv/mirror"),
        package_matches=("six",),
        package_excludes=(),
        filename_matches=(),
        filename_excludes=(),
        python_versions=(),
        platforms=(),
        implementations=(),
        glibc=None,
        file_types=(),
        versions=(),
        excluded_versions=(),
        prereleases=True,
        yanked=True,
        latest_releases=LatestReleases(),
        min_age_days=0.0,
        min_age_exceptions=(),
        min_age_unknown="hold",
        blocked_files=Blocked(),
        max_file_size=0,
        max_project_size=0,
        index_url=default_index_url(),
        index_hosts=(),
        private_hosts=(),
        accept_unverified=(),
        ca_bundle=None,
        expect_mirror=False,
        client_certificate=(),
        base_url="",
        lock_file_name=Path("/srv/mirror/.pypimirror/lock"),
        log_filename=Path("/srv/mirror/.pypimirror/pypimirror.log"),
        state_dir=Path("/srv/mirror/.pypimirror"),
        cleanup=True,
        create_indexes=True,
        full_index=False,
        name_links=True,
        provenance=False,
        provenance_required=(),
        verbose=False,
        external_links=False,
        follow_external_index_pages=False,
        external_links_everything=False,
        external_http=False,
        external_hosts=(),
        external_interval_hours=24.0,
        fetch_since_days=7,
        workers=None,
        timeout=30.0,
        retries=4,
        minimum_speed=1024,
        max_rate=0,
        removal_grace_hours=24.0,
        status_max_age_hours=24.0,
        replace_changed_files=False,
        accepted_changes=(),
        removal_limit=10.0,
        removal_window_hours=24.0,
        revalidate_days=30.0,
        min_free_space=2**30,
        requirements=Roots(),
        exact=False,
        dependencies=False,
        dependency_versions="matching",
        extras=(),
        status_page=False,
        status_page_interval=24.0,
        report=None,
        metrics=None,
        changed_paths=None,
        on_success=(),
        on_failure=(),
        on_change=(),
        hook_timeout=600.0,
        page_style="styled",
        plain_index_above=(50_000, 1000),
    )


@pytest.mark.parametrize("option", OPTIONS)
def test_the_reference_has_every_option(option: str) -> None:
    reference = (Path(__file__).parents[2] / "docs/configuration.md").read_text("utf-8")
    assert f"\n#### {option}\n" in reference


def test_every_option_given() -> None:
    lines = [
        "package_excludes = bad.*",
        "filename_matches = *.whl",
        "    # wheels and zips",
        "    *.zip ; of old",
        "filename_excludes = *-win32.whl",
        "python_versions = 3.13t 3.9 3.12",
        "platforms = macosx_arm64 linux_x86_64",
        "implementations = pp cp",
        "glibc = 2.28",
        "file_types = wheel sdist",
        "versions = Django>=4.2,<5",
        "    Zope.Interface ==6.*",
        "excluded_versions = six ==1.0",
        "prereleases = if-needed",
        "yanked = no",
        "latest_releases = 5",
        "    zope.* 0",
        "    six 10",
        "min_age_days = 7",
        "min_age_exceptions = ours-*",
        "min_age_unknown = Allow",
        "blocked_files = six==1.5 sha256:" + "AB" * 32,
        "max_file_size = 100M",
        "max_project_size = 2G",
        "index_url = https://u:p@index.example.org/root/simple",
        "index_hosts = *.Index.example.org",
        "private_hosts = files.example.org 10.*",
        "accept_unverified = old.example.org",
        "ca_bundle = certificates/ours.pem",
        "expect_mirror = True",
        "client_certificate = us.pem us.key",
        "base_url = https://mirror.example.org/",
        "lock_file_name = my.lock",
        "log_filename = logs/mirror.log",
        "state_dir = ../state",
        "cleanup = off",
        "create_indexes = 0",
        "full_index = Yes",
        "name_links = off",
        "provenance = on",
        "provenance_required = zope.*",
        "verbose = ON",
        "external_links = true",
        "follow_external_index_pages = 1",
        "fetch_since_days = 3",
        "workers = 2",
        "timeout = 1.5",
        "retries = 0",
        "minimum_speed = 0",
        "max_rate = 5M",
        "removal_grace_hours = 0",
        "status_max_age_hours = 48",
        "removal_limit = 12.5 %",
        "removal_window_hours = 168",
        "revalidate_days = 0.5",
        "replace_changed_files = yes",
        "accepted_changes =",
        "    demo-1.0.zip sha256=ABABABABABABABAB",
        "min_free_space = 1.5 GiB",
        "dependencies = True",
        "dependency_versions = All",
        "extras = Six[b,a.b, b] six [c]",
        "status_page = yes",
        "status_page_interval = 2",
        "report = run.json",
        "metrics = /var/lib/metrics/mirror.prom",
        "changed_paths = ~/changed.txt",
        "on_success = true",
        "on_failure = ./tell 'the mirror fails'",
        "on_change = /usr/local/bin/purge --all",
        "hook_timeout = 30",
        "page_style = Plain",
        "plain_index_above = 20000 500",
    ]
    assert parse_with(*lines) == Config(
        mirror_file_path=Path("/srv/mirror"),
        package_matches=("six",),
        package_excludes=("bad.*",),
        filename_matches=("*.whl", "*.zip"),
        filename_excludes=("*-win32.whl",),
        python_versions=("3.9", "3.12", "3.13t"),
        platforms=("linux_x86_64", "macosx_arm64"),
        implementations=("cp", "pp"),
        glibc=(2, 28),
        file_types=("sdist", "wheel"),
        versions=((NormalizedName("django"), "<5,>=4.2"), (NormalizedName("zope-interface"), "==6.*")),
        excluded_versions=((NormalizedName("six"), "==1.0"),),
        prereleases="if-needed",
        yanked=False,
        latest_releases=LatestReleases(5, (("six", 10), ("zope.*", 0))),
        min_age_days=7.0,
        min_age_exceptions=("ours-*",),
        min_age_unknown="allow",
        blocked_files=Blocked(("ab" * 32,), ((NormalizedName("six"), "1.5"),)),
        max_file_size=100 * 2**20,
        max_project_size=2 * 2**30,
        index_url="https://u:p@index.example.org/root/simple/",
        index_hosts=("*.index.example.org",),
        private_hosts=("files.example.org", "10.*"),
        accept_unverified=("old.example.org",),
        ca_bundle=Path("/srv/conf/certificates/ours.pem"),
        expect_mirror=True,
        client_certificate=(Path("/srv/conf/us.pem"), Path("/srv/conf/us.key")),
        base_url="https://mirror.example.org/",
        lock_file_name=Path("/srv/mirror/my.lock"),
        log_filename=Path("/srv/conf/logs/mirror.log"),
        state_dir=Path("/srv/state"),
        cleanup=False,
        create_indexes=False,
        full_index=True,
        name_links=False,
        provenance=True,
        provenance_required=("zope.*",),
        verbose=True,
        external_links=True,
        follow_external_index_pages=True,
        external_links_everything=False,
        external_http=False,
        external_hosts=(),
        external_interval_hours=24.0,
        fetch_since_days=3,
        workers=2,
        timeout=1.5,
        retries=0,
        minimum_speed=0,
        max_rate=5 * 2**20,
        removal_grace_hours=0.0,
        status_max_age_hours=48.0,
        replace_changed_files=True,
        accepted_changes=(("demo-1.0.zip", Digest("sha256", "ab" * 8)),),
        removal_limit=12.5,
        removal_window_hours=168.0,
        revalidate_days=0.5,
        min_free_space=3 * 2**29,
        requirements=Roots(),
        exact=False,
        dependencies=True,
        dependency_versions="all",
        extras=((NormalizedName("six"), ("a-b", "b", "c")),),
        status_page=True,
        status_page_interval=2.0,
        report=Path("/srv/conf/run.json"),
        metrics=Path("/var/lib/metrics/mirror.prom"),
        changed_paths=Path("~/changed.txt").expanduser(),
        on_success=("true",),
        on_failure=("/srv/conf/tell", "the mirror fails"),
        on_change=("/usr/local/bin/purge", "--all"),
        hook_timeout=30.0,
        page_style="plain",
        plain_index_above=(20_000, 500),
        warnings=(
            "fetch_since_days: not needed any more, as updates find every change",
            "accept_unverified: files without a digest are taken over plain http from old.example.org",
        ),
    )


def test_the_options_are_the_fields_of_a_config() -> None:
    assert set(OPTIONS) == set(Config.__struct_fields__) - {"warnings"}


@pytest.mark.parametrize("section", ["DEFAULT", "pypimirror"])
def test_both_sections_mean_the_same(section: str) -> None:
    assert parse(REQUIRED.replace("DEFAULT", section)) == parse(REQUIRED)


def test_warnings_come_along() -> None:
    parsed = parse_with("workers = 1", "workers = 2")
    assert parsed.workers == 2
    assert parsed.warnings == ("[DEFAULT] workers: given 2 times; the last one counts",)


@pytest.mark.parametrize("text", ["True", "true", "YES", "on", "1"])
def test_true(text: str) -> None:
    assert parse_with(f"verbose = {text}").verbose is True


@pytest.mark.parametrize("text", ["False", "false", "NO", "off", "0"])
def test_false(text: str) -> None:
    assert parse_with(f"cleanup = {text}").cleanup is False


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("500", 500),
        ("2k", 2048),
        ("500M", 500 * 2**20),
        ("1.5 GiB", 3 * 2**29),
        ("1T", 2**40),
        ("3 mb", 3 * 2**20),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_with(f"min_free_space = {text}").min_free_space == size


@pytest.mark.parametrize(
    ("text", "share"), [("10", 10), ("10%", 10), ("10 %", 10), ("0", 0), ("100 %", 100), ("2.5%", 2.5)]
)
def test_percentages(text: str, share: float) -> None:
    assert parse_with(f"removal_limit = {text}").removal_limit == share


@pytest.mark.parametrize(
    ("line", "globs"),
    [("zope.*  six", ("zope.*", "six")), ("*", ("*",)), ("*.*", ("*.*",)), ("[a-c]*", ("[a-c]*",))],
)
def test_patterns_of_projects(line: str, globs: tuple[str, ...]) -> None:
    assert parse(f"[DEFAULT]\nmirror_file_path = /m\npackage_matches = {line}\n").package_matches == globs


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cleanup = maybe", "True"),
        ("cleanup =", "True"),
        ("verbose = 2", "True"),
        ("workers = 0", "1 to 256"),
        ("workers = automatic", "not auto"),
        ("workers = 257", "1 to 256"),
        ("workers = -1", "1 to 256"),
        ("workers = 1.5", "1 to 256"),
        ("workers = 0x10", "1 to 256"),
        ("workers = \u0663", "1 to 256"),
        ("workers =", "1 to 256"),
        ("timeout = 0", "seconds"),
        ("timeout = inf", "seconds"),
        ("timeout = nan", "seconds"),
        ("timeout = 1e2", "seconds"),
        ("retries = many", "0 to 100"),
        ("fetch_since_days = x", "0 to 100000"),
        ("removal_grace_hours = -1", "hours"),
        ("removal_limit = 101", "0 to 100"),
        ("removal_limit = ten %", "0 to 100"),
        ("min_free_space = lots", "500M"),
        ("min_free_space = -1", "500M"),
        ("min_free_space = " + "9" * 400, "500M"),
        ("index_url = ftp://index.example.org/", "https://"),
        ("index_url = index.example.org/simple", "https://"),
        ("index_url = https://index.example.org/simple/?a=1", "https://"),
        ("index_url = https://index.example.org:x/simple/", "https://"),
        ("index_url = https://[index.example.org/simple/", "https://"),
        ("index_url =", "https://"),
        ("base_url = mirror", "https://"),
        ("package_excludes = a,", "'a,'"),
        ("package_excludes = a[b", "a[b"),
        ("filename_matches = a/*.whl", "slash"),
        ("filename_excludes = ../x", "slash"),
        ("log_filename =", "path"),
        ("lock_file_name =", "path"),
        ("page_style = nice", "neither styled nor plain"),
        ("page_style =", "neither styled nor plain"),
        ("plain_index_above =", "50000 1000"),
        ("plain_index_above = 1 2 3", "50000 1000"),
        ("plain_index_above = 50000 -1", "50000 1000"),
        ("plain_index_above = 1e3 2", "50000 1000"),
        ("plain_index_above = 50.000 1.000", "50000 1000"),
        ("state_dir = ~nobody-of-this-name/x", "home"),
        ("report = ~nobody-of-this-name/x", "home"),
        ("status_page = perhaps", "True"),
        ("status_page_interval = -1", "hours"),
        ("hook_timeout = 0", "seconds"),
        ("on_success = say 'it", "no closing quotation"),
        ("on_failure = a | b", "no shell"),
        ("on_change = ''", "no command"),
    ],
)
def test_a_bad_value(line: str, said: str) -> None:
    option, _, value = line.partition("=")
    (problem,) = problems_of(f"{REQUIRED}{line}\n")
    assert isinstance(problem, Problem)
    assert (problem.section, problem.option, problem.value) == ("DEFAULT", option.strip(), value.strip())
    assert said in problem.allowed


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("20000 500", (20_000, 500)),
        ("20000, 500", (20_000, 500)),
        ("0 0", (0, 0)),
        ("10", (10, 10)),
        ("999999999 999999999", (999_999_999, 999_999_999)),
    ],
)
def test_above_what_pages_are_plain(line: str, numbers: tuple[int, int]) -> None:
    assert parse_with(f"plain_index_above = {line}").plain_index_above == numbers


def test_a_problem_names_its_own_section() -> None:
    (problem,) = problems_of(f"{REQUIRED}[pypimirror]\nworkers = 0\n")
    assert problem == Problem("pypimirror", "workers", "0", "not a whole number from 1 to 256, and not auto")
    assert str(problem) == "[pypimirror] workers = 0: not a whole number from 1 to 256, and not auto"


@pytest.mark.parametrize("lines", ["", "  ; six", "\n  # six\n  ; zope.*"])
def test_patterns_of_projects_without_any(lines: str) -> None:
    (problem,) = problems_of(f"[DEFAULT]\nmirror_file_path = /m\npackage_matches ={lines}\n")
    assert "package_matches" in str(problem)
    assert "there is no pattern in it" in str(problem)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("mirror_file_path", "missing; it has to be set"),
        ("package_matches", "missing; it has to be set, or requirements"),
    ],
)
def test_a_required_option_left_out(option: str, said: str) -> None:
    text = re.sub(rf"{option} = .*\n", "", REQUIRED)
    assert problems_of(text) == (Problem("DEFAULT", option, None, said),)


def test_a_mirror_needs_a_path() -> None:
    (problem,) = problems_of("[DEFAULT]\nmirror_file_path =\npackage_matches = six\n")
    assert problem == Problem("DEFAULT", "mirror_file_path", "", "not a path")


def test_every_problem_in_one_error() -> None:
    text = "[DEFAULT]\nworker = 3\ncleanup = perhaps\nlog_filename = %(nothing)s\n[mirror]\nx = 1\n"
    with pytest.raises(ConfigError) as caught:
        parse(text, {"verbose": "x"})
    said = str(caught.value)
    assert said.startswith("x.cfg: 7 problems, nothing was touched:\n")
    assert [line.strip() for line in said.splitlines()[1:]] == [
        str(problem) for problem in caught.value.problems
    ]
    for part in (
        "[mirror]: unknown section",
        "[DEFAULT] log_filename = %(nothing)s: ",
        "[DEFAULT] mirror_file_path: missing",
        "[DEFAULT] package_matches: missing",
        "[DEFAULT] cleanup = perhaps: ",
        "[command line] verbose = x: ",
        "[DEFAULT] worker: unknown option; did you mean workers?",
    ):
        assert part in said


def test_one_problem_is_one_line() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"{REQUIRED}workers = 0\n")
    assert str(caught.value) == "x.cfg: [DEFAULT] workers = 0: not a whole number from 1 to 256, and not auto"


def test_a_long_value_is_shortened_in_a_message() -> None:
    (problem,) = problems_of(f"{REQUIRED}filename_matches =\n  a/b\n" + "  *.whl\n" * 100)
    assert len(str(problem).splitlines()) == 1
    assert len(str(problem)) < 200


@pytest.mark.parametrize(
    ("option", "near"),
    [
        ("package_match", "package_matches"),
        ("mirror_path", "mirror_file_path"),
        ("logfilename", "log_filename"),
    ],
)
def test_an_unknown_option_and_its_nearest_name(option: str, near: str) -> None:
    expected = Problem("DEFAULT", option, None, f"unknown option; did you mean {near}?")
    assert problems_of(f"{REQUIRED}{option} = 1\n") == (expected,)


def test_an_unknown_option_like_no_other() -> None:
    (problem,) = problems_of(f"{REQUIRED}[pypimirror]\nzzz = 1\n")
    assert str(problem).startswith("[pypimirror] zzz: unknown option; ")
    assert "did you mean" not in str(problem)


def test_an_unknown_option_that_another_value_interpolates() -> None:
    assert parse_with("home = /srv/home", "log_filename = %(home)s/log").log_filename == Path("/srv/home/log")


def test_a_lone_percent_sign() -> None:
    assert parse_with("log_filename = /srv/100%/log").log_filename == Path("/srv/100%/log")


@pytest.mark.parametrize(
    ("option", "text", "path"),
    [
        ("mirror_file_path", "pypi", "/srv/conf/pypi"),
        ("mirror_file_path", "../pypi/", "/srv/pypi"),
        ("mirror_file_path", "~/pypi", "/srv/home/pypi"),
        ("mirror_file_path", "~", "/srv/home"),
        ("log_filename", "a/b.log", "/srv/conf/a/b.log"),
        ("log_filename", "~/b.log", "/srv/home/b.log"),
        ("state_dir", "state", "/srv/conf/state"),
        ("state_dir", "~/state", "/srv/home/state"),
        ("lock_file_name", "a.lock", "/srv/mirror/a.lock"),
        ("lock_file_name", "/run/a.lock", "/run/a.lock"),
        ("lock_file_name", "~/a.lock", "/srv/home/a.lock"),
    ],
)
def test_paths(option: str, text: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/srv/home")
    assert getattr(parse_with(f"{option} = {text}"), option) == Path(path)


def test_what_lies_in_the_mirror_follows_it() -> None:
    parsed = parse_with("mirror_file_path = pypi")
    assert parsed.lock_file_name == Path("/srv/conf/pypi/.pypimirror/lock")
    assert parsed.log_filename == Path("/srv/conf/pypi/.pypimirror/pypimirror.log")
    assert parsed.state_dir == Path("/srv/conf/pypi/.pypimirror")


def test_the_command_line_wins() -> None:
    parsed = parse_with("verbose = False", "workers = 3", verbose="True", log_filename="/run/x.log")
    assert (parsed.verbose, parsed.workers, parsed.log_filename) == (True, 3, Path("/run/x.log"))


def test_the_command_line_hides_a_bad_value() -> None:
    assert parse_with("verbose = perhaps", verbose="True").verbose


def test_the_default_index_is_that_of_distlib() -> None:
    assert parse(REQUIRED).index_url == default_index_url()


def test_no_file_of_the_source_spells_its_host() -> None:
    host = urlsplit(DEFAULT_INDEX).netloc
    root = Path(config.__file__).parents[1]
    sources = [path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert [path.name for path in sources if host in path.read_text()] == []


def test_load(tmp_path: Path) -> None:
    path = tmp_path / "conf" / "mirror.cfg"
    path.parent.mkdir()
    path.write_text("[DEFAULT]\nmirror_file_path = ../m\npackage_matches = six\n")
    assert config.load(path, {}).mirror_file_path == tmp_path / "m"


def test_load_by_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mirror.cfg").write_text("[DEFAULT]\nmirror_file_path = m\npackage_matches = six\n")
    monkeypatch.chdir(tmp_path)
    assert config.load(Path("mirror.cfg"), {}).mirror_file_path == tmp_path / "m"


def test_load_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "mirror.cfg").write_text("[DEFAULT]\nmirror_file_path = m\npackage_matches = six\n")
    (tmp_path / "link.cfg").symlink_to("real/mirror.cfg")
    assert config.load(tmp_path / "link.cfg", {}).mirror_file_path == tmp_path / "m"


@pytest.mark.parametrize("name", ["missing.cfg", "."])
def test_load_what_is_no_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path / name, {})
    assert str(caught.value).startswith(f"{tmp_path / name}: can't be read (")


def test_load_latin_1(tmp_path: Path) -> None:
    path = tmp_path / "mirror.cfg"
    path.write_bytes(
        "[DEFAULT]\n# gr\u00f6\u00dfer\nmirror_file_path = /\u00e4\npackage_matches = *\n".encode("latin-1")
    )
    assert config.load(path, {}).mirror_file_path == Path("/\u00e4")


def test_the_sample_loads() -> None:
    parsed = parse(SAMPLE)
    assert parsed.warnings == ()
    assert parsed.mirror_file_path == Path("/srv/conf/mirror")
    assert 1 <= len(parsed.package_matches) <= 5


@pytest.mark.parametrize("option", OPTIONS)
def test_the_sample_names_the_option_once(option: str) -> None:
    assert len(re.findall(rf"(?m)^#?{option} =", SAMPLE)) == 1


def commented_out() -> dict[str, str]:
    return dict(re.findall(r"(?m)^#(\w+) =(.*)$", SAMPLE))


def test_the_sample_comments_out_known_options_only() -> None:
    assert set(commented_out()) <= set(OPTIONS)


@pytest.mark.parametrize(
    "option", [name for name in commented_out() if name in OPTIONS and OPTIONS[name].default is not None]
)
def test_the_sample_shows_the_true_default(option: str) -> None:
    known = OPTIONS[option]
    assert known.read(commented_out()[option].strip()) == known.read(known.default or "")


def test_the_sample_with_everything_active_is_sound(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("six>=1\n")
    (tmp_path / "pypimirror.cfg").write_text(re.sub(r"(?m)^#(?=\w+ =)", "", SAMPLE))
    config.load(tmp_path / "pypimirror.cfg", {})
