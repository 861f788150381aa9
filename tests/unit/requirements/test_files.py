"""Requirements files and lock files as people write them."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pypimirror.model import Digest, NormalizedName
from pypimirror.requirements import Constraint, Root, Roots
from pypimirror.requirements.files import RequirementsError, read
from pypimirror.want import Want

ONE, TWO = "1" * 64, "2" * 64
SHA_ONE, SHA_TWO = Digest("sha256", ONE), Digest("sha256", TWO)


def named(name: str) -> NormalizedName:
    return NormalizedName(name)


def roots_of(folder: Path, *files: str, exact: bool = False, **texts: str) -> Roots:
    """Read `files`; what others say is given as `name=text`, with `__` for the dot."""
    for name, text in texts.items():
        (folder / f"{name.replace('__', '.')}").write_text(text, "utf-8")
    return read([folder / file for file in files], folder=folder, is_exact=exact)


def read_text(folder: Path, text: str, *, exact: bool = False) -> Roots:
    return roots_of(folder, "r.txt", exact=exact, r__txt=text)


def problems_of(folder: Path, text: str, *, exact: bool = False) -> tuple[str, ...]:
    with pytest.raises(RequirementsError) as caught:
        read_text(folder, text, exact=exact)
    return caught.value.problems


def test_lines_of_every_kind(tmp_path: Path) -> None:
    text = f"""\
# a comment
Zope.Interface
requests[SOCKS,use_x] >= 2.0, <3 ; python_version < "3.12"  # why
six==1.16.0 \\
    --hash=sha256:{ONE} \\
    --hash=SHA256:{TWO.upper()}

pywin32 ; sys_platform == 'win32'
foo (>=1.0)
foo===weird
"""
    assert read_text(tmp_path, text) == Roots(
        (
            Root(named("zope-interface"), source="r.txt:2"),
            Root(
                named("requests"),
                Want("<3,>=2.0"),
                ("socks", "use-x"),
                'python_version < "3.12"',
                "r.txt:3",
            ),
            Root(named("six"), Want("==1.16.0"), source="r.txt:4"),
            Root(named("pywin32"), marker='sys_platform == "win32"', source="r.txt:8"),
            Root(named("foo"), Want(">=1.0"), source="r.txt:9"),
            Root(named("foo"), Want("===weird"), source="r.txt:10"),
        ),
        files=(str(tmp_path / "r.txt"),),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, end: str) -> None:
    text = f"# größer{end}six>=1 \\{end}  ,<2{end}zope.event # für{end}"
    (tmp_path / "r.txt").write_bytes(text.encode(encoding))
    found = read([tmp_path / "r.txt"], folder=tmp_path)
    assert [(root.name, root.want.specifier) for root in found.roots] == [
        ("six", "<2,>=1"),
        ("zope-event", ""),
    ]


def test_what_is_no_utf_8(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_bytes("# größer\nsix\n".encode("latin-1"))
    with pytest.raises(RequirementsError, match=r"r\.txt: is no text in UTF-8; save it as UTF-8"):
        read([tmp_path / "r.txt"], folder=tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-i https://us:secret@example.org/simple", ["-i has no effect here"]),
        ("--index-url=https://us:secret@example.org/simple", ["--index-url has no effect here"]),
        ("--extra-index-url https://us:secret@example.org/", ["--extra-index-url"]),
        ("--find-links ./secret --no-index", ["--find-links", "--no-index"]),
        ("--no-binary :all:", ["--no-binary"]),
        ("--only-binary=:none: --prefer-binary", ["--only-binary", "--prefer-binary"]),
        ("--pre", ["--pre"]),
        ("--require-hashes", ["--require-hashes"]),
        ("--trusted-host example.org", ["--trusted-host"]),
        ("--use-feature=fast-deps", ["--use-feature"]),
        ("--process-dependency-links", ["--process-dependency-links"]),
        ("--an-option-of-tomorrow secret", ["--an-option-of-tomorrow has no effect here"]),
        ("-e .", ["-e .: given by an address or a path, and not by an index"]),
        ("-e git+https://us:secret@example.org/a.git#egg=demo", ["demo: given by an address"]),
        ("./local/path", ["./local/path: given by"]),
        ("demo-1.0-py3-none-any.whl", ["demo: given by"]),
        ("./demo-1.0.tar.gz", ["./demo-1.0.tar.gz: given by"]),
        ("https://us:secret@example.org/d-1.0.tar.gz", ["...@example.org/d-1.0.tar.gz: given by"]),
        ("demo @ https://us:secret@example.org/demo.zip", ["demo: given by"]),
        ("demo[x]@git+https://example.org/demo.git ; os_name == 'nt'", ["demo: given by"]),
        ("git+https://example.org/demo.git#egg=demo", ["demo: given by"]),
        ("demo @ file:///srv/demo.zip", ["demo: given by"]),
    ],
)
def test_what_makes_no_sense_here_is_named_and_ignored(tmp_path: Path, line: str, words: list[str]) -> None:
    found = read_text(tmp_path, f"six\n{line}\n")
    assert [root.name for root in found.roots] == ["six"]
    told = "\n".join(found.ignored)
    assert len(found.ignored) == len(words)
    assert all(each.startswith("r.txt:2: ") for each in found.ignored)
    assert all(word in told for word in words)
    assert "secret@" not in told
    assert ":secret" not in told


@pytest.mark.parametrize(
    "options",
    [
        "--config-settings 'a=b'",
        '--global-option="-x"',
        "--install-option=x",
        "--config-setting k=v",
        "--an-option-of-tomorrow",
        "--index-url https://example.org/",
        "--no-binary six",
    ],
)
def test_options_behind_a_requirement(tmp_path: Path, options: str) -> None:
    found = read_text(tmp_path, f"six==1.0 {options} --hash=sha256:{ONE}\n", exact=True)
    assert [(root.name, root.want) for root in found.roots] == [
        ("six", Want("==1.0", (SHA_ONE,))),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("bad name here", "bad name here: no requirement, such as name, name>=1.0 or name[extra]==1.0"),
        (
            "six=1.0",
            "no requirement, such as name, name>=1.0 or name[extra]==1.0; two versions are compared by ==",
        ),
        ("six>=1.0# c", "; a comment begins with a space and #"),
        ("six>=1.0[x]", "; extras stand before the version"),
        ("six==one", "no requirement"),
        ("six; no_such == 'x'", "no requirement"),
        ("six==${VERSION}", "${VERSION} is not replaced"),
        (f"six==1.0 --hash=md5:{'1' * 32}", f"md5:{'1' * 32}: no digest that pip takes"),
        ("six==1.0 --hash=sha256:123", "sha256:123: no digest that pip takes"),
        ("six==1.0 --hash=123", "123: no digest that pip takes"),
        ("six==1.0 --hash=123 --tomorrow", "123: no digest that pip takes"),
        ("-r", "-r: one file has to be named, such as -r more.txt"),
        ("-c ${FOLDER}/c.txt", "${FOLDER} is not replaced"),
        ("-r https://example.org/r.txt", "an address; fetch the file, and name where it lies here"),
        (
            "-r missing.txt",
            "missing.txt: can't be read (No such file or directory); name a file that is there",
        ),
        ("--constraint=missing.txt", "missing.txt: can't be read"),
        ("-r .", ".: is no file; name a requirements file or a lock file"),
        ("-r lock/pylock.toml", "lock/pylock.toml: is no requirements file; a lock file"),
        ("six six", "no requirement"),
        ("a" * 300, "a..."),
    ],
)
def test_what_is_refused(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "lock").mkdir()
    (tmp_path / "lock/pylock.toml").write_text(LOCK)
    (problem,) = problems_of(tmp_path, f"six\n\n{line}\n")
    assert problem.startswith("r.txt:3: ")
    assert said in problem
    assert len(problem) < 250


def test_more_than_one_file_behind_an_option(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\n")
    assert problems_of(tmp_path, "-r a.txt b.txt\n") == (
        "r.txt:1: -r a.txt b.txt: one file has to be named, such as -r more.txt",
    )


def test_every_problem_at_once(tmp_path: Path) -> None:
    found = problems_of(tmp_path, "six=1\n-r a.txt\n-c b.txt\nfoo==\n")
    assert [re.match(r"r\.txt:\d", each) is not None for each in found] == [True] * 4


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RequirementsError, match=r"^no\.txt: can't be read \(No such file or directory\)"):
        read([tmp_path / "no.txt"], folder=tmp_path)
    with pytest.raises(RequirementsError, match=f"^{tmp_path}/no"):
        read([tmp_path / "no.txt"], folder=tmp_path / "conf")


@pytest.mark.parametrize("name", ["uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock"])
def test_lock_files_of_one_tool(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("[[package]]\n")
    with pytest.raises(RequirementsError, match=f"^{name}: is a lock file that one tool alone reads; "):
        read([tmp_path / name], folder=tmp_path)


@pytest.mark.parametrize("path", ["/dev/zero", "/"])
def test_what_is_no_file_is_not_read(tmp_path: Path, path: str) -> None:
    with pytest.raises(RequirementsError, match=f"^{path}: is no file"):
        read([Path(path)], folder=tmp_path)


def test_nested_files_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "r.txt").write_text("-r sub/a.txt\nsix\n-c sub/c.txt\n")
    (tmp_path / "sub/a.txt").write_text("--requirement deep/b.txt\nalpha\n-c c.txt\n")
    (tmp_path / "sub/deep/b.txt").write_text(f"beta\n-r ../a.txt\n-r {tmp_path}/r.txt\n")
    (tmp_path / "sub/c.txt").write_text(f"Beta[x]<2; os_name == 'nt'\nsix==1 --hash=sha256:{ONE}\n./path\n")
    found = read([tmp_path / "r.txt", tmp_path / "r.txt"], folder=tmp_path)
    assert sorted((root.name, root.source) for root in set(found.roots)) == [
        ("alpha", "sub/a.txt:2"),
        ("beta", "sub/deep/b.txt:1"),
        ("six", "r.txt:2"),
    ]
    assert set(found.constraints) == {
        Constraint(named("beta"), "<2", marker='os_name == "nt"', source="sub/c.txt:1"),
        Constraint(named("six"), "==1", (SHA_ONE,), source="sub/c.txt:2"),
    }
    assert found.ignored == ("sub/c.txt:3: ./path: given by an address or a path, and not by an index",)
    assert set(found.files) == {
        str(tmp_path / name) for name in ("r.txt", "sub/a.txt", "sub/c.txt", "sub/deep/b.txt")
    }


def test_a_file_of_requirements_and_of_constraints(tmp_path: Path) -> None:
    found = roots_of(tmp_path, "r.txt", r__txt="-c both.txt\n-r both.txt\n", both__txt="six<2\n")
    assert [(root.name, root.want) for root in found.roots] == [("six", Want("<2"))]
    assert [each.name for each in found.constraints] == ["six"]


def test_requirements_that_a_constraints_file_names(tmp_path: Path) -> None:
    """As pip has it: `-r` gives requirements wherever it stands."""
    found = roots_of(tmp_path, "r.txt", r__txt="a\n-c c.txt\n", c__txt="-r more.txt\nb<2\n", more__txt="c\n")
    assert [root.name for root in found.roots] == ["a", "c"]


def test_without_exact_hashes_say_nothing(tmp_path: Path) -> None:
    found = read_text(tmp_path, f"six==1.0 --hash=sha256:{ONE}\n")
    assert found.roots[0].want == Want("==1.0")


def test_exact(tmp_path: Path) -> None:
    text = f"six==1.0 --hash=sha256:{TWO} --hash=sha256:{ONE}\nfoo===x\nbar>=1,==2.0\n"
    found = read_text(tmp_path, text, exact=True)
    assert [root.want for root in found.roots] == [
        Want("==1.0", (SHA_ONE, SHA_TWO)),
        Want("===x", is_exact=True),
        Want("==2.0,>=1", is_exact=True),
    ]


@pytest.mark.parametrize("line", ["six", "six>=1", "six==1.*", "six~=1.0", f"six --hash=sha256:{ONE}"])
def test_exact_without_a_pin(tmp_path: Path, line: str) -> None:
    (problem,) = problems_of(tmp_path, f"{line}\n", exact=True)
    assert problem.startswith("r.txt:1: six")
    assert problem.endswith(
        "is not pinned, and exact = True; write six== and a version, or set exact = False"
    )


def test_exact_by_constraints(tmp_path: Path) -> None:
    constraints = f"SIX==1.0 --hash=sha256:{ONE}\nbar==2\n"
    found = roots_of(tmp_path, "r.txt", exact=True, r__txt="-c c.txt\nsix\nbar>1\n", c__txt=constraints)
    assert [root.want for root in found.roots] == [Want("", (SHA_ONE,)), Want(">1", is_exact=True)]


def test_what_is_asked_has_neither_place_nor_order(tmp_path: Path) -> None:
    one = "six>=1,<2\nbar[b,a]; os_name=='nt'\n-c c.txt\n"
    two = '# later\n-c c.txt\nBar[a,b] ; os_name == "nt"\nsix <2, >=1\nsix<2,>=1\n'
    first = roots_of(tmp_path, "a.txt", a__txt=one, c__txt="x<1\n")
    second = roots_of(tmp_path, "b.txt", b__txt=two)
    other = roots_of(tmp_path, "b.txt", b__txt="six>=1,<2\n-c c.txt\n")
    assert first.asked == second.asked
    assert repr(first.asked) == repr(second.asked)
    assert first.asked != other.asked


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(alphabet="ab1.-_[],;<>=~! \"'()@:/\\\n#$){} \tré\f\x0b\0", max_size=80))
def test_any_text_is_read_or_refused(tmp_path: Path, text: str) -> None:
    try:
        told = [root.source for root in read_text(tmp_path, text).roots]
    except RequirementsError as error:
        told = [*error.problems]
    assert all(each.startswith("r.txt:") for each in told)


LOCK = f"""\
lock-version = "1.0"
created-by = "a test"

[[packages]]
name = "demo-x"
version = "1.0"
marker = "sys_platform == 'win32' and 'dev' in dependency_groups"
[packages.sdist]
url = "https://example.org/demo_x-1.0.tar.gz"
hashes = {{ sha256 = "{ONE}" }}
[[packages.wheels]]
url = "https://example.org/demo_x-1.0-py3-none-any.whl"
hashes = {{ SHA256 = "{TWO.upper()}" }}

[[packages]]
name = "no-version"
[[packages.wheels]]
url = "https://example.org/no_version-2.0-py3-none-any.whl"
hashes = {{ sha256 = "{ONE}" }}

[[packages]]
name = "from-git"
vcs = {{ type = "git", url = "https://us:secret@example.org/x.git", commit-id = "0" }}

[[packages]]
name = "from-folder"
directory = {{ path = "." }}

[[packages]]
name = "from-archive"
archive = {{ url = "https://example.org/x.zip", hashes = {{ sha256 = "{ONE}" }} }}
"""


@pytest.mark.parametrize("name", ["pylock.toml", "pylock.dev.toml"])
def test_a_lock_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(LOCK, "utf-8-sig")
    found = read([tmp_path / name], folder=tmp_path)
    marker = 'sys_platform == "win32" and "dev" in dependency_groups'
    assert found.roots == (
        Root(named("demo-x"), Want("==1.0"), marker=marker, source=name),
        Root(named("no-version"), Want("==2.0"), source=name),
    )
    assert found.ignored == (
        f"{name}: from-git: locked to a repository of sources, and to no file of an index",
        f"{name}: from-folder: locked to a folder, and to no file of an index",
        f"{name}: from-archive: locked to an archive by its address, and to no file of an index",
    )
    exact = read([tmp_path / name], folder=tmp_path, is_exact=True)
    assert [root.want for root in exact.roots] == [
        Want("==1.0", (SHA_ONE, SHA_TWO)),
        Want("==2.0", (SHA_ONE,)),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lock-version = ", "is no TOML"),
        ("x = 1", "is no lock file as PEP 751 has it"),
        (LOCK.replace('"1.0"', '"2.0"', 1), "2.0 is not supported"),
        (LOCK.replace('"demo-x"', '"Demo_X"'), "packages[0]"),
        (LOCK.replace("demo_x-1.0.tar.gz", "demo_x-1.1.tar.gz"), "demo_x-1.1"),
        ("\udcff", "UTF-8"),
    ],
)
def test_a_lock_file_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "pylock.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RequirementsError) as caught:
        read([tmp_path / "pylock.toml"], folder=tmp_path)
    (problem,) = caught.value.problems
    assert problem.startswith("pylock.toml: ")
    assert said in problem


@pytest.mark.parametrize("name", ["poetry.toml", "pyproject.toml", "pylock.a.b.toml"])
def test_other_toml_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(LOCK)
    with pytest.raises(RequirementsError, match=r"a lock file is pylock\.toml or pylock\.NAME\.toml"):
        read([tmp_path / name], folder=tmp_path)
