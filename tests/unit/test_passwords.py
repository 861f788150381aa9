"""No part of a password is in what is said of a bad configuration, wherever it stands in it."""

from pathlib import Path

import pytest

from pypimirror import config
from pypimirror.addresses import masked
from pypimirror.config import OPTIONS
from pypimirror.errors import ConfigError

REQUIRED = "[DEFAULT]\nmirror_file_path = /srv/mirror\npackage_matches = six\n"
PASSWORDS = [
    "hu/nter",
    "hu@nter",
    "hu nter",
    "hu:nter",
    "hu/n@ter",
    "12/nter",
    "hu?nter",
    "hu#nter",
    "hu;nter%nter",
]
PARTS = ("hu", "nter", "ter", "hunter")


def said(text: str, **overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        config.parse(text.encode(), source="x.cfg", folder=Path("/srv"), overrides=overrides)
    return str(caught.value)


def words(text: str) -> set[str]:
    for separator in "/@:.=?'\";#%\\n,()[]":
        text = text.replace(separator, " ")
    return set(text.split())


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize(
    "line",
    [
        "index_url = ftp://me:PW@index.example.org/",
        "index_url = me:PW@index.example.org/simple/",
        "index_url = https://me:PW@index.example.org:port/",
        "index_url = https://me:PW@index.example.org/?q=nter",
        "index_url = https://index.example.org/?token=PW",
        "base_url = https://me:PW@index.example.org:0/",
        "workers = https://me:PW@index.example.org/",
        "timeout = me:PW@index.example.org",
        "index_hosts = https://me:PW@index.example.org/",
        "index_hosts = me:PW@index.example.org",
        "accepted_changes = https://me:PW@index.example.org/",
        "filename_matches = https://me:PW@index.example.org/",
        "package_matches = https://me:PW@index.example.org/",
        "client_certificate = a b c https://me:PW@index.example.org/",
        "cleanup = https://me:%(secret)s@index.example.org/\nsecret = PW",
        "cleanup = https://me:x%(nter)s@index.example.org/",
        "index_urls = https://me:PW@index.example.org/",
        "https://me:PW@index.example.org/",
        "index_url https://me:PW@index.example.org/",
        "me PW@index.example.org = 1",
        "[https://me:PW@index.example.org/]",
        "index_url https://me:PW@index.example.org/\nindex_url https://me:PW@index.example.org/",
    ],
)
def test_no_message_has_a_part_of_a_password(line: str, password: str) -> None:
    lines = f"{REQUIRED}{line}\nretries = x\n".replace("PW", password)
    assert not words(said(lines)) & set(PARTS)


@pytest.mark.parametrize(
    "password", ["hu/nter", "hu/n@ter", "12/nter", "hu nter", "hu?nter", "hu#nter", "@/nter"]
)
def test_what_has_to_be_percent_encoded_is_said(password: str) -> None:
    message = said(f"{REQUIRED}index_url = https://me:{password}@index.example.org/simple/\n")
    assert "[DEFAULT] index_url = https://..." in message
    assert "percent-encoded: %40 is @, %2F is /" in message


def test_what_is_given_on_the_command_line() -> None:
    assert not words(said(REQUIRED, verbose="https://me:hu/nter@index.example.org/")) & set(PARTS)


@pytest.mark.parametrize("option", OPTIONS)
def test_in_any_option_that_reads_no_such_thing(option: str) -> None:
    text = f"[DEFAULT]\n{option} = hu@nter https://me:hu/nter@index.example.org/\n"
    try:
        config.parse(text.encode(), source="x.cfg", folder=Path("/srv"), overrides={})
    except ConfigError as error:
        assert not words(str(error)) & set(PARTS)  # noqa: PT017 (a path takes anything)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://index.example.org:8080/simple/", "https://index.example.org:8080/simple/"),
        ("https://index.example.org:8080", "https://index.example.org:8080"),
        ("https://[2001:db8::1]:80/", "https://[2001:..."),
        ("https://me:secret/simple/", "https://me:..."),
        ("https://a.example.org/?a=b c", "https://a.example.org/?..."),
        ("foo?bar #x *.whl", "foo?bar #x *.whl"),
        ("10 %", "10 %"),
    ],
)
def test_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_the_path_of_an_index_may_have_an_at_sign() -> None:
    url = "https://index.example.org/feed@Release/pypi/simple/"
    text = f"{REQUIRED}index_url = {url}\n"
    parsed = config.parse(text.encode(), source="x.cfg", folder=Path("/srv"), overrides={})
    assert parsed.index_url == url
