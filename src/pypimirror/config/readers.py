"""One reader for each kind of value: text to a typed value, or a ValueError that says what is allowed."""

import configparser
import importlib.util
import itertools
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from pypimirror import names
from pypimirror.addresses import without_credentials
from pypimirror.config.lines import HERE, each, words
from pypimirror.model import Digest, NormalizedName
from pypimirror.selection.globs import check_length, check_name_pattern, is_specifier

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_DIGEST = re.compile(r"[a-z0-9_-]{1,32}=[0-9a-f]{8,256}")
_HOST_GLOB = re.compile(r"[a-z0-9._*?\[\]!:-]+")
_EXTRAS = re.compile(r" ?\[[^\[\]]*\]")
_PROJECT_EXTRAS = re.compile(r"([^\[\]]+)\[([^\[\]]+)\]")
_VARIABLE = re.compile(r"(\"?)\$(?:\w+|\{\w+\}|\([^)]*\)?)\1|`.*`?")
"""What a shell puts something else in place of: a whole word that is a variable or a command."""
_SHELL_WORDS = frozenset({"|", "||", "&&", "&", ">", ">>", "<", "2>", "2>&1", ";"})
_MOST = 999_999_999
_FACTORS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


ENCODE = (
    "in a name and password, special characters are percent-encoded:"
    " %40 is @, %2F is /, %3A is :, %20 is a space"
)


COMMENT = "a comment behind a value begins with ' ;', or stands on a line of its own"


def boolean(text: str) -> bool:
    """Read a boolean as configparser does."""
    value = configparser.ConfigParser.BOOLEAN_STATES.get(text.lower())
    if value is None:
        raise ValueError("neither True (yes, on, 1) nor False (no, off, 0)")
    return value


def whole(low: int, high: int) -> Callable[[str], int]:
    """Make a reader of whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"not a whole number from {low} to {high}")
        return int(text)

    return read


def one_of(*words: str) -> Callable[[str], str]:
    """Make a reader of one of a few words, in whatever case."""

    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"neither {' nor '.join(words)}")
        return text.lower()

    return read


def two_whole(text: str) -> tuple[int, int]:
    """Read two whole numbers; one alone counts for both."""
    words = text.replace(",", " ").split()
    try:
        first, second = map(whole(0, _MOST), words * 2 if len(words) == 1 else words)
    except ValueError as error:
        raise ValueError(f"not two whole numbers from 0 to {_MOST}, such as 50000 1000") from error
    return first, second


def workers(text: str) -> int | None:
    """Read a number of processes; None is `auto`."""
    if text.lower() == "auto":
        return None
    try:
        return whole(1, 256)(text)
    except ValueError as error:
        raise ValueError(f"{error}, and not auto") from error


def number(low: float, high: float, unit: str) -> Callable[[str], float]:
    """Make a reader of numbers of `unit` from `low` to `high`."""

    def read(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", text) or not low <= float(text) <= high:
            raise ValueError(f"not a number of {unit} from {low:g} to {high:g}")
        return float(text)

    return read


def percent(text: str) -> float:
    """Read a share of 100, with or without a percent sign."""
    try:
        return number(0, 100, "percent")(text.removesuffix("%").rstrip())
    except ValueError as error:
        raise ValueError("not a percentage from 0 to 100, such as 10 %") from error


def size(text: str) -> int:
    """Read a number of bytes, such as 500M or 1.5 GiB."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError("not a size in bytes, such as 500M or 1G (0 is off)")
    return int(float(match[1]) * _FACTORS[match[2].lower()])


def path(text: str, folder: Path = HERE) -> Path:
    """Read a path: `~` is a home directory, a relative one is relative to `folder`."""
    if not text or "\0" in text or "\n" in text:
        raise ValueError("not a path")
    if re.search(r"\s#", text):
        raise ValueError(COMMENT)
    try:
        return Path(os.path.normpath(folder / Path(text).expanduser()))
    except RuntimeError as error:  # "~user" without such a user
        raise ValueError("there is no such home directory; write the whole path") from error


def optional_path(text: str, folder: Path) -> Path | None:
    """Read a path, or nothing."""
    return path(text, folder) if text else None


def certificate(text: str, folder: Path) -> tuple[Path, ...]:
    """Read nothing, the path of a certificate with its key, or the paths of both, in this order.

    Paths with white space in them stand in lines of their own.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    words = lines if len(lines) != 1 else lines[0].split()
    if len(words) > 2:
        raise ValueError("neither one path, of a certificate with its key, nor two, of certificate and key")
    return tuple(path(word, folder) for word in words)


def selected_names(text: str, folder: Path = HERE) -> tuple[str, ...]:
    """Read patterns of the names of wanted projects, of which there has to be one."""
    patterns = name_globs(text, folder)
    if not patterns:
        raise ValueError("there is no pattern in it; write * for every project, or names and globs of some")
    return patterns


def metrics_path(text: str, folder: Path) -> Path | None:
    """Read a path of metrics, for which an extra has to be installed; or nothing."""
    if text and importlib.util.find_spec("prometheus_client") is None:
        raise ValueError("it needs an extra: pip install 'pypimirror-ng[metrics]'")
    return optional_path(text, folder)


def command(text: str, folder: Path) -> tuple[str, ...]:
    """Read the words of a command, quoted as for a shell; a relative path of it is relative to `folder`.

    Nothing is no command.
    """
    if not text:
        return ()
    try:
        found = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"no command: {str(error).lower()}; quote its words as for a shell") from error
    if not found or not found[0] or "\0" in text:
        raise ValueError("no command")
    for word in shlex.split(text, posix=False):  # what is quoted keeps its quotes
        if word in _SHELL_WORDS or _VARIABLE.fullmatch(word):
            raise ValueError(f"no shell runs it, so {word} means nothing; name a script that does it")
    program = str(path(found[0], folder)) if "/" in found[0] else found[0]
    return (program, *found[1:])


def name_globs(text: str, folder: Path = HERE) -> tuple[str, ...]:
    """Read patterns of project names, separated by white space; `@FILE` stands for those in a file."""
    return each(words(text, folder), _name_glob)


def _name_glob(pattern: str) -> str:
    if "," in pattern and not is_specifier(pattern):
        apart = " ".join(pattern.replace(",", " ").split())
        raise ValueError(f"{pattern!r} is no pattern of names, which white space separates: {apart}")
    check_name_pattern(pattern)
    return pattern


def attested_names(text: str, folder: Path = HERE) -> tuple[str, ...]:
    """Read patterns of project names whose provenance is verified, for which an extra has to be installed."""
    patterns = name_globs(text, folder)
    if patterns and importlib.util.find_spec("pypi_attestations") is None:
        raise ValueError("it needs an extra: pip install 'pypimirror-ng[attestations]'")
    return patterns


def file_globs(text: str, folder: Path = HERE) -> tuple[str, ...]:
    """Read patterns of file names, separated by white space; `@FILE` stands for those in a file.

    Where only files are named and these say nothing, that is refused: no pattern at all is every file.
    """
    patterns = each(words(text, folder), _file_glob)
    if text and not patterns:
        raise ValueError(f"there is no pattern in {text.lstrip('@')}; write one, or leave the option out")
    return patterns


def excluded_file_globs(text: str, folder: Path = HERE) -> tuple[str, ...]:
    """Read the same, of which there may be none."""
    return each(words(text, folder), _file_glob)


def _file_glob(pattern: str) -> str:
    check_length(pattern)
    if pattern.startswith("#"):
        raise ValueError(COMMENT)
    if "," in pattern:
        raise ValueError(f"{pattern} holds a comma, and white space separates patterns")
    if "/" in pattern:
        raise ValueError(f"{pattern} holds a slash; patterns are compared with the file's name alone")
    return pattern


def host_globs(text: str) -> tuple[str, ...]:
    """Read patterns of host names, separated by white space."""
    patterns = tuple(pattern.rstrip(".") for pattern in text.lower().split())
    for pattern in patterns:
        check_length(pattern)
    if any(pattern.startswith("#") for pattern in patterns):
        raise ValueError(COMMENT)
    wrong = [p for p in patterns if not _HOST_GLOB.fullmatch(p) or p.count(":") == 1 or p.startswith("[:")]
    if wrong:
        told = "is no pattern" if len(wrong) == 1 else "are no patterns"
        raise ValueError(
            f"{' '.join(wrong)} {told} of host names, such as *.example.org or 10.1.2.*, separated by white"
            " space: without scheme, port and brackets"
        )
    return patterns


def changes(text: str) -> tuple[tuple[str, Digest], ...]:
    """Read pairs of a file's name and a digest, such as `demo-1.0.zip sha256=0123...`."""
    words = text.split()
    found = set()
    for filename, digest in itertools.zip_longest(words[::2], words[1::2], fillvalue=""):
        algorithm, _, hexdigest = digest.lower().partition("=")
        if not _DIGEST.fullmatch(f"{algorithm}={hexdigest}"):
            raise ValueError(
                f"{filename} {digest}: not a file's name and a digest, such as demo-1.0.zip sha256=0123..."
            )
        found.add((filename, Digest(algorithm, hexdigest)))
    return tuple(sorted(found))


def extras(text: str) -> tuple[tuple[NormalizedName, tuple[str, ...]], ...]:
    """Read projects with extras, such as `celery[redis] uvicorn[standard]`; one project's are united."""
    found: dict[NormalizedName, set[str]] = {}
    for word in _EXTRAS.sub(lambda match: match[0].replace(" ", ""), " ".join(text.split())).split():
        match = _PROJECT_EXTRAS.fullmatch(word)
        listed = [extra for extra in match[2].split(",") if extra] if match else []
        if match is None or not listed or not all(map(names.is_valid, listed)):
            raise ValueError(f"{word} is no project with its extras, such as celery[redis,auth]")
        found.setdefault(names.normalize(match[1]), set()).update(map(names.normalize, listed))
    return tuple(sorted((name, tuple(sorted(each))) for name, each in found.items()))


def index_url(text: str) -> str:
    """Read the address of a simple index; it comes back with a slash at its end."""
    _http(text)
    return text.rstrip("/") + "/"


def base_url(text: str) -> str:
    """Read an address, or nothing; pages and commands get it, so a name and password in it are left out."""
    if text:
        _http(text)
    return without_credentials(text)


def _http(text: str) -> None:
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        # What looks like host and port, or user and host, may be a password with a slash in it.
        is_good = is_good and not ("@" in parts.path and (":" in parts.netloc or "@" in parts.netloc))
    except ValueError:
        is_good = False
    if not is_good or parts.query or parts.fragment or not text.isprintable() or " " in text:
        hint = f"; {ENCODE}" if "@" in text else ""
        raise ValueError(f"not an address such as https://index.example.org/simple/{hint}")
