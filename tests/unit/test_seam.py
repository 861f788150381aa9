"""External links can be deleted: the rest of the project does not need their folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pypimirror

ROOT = Path(__file__).parents[2]
PACKAGE = Path(pypimirror.__file__).parent
OWN_TESTS = ("runs/external", "unit/test_links.py", "unit/test_external_hosts.py", "unit/test_seam.py")
QUICK = ("tests/runs/test_main_job.py", "tests/runs/test_updates.py")
CHOSEN = "wildcard or excludes_win or widened or one_request or deselected or accepted_come"


def test_the_folder_of_external_links_can_be_deleted(tmp_path: Path) -> None:
    copy = tmp_path / "project"
    left_out = shutil.ignore_patterns(".*", "build", "dist")
    shutil.copytree(ROOT, copy, ignore=left_out, symlinks=True)
    shutil.rmtree(copy / "src/pypimirror/external")
    for each in OWN_TESTS:
        path = copy / "tests" / each
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    is_gone = "import importlib.util as u; assert u.find_spec('pypimirror.external') is None"
    # A session that begins closes the usual place to others, also to the Apache of the session around it.
    tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", str(tmp_path / "inner")]
    for arguments in (
        ["-c", is_gone],
        [*tests, "-n0", "--collect-only", "tests"],
        [*tests, "-x", "-n0", "-k", CHOSEN, *QUICK],
        [*tests, "-x", "-n0", "tests/unit/test_layers.py"],
    ):
        ended = subprocess.run(
            [sys.executable, *arguments],
            cwd=copy,
            env=os.environ | {"PYTHONPATH": str(copy / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr[-2000:]
