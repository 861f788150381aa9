"""`--server-config`, from the outside; what it makes of the servers is in tests/clients."""

from pathlib import Path

import pytest

from tests.mirror import Mirror

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    mirror = Mirror(tmp_path, "https://index.example.org/simple/")
    mirror.root = Path("/srv/pypi")
    return mirror


def printed(mirror: Mirror, server: str, **options: object) -> str:
    mirror.configure(package_matches="six", **options)
    ended = mirror.run("--server-config", server)
    assert (ended.status, ended.stderr) == (0, "")
    return ended.stdout


@pytest.mark.parametrize(
    ("server", "shipped"),
    [
        ("nginx", "nginx.conf"),
        ("nginx-location", "nginx-location.conf"),
        ("apache", "apache.conf"),
        ("htaccess", ".htaccess"),
    ],
)
def test_what_docs_ship_is_what_is_printed(mirror: Mirror, server: str, shipped: str) -> None:
    assert printed(mirror, server, base_url="http://pypi.example.org/") == (DOCS / shipped).read_text("utf-8")


def test_host_port_and_path_are_those_of_base_url(mirror: Mirror) -> None:
    nginx = printed(mirror, "nginx", base_url="http://mirror.example.org:8080/python/simple/")
    assert "listen       8080;\n    listen       [::]:8080;\n" in nginx
    assert "server_name  mirror.example.org;" in nginx
    assert 'if ($request_uri !~ "^/python/simple/") { return 404; }' in nginx
    assert "proxy_pass               http://127.0.0.1:8080;" in nginx
    apache = printed(mirror, "apache", base_url="http://mirror.example.org:8080/python/simple/")
    assert "Listen 8080\n<VirtualHost *:8080>" in apache
    assert "ServerName    http://mirror.example.org:8080\n" in apache
    assert 'Alias         "/python/simple/" "/srv/pypi/"' in apache


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("127.0.0.1", ["127.0.0.1:8080"]),
        ("localhost", ["127.0.0.1:8080", "[::1]:8080"]),
        ("[::1]", ["127.0.0.1:8080", "[::1]:8080"]),
    ],
)
def test_on_this_machine_alone_both_kinds_of_addresses_are_listened_to(
    mirror: Mirror, host: str, addresses: list[str]
) -> None:
    nginx = printed(mirror, "nginx", base_url=f"http://{host}:8080/")
    for server in nginx.split("server {")[1:]:
        assert [line.split()[1] for line in server.splitlines() if " listen " in line] == [
            f"{address};" for address in addresses
        ]
    apache = printed(mirror, "apache", base_url=f"http://{host}:8080/")
    listens = "".join(f"Listen {address}\n" for address in addresses)
    assert f"{listens}<VirtualHost {' '.join(addresses)}>" in apache


def test_tls_is_left_to_those_who_have_the_key(mirror: Mirror) -> None:
    nginx = printed(mirror, "nginx", base_url="https://mirror.example.org/")
    assert "listen       80;" in nginx
    assert "# ssl_certificate      /etc/ssl/mirror.example.org.pem;" in nginx
    assert "ServerName    https://mirror.example.org:443" in printed(
        mirror, "apache", base_url="https://mirror.example.org/"
    )


def test_without_base_url_there_is_an_example(mirror: Mirror) -> None:
    text = printed(mirror, "nginx")
    assert "server_name  pypi.example.org;" in text
    assert '# base_url is not set: "pypi.example.org" stands for the name of this server.' in text


@pytest.mark.parametrize("server", ["nginx", "nginx-location", "apache", "htaccess"])
def test_files_that_may_change_are_not_immutable(mirror: Mirror, server: str) -> None:
    assert "immutable" in printed(mirror, server)
    assert "immutable" not in printed(mirror, server, replace_changed_files=True)


def test_credentials_of_the_index_stay_secret(mirror: Mirror) -> None:
    mirror.index_url = "https://user:secret@index.example.org/simple/"
    text = printed(mirror, "nginx")
    assert "secret" not in text
    assert "# return 302 https://index.example.org/simple/$pypi_name/;" in text


def test_nothing_is_touched(mirror: Mirror, tmp_path: Path) -> None:
    mirror.root = tmp_path / "not yet there"
    printed(mirror, "nginx")
    assert not mirror.root.exists()


@pytest.mark.parametrize("path", ['/srv/a"b', "/srv/a$b", "/srv/a\\b", "/srv/[a]", "/srv/{a}"])
def test_a_path_that_no_server_can_be_told_is_refused(mirror: Mirror, path: str) -> None:
    mirror.root = Path(path)
    mirror.configure(package_matches="six")
    ended = mirror.run("--server-config", "nginx")
    assert (ended.status, ended.stdout) == (2, "")
    assert "make a link to it under a simpler name" in ended.stderr


def test_wrong_use(mirror: Mirror) -> None:
    assert mirror.run("--server-config", "lighttpd").status == 2
    assert "are two modes" in mirror.run("--server-config", "nginx", "-U").stderr
    ended = mirror.run("--server-config", "nginx", "--dry-run")
    assert (ended.status, ended.stdout) == (2, "")
    assert "--dry-run is for the modes that fetch and write" in ended.stderr
