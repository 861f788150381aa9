"""The documents as a site, by zensical: `python -m tests.generated.site DIR` builds it there."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).parents[2]


def build(folder: Path) -> None:
    """Build the site in a folder, anew; raise RuntimeError with what the generator complains of."""
    with tempfile.TemporaryDirectory() as work:
        shutil.copytree(TOP / "docs", Path(work, "docs"))
        shutil.copy(TOP / "zensical.toml", work)
        ended = subprocess.run(
            [sys.executable, "-m", "zensical", "build", "--strict"],
            cwd=work,
            env=os.environ | {"NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if ended.returncode:
            raise RuntimeError(ended.stdout + ended.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(Path(work, "build/site"), folder)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
