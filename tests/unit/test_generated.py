"""The manual page and the completions: current, whole, and fit for what reads them."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from pypimirror.cli import arguments
from pypimirror.report.exit_status import Status
from tests.generated import TOP, contents
from tests.missing import unable

MAN = TOP / "man/pypimirror.1"
FLAGS = [flag for action in arguments._parser()._actions for flag in action.option_strings]


@pytest.mark.parametrize("path", list(contents()), ids=str)
def test_what_is_made_of_the_parser_is_current(path: Path) -> None:
    assert path.read_text("utf-8") == contents()[path], "run: python -m tests.generated"


def test_what_is_made_is_installed() -> None:
    built = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    shared = {TOP / source: target for source, target in built["targets"]["wheel"]["shared-data"].items()}
    assert shared.keys() == {path for path in contents() if not path.is_relative_to(TOP / "docs")}
    assert all(target.startswith("share/") for target in shared.values())


def rendered() -> str:
    """Return the manual page as a reader of it has it."""
    if shutil.which("man") is None:
        unable("man is not installed")
    environment = {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "MANWIDTH": "80",
        "MAN_KEEP_FORMATTING": "",
    }
    command = ["man", "-P", "cat", "--warnings", "-l", str(MAN)]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    return re.sub(r"\x1b\[[\d;]*m|.\x08", "", ended.stdout)


def test_the_manual_page_reads_well() -> None:
    text = rendered()
    for section in (
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "MODES",
        "OPTIONS",
        "EXIT STATUS",
        "FILES",
        "ENVIRONMENT",
        "EXAMPLES",
        "SEE ALSO",
    ):
        assert f"\n{section}\n" in text, section
    for flag in FLAGS:
        assert re.search(rf"^ +(\S.*, )?{re.escape(flag)}\b", text, re.MULTILINE), flag
    statuses = text[text.index("EXIT STATUS") : text.index("FILES")]
    assert [s for s in Status if not re.search(rf"^ +(130, )?{int(s)}\b", statuses, re.MULTILINE)] == []
    assert max(map(len, text.splitlines())) <= 80


def test_groff_finds_nothing_odd() -> None:
    if shutil.which("groff") is None:
        unable("groff is not installed")
    ended = subprocess.run(
        ["groff", "-man", "-ww", "-z", MAN], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")


# -- help --------------------------------------------------------------------------------------------------


def test_the_help_is_grouped_in_80_columns_with_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = arguments._parser().format_help()
    assert [line for line in text.splitlines() if len(line) > 80] == []
    for group in ("modes", "what to do", "schedules", "log and terminal", "exit status", "examples"):
        assert f"\n{group}:\n" in text
    examples = text[text.index("\nexamples:\n") :]
    assert len(re.findall(r"^  \S", examples, re.MULTILINE)) == 3
    for command in re.findall(r"(?<=pypimirror )(?:/srv|--init).*", examples):
        assert arguments.parse(command.split())


# -- completions -------------------------------------------------------------------------------------------

_BASH = """
complete() {{ :; }}; compopt() {{ :; }}
source {script}
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_shtab_pypimirror
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
_ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
ask() {{ zpty -w shell "$1" }}
ask "PS1=; fpath=({folder} \\$fpath); autoload -U compinit; compinit -u"
ask "bindkey '^I' complete-word; unsetopt menu_complete auto_menu; cd {cwd}; print re''ady"
until zpty -r shell line '*ready*'; do :; done
zpty -n -w shell $'{line}\\t'
zpty -n -w shell $' ; print do\\'\\'ne\\n'
out=; while zpty -r shell line; do out+=$line; [[ $line == *done* ]] && break; done
print -r -- $out
"""


def completed(shell: str, line: str, folder: Path) -> str:
    """Return what a shell makes of a line of words, of which the last is begun."""
    if shutil.which(shell) is None:
        unable(f"{shell} is not installed")
    scripts = TOP / "completions"
    program = {
        "bash": ["bash", "-c", _BASH.format(script=scripts / "pypimirror", words=line)],
        "fish": ["fish", "-N", "-c", f"source {scripts}/pypimirror.fish; complete -C '{line}'"],
        "zsh": ["zsh", "-f", "-c", _ZSH.format(folder=scripts, cwd=folder, line=line)],
    }[shell]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    ended = subprocess.run(
        program, capture_output=True, text=True, env=environment, cwd=folder, check=False, timeout=120
    )
    assert ended.stderr == ""
    return ended.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("pypimirror x.cfg --up", "--update-fetch"),
        ("pypimirror x.cfg --verify --rep", "--repair"),
        ("pypimirror x.cfg --server-config ng", "nginx"),
        ("pypimirror my", "mymirror.cfg"),
        ("pypimirror --init fol", "folder"),
    ],
)
def test_shells_complete(tmp_path: Path, shell: str, line: str, found: str) -> None:
    (tmp_path / "mymirror.cfg").touch()
    (tmp_path / "folder").mkdir()
    assert found in completed(shell, line, tmp_path)


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_every_flag_is_offered(tmp_path: Path, shell: str) -> None:
    offered = {line.split("\t")[0] for line in completed(shell, "pypimirror x.cfg --", tmp_path).splitlines()}
    assert {flag for flag in FLAGS if flag.startswith("--")} <= offered
