import subprocess
import sys

LOST = """
import os, signal
from pypimirror.cli import signals

class Careless:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)

signals.install()
signals.check()
careless = Careless()
del careless  # what a destructor raises is printed and lost
try:
    signals.check()
except signals.Interrupted as interrupt:
    print(interrupt.status)
"""


def test_a_signal_whose_exception_got_lost_is_found_by_the_next_check() -> None:
    ended = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, check=True)
    assert ended.stdout == "143\n"
