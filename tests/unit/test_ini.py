import pytest

from pypimirror.config.ini import Ini, Setting, parse
from pypimirror.errors import Problem


def settings_of(text: str) -> dict[str, str]:
    """Return the values of a file that has nothing wrong or odd."""
    read = parse(text.encode())
    assert (read.problems, read.warnings) == ((), ())
    return {name: setting.value for name, setting in read.settings.items()}


def values_of(text: str) -> list[list[str]]:
    return [value.split() for value in settings_of(text).values()]


def test_a_plain_file() -> None:
    assert parse(b"[DEFAULT]\nworkers = 3\n") == Ini(
        {"workers": Setting("DEFAULT", "3")}, frozenset(), (), ()
    )


def test_an_empty_file() -> None:
    assert parse(b"") == Ini({}, frozenset(), (), ())


@pytest.mark.parametrize("section", ["DEFAULT", "pypimirror"])
def test_both_sections_mean_the_same(section: str) -> None:
    read = parse(f"[{section}]\nWorkers: 3\n".encode())
    assert read == Ini({"workers": Setting(section, "3")}, frozenset(), (), ())


def test_options_may_stand_in_both_sections() -> None:
    read = parse(b"[pypimirror]\nworkers = 3\n[DEFAULT]\ntimeout = 4\n")
    assert read.settings == {"workers": Setting("pypimirror", "3"), "timeout": Setting("DEFAULT", "4")}
    assert (read.problems, read.warnings) == ((), ())


def test_comments_inside_a_value() -> None:
    text = "[DEFAULT]\na =\n    one\n    # two\n# three\n    ; four\n; five\n\n    six\n"
    assert values_of(text) == [["one", "six"]]


def test_a_hash_behind_a_value_belongs_to_it() -> None:
    assert values_of("[DEFAULT]\na = https://example.org/#x\n") == [["https://example.org/#x"]]


def test_comments_after_a_blank_and_a_semicolon() -> None:
    text = "[DEFAULT]\na = one ; two\nb =\n    three ; four\n    five;six\n"
    assert values_of(text) == [["one"], ["three", "five;six"]]


@pytest.mark.parametrize("text", ["[DEFAULT]\r\na =\r\n  1\r\n  2\r\n", "\ufeff[DEFAULT]\na = 1 2\n"])
def test_other_editors(text: str) -> None:
    assert values_of(text) == [["1", "2"]]


def test_names_of_options_do_not_depend_on_case() -> None:
    assert settings_of("[DEFAULT]\nMirror_File_Path = X\n") == {"mirror_file_path": "X"}


@pytest.mark.parametrize(
    "text",
    [
        "[DEFAULT]\nworkers = 1\nworkers = 2\n",
        "[DEFAULT]\nworkers = 1\nWorkers: 2\n",
        "[DEFAULT]\nworkers = 1\n[DEFAULT]\nworkers = 2\n",
        "[DEFAULT]\n  workers = 1\n  workers = 2\n",
    ],
)
def test_of_a_repeated_option_the_last_one_counts(text: str) -> None:
    assert parse(text.encode()) == Ini(
        {"workers": Setting("DEFAULT", "2")},
        frozenset(),
        (),
        ("[DEFAULT] workers: given 2 times; the last one counts",),
    )


@pytest.mark.parametrize(("first", "second"), [("DEFAULT", "pypimirror"), ("pypimirror", "DEFAULT")])
def test_an_option_in_both_sections_is_repeated_too(first: str, second: str) -> None:
    read = parse(f"[{first}]\nworkers = 1\n[{second}]\nworkers = 2\n".encode())
    assert read.settings["workers"].value == "2"
    assert len(read.warnings) == 1


@pytest.mark.parametrize(
    "text",
    [
        "[DEFAULT]\n#workers = 1\nworkers = 2\n",
        "[DEFAULT]\n;workers = 1\nworkers = 2\n",
        "[DEFAULT]\na =\n  workers = 1\nworkers = 2\n",
        "[DEFAULT]\nworkers = 1\na = workers = 2\n",
    ],
)
def test_not_repeated(text: str) -> None:
    assert parse(text.encode()).warnings == ()


@pytest.mark.parametrize("value", ["10 %", "%", "100%", "%Y-%m", "%s", "%%", "%(", "%()s", "50%% off"])
def test_a_lone_percent_sign_is_itself(value: str) -> None:
    assert settings_of(f"[DEFAULT]\na = {value}\n") == {"a": value}


def test_interpolation() -> None:
    text = "[DEFAULT]\nhome = /srv\nroot = %(HOME)s/pypi\nlog = %(root)s/%(home)s.log 5 %\n"
    read = parse(text.encode())
    assert {name: setting.value for name, setting in read.settings.items()} == {
        "home": "/srv",
        "root": "/srv/pypi",
        "log": "/srv/pypi//srv.log 5 %",
    }
    assert read.referenced == {"home", "root"}
    assert read.problems == ()


def test_interpolation_across_the_sections() -> None:
    read = parse(b"[DEFAULT]\nhome = /srv\n[pypimirror]\nroot = %(home)s/x\n")
    assert read.settings["root"] == Setting("pypimirror", "/srv/x")


def test_interpolation_of_what_is_not_there() -> None:
    assert parse(b"[DEFAULT]\na = %(b)s\nc = 1\n") == Ini(
        {"c": Setting("DEFAULT", "1")},
        frozenset(),
        (Problem("DEFAULT", "a", "%(b)s", "%(b)s names no option of this file"),),
        (),
    )


def test_interpolation_in_a_circle() -> None:
    problems = parse(b"[DEFAULT]\na = %(b)s\nb = %(a)s\n").problems
    assert [isinstance(problem, Problem) and problem.option for problem in problems] == ["a", "b"]


def test_utf8() -> None:
    assert settings_of("[DEFAULT]\na = /srv/\u6f22\n") == {"a": "/srv/\u6f22"}


def test_latin_1() -> None:
    read = parse("[DEFAULT]\n# gr\u00f6\u00dfer\na = /srv/\u00e4\n".encode("latin-1"))
    assert read == Ini({"a": Setting("DEFAULT", "/srv/\u00e4")}, frozenset(), (), ())


def test_unknown_sections_are_all_named() -> None:
    read = parse(b"[mirror]\nworkers = 1\n[DEFAULT]\ntimeout = 3\n[other]\n")
    assert read.settings == {"timeout": Setting("DEFAULT", "3")}
    assert read.problems == (
        "[mirror]: unknown section; options stand in [DEFAULT] or [pypimirror]",
        "[other]: unknown section; options stand in [DEFAULT] or [pypimirror]",
    )


@pytest.mark.parametrize(
    "content", [b"workers = 1\n", b"[DEFAULT]\nno sign here\n", b"[DEFAULT\na = 1\n", b"\xff\xfe\0"]
)
def test_what_is_no_ini_file_is_one_problem_in_one_line(content: bytes) -> None:
    read = parse(content)
    (problem,) = read.problems
    assert read.settings == {}
    assert "\n" not in str(problem)
    assert "<string>" not in str(problem)
