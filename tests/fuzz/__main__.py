"""Fuzz the readers, guided by coverage: `python -m tests.fuzz [--seconds N] [TARGET ...]`. Needs atheris.

What finds new paths is kept in the folder `--found`, if there is one; what breaks a target is written to the
current folder, and belongs into `corpus/<target>/` once it is mended. CI reads some thousand inputs for each
target, always with the same seed, so that a machine under load reads the same ones: what is new is for those
who look for it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

CORPUS = Path(__file__).with_name("corpus")


def main() -> int:
    """Fuzz each target in a process of its own, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=10, help="for each target")
    parser.add_argument("--runs", type=int, default=0, help="inputs for each target, however long that takes")
    parser.add_argument("--seed", type=int, default=0, help="0 is another one each time")
    parser.add_argument("--found", type=Path, help="where inputs that find new paths are kept")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.here:
        bound = f"-runs={told.runs}" if told.runs else f"-max_total_time={told.seconds}"
        fuzz(told.targets[0], bound, told.seed, told.found)
    names = told.targets or sorted(each.name for each in CORPUS.iterdir())
    broken = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            found = told.found / name if told.found else Path(folder)
            found.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", "tests.fuzz", "--here", name, "--seed", str(told.seed)]
            command += ["--seconds", str(told.seconds), "--runs", str(told.runs), "--found", str(found)]
            ended = subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": "0"}, check=False)
            if ended.returncode:
                broken.append(name)
    said = f"broken: {' '.join(broken)}" if broken else "all well"
    each = f"{told.runs:,} inputs" if told.runs else f"{told.seconds} s"
    sys.stdout.write(f"{len(names)} targets, {each} each: {said}\n")
    return 1 if broken else 0


def fuzz(name: str, bound: str, seed: int, found: Path) -> None:
    """Fuzz one target, as far as an option of libFuzzer tells, and end this process."""
    with atheris.instrument_imports(include=["pypimirror"]):
        from tests.fuzz.targets import TARGETS  # only what is imported here is instrumented

    options = [
        bound,
        f"-seed={seed}",
        "-timeout=20",
        "-rss_limit_mb=1024",
        "-max_len=16384",
    ]
    arguments = [
        sys.argv[0],
        *options,
        "-print_final_stats=1",
        "-verbosity=0",
        str(found),
        str(CORPUS / name),
    ]
    atheris.Setup(arguments, TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
