import subprocess
import sys
from pathlib import Path

import pytest

LOST = """
import os, signal, time
from pypimirror.cli import signals

class Careless:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)

signals.install()
signals.check()
careless = Careless()
try:
    del careless  # what a destructor raises is lost
    %s
except signals.Interrupted as interrupt:
    print(interrupt.status)
"""


@pytest.mark.parametrize("then", ["signals.check()", "time.sleep(60)"])
def test_a_signal_whose_exception_got_lost_is_raised_again(then: str) -> None:
    ended = subprocess.run([sys.executable, "-c", LOST % then], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("143\n", "")


IMPORTED = """
import os, signal, time
os.kill(os.getpid(), signal.SIGTERM)
for _ in range(10):
    time.sleep(0.01)
print("whole")
"""

IMPORTING = """
import sys, time
from pypimirror.cli import signals
sys.path.insert(0, sys.argv[1])
signals.install()
try:
    import interrupted
    time.sleep(60)
except signals.Interrupted as interrupt:
    print(interrupt.status)
"""


def test_a_signal_waits_for_the_end_of_an_import(tmp_path: Path) -> None:
    # charset-normalizer, which requests imports, ended the process with SIGSEGV.
    (tmp_path / "interrupted.py").write_text(IMPORTED)
    command = [sys.executable, "-c", IMPORTING, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout == "whole\n143\n"
