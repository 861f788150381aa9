import pytest

from pypimirror.pages.styled.head import installing
from pypimirror.pages.styled.kinds import kind


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ("py3-none-any", "any system, Python 3"),
        ("py2.py3-none-any", "any system, Python 2 and 3"),
        ("py38-none-any", "any system, Python 3.8 and newer"),
        ("cp38.cp39.cp310-none-any", "any system, Python 3.8, 3.9 and 3.10"),
        ("1-cp312-cp312-win_amd64", "Windows x86-64, Python 3.12"),
        ("cp312-abi3-win_arm64", "Windows ARM64, Python 3.12 and newer"),
        ("cp313-cp313t-win32", "Windows x86, Python 3.13 free-threaded"),
        ("pp310-pypy310_pp73-win_amd64", "Windows x86-64, PyPy 3.10"),
        (
            "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64",
            "Linux x86-64 (glibc 2.17), Python 3.12",
        ),
        ("cp312-cp312-manylinux2014_aarch64.manylinux_2_28_aarch64", "Linux ARM64 (glibc 2.17), Python 3.12"),
        ("cp27-cp27mu-manylinux1_i686", "Linux x86 (glibc 2.5), Python 2.7"),
        ("cp312-cp312-musllinux_1_2_s390x", "Linux IBM Z (musl 1.2), Python 3.12"),
        ("cp312-cp312-linux_armv7l", "Linux ARMv7, Python 3.12"),
        ("cp312-cp312-macosx_11_0_arm64", "macOS ARM64 (11.0), Python 3.12"),
        ("cp312-cp312-macosx_10_9_universal2", "macOS ARM64 and x86-64 (10.9), Python 3.12"),
        (
            "cp312-cp312-macosx_10_9_x86_64.macosx_11_0_arm64",
            "macOS x86-64 (10.9) and macOS ARM64 (11.0), Python 3.12",
        ),
        ("cp313-cp313-ios_13_0_arm64_iphoneos", "iOS ARM64 (13.0), Python 3.13"),
        ("cp313-cp313-ios_13_0_x86_64_iphonesimulator", "iOS x86-64 simulator (13.0), Python 3.13"),
        ("cp313-cp313-android_21_arm64_v8a", "Android ARM64 (21), Python 3.13"),
        ("cp312-cp312-pyodide_2024_0_wasm32", "Pyodide wasm32 (2024.0), Python 3.12"),
        ("what-ever-amiga_68k", "amiga_68k, what"),
    ],
)
def test_wheels(tags: str, words: str) -> None:
    assert kind(f"demo-1.0-{tags}.whl") == f"wheel for {words}"


@pytest.mark.parametrize(
    ("filename", "words"),
    [
        ("demo-1.0.tar.gz", "source"),
        ("demo-1.0.zip", "source"),
        ("Demo-1.0.TAR.BZ2", "source"),
        ("demo-win-1.0.tar.gz", "source"),
        ("demo-1.0.linux-x86_64.tar.gz", "built for Linux x86-64"),
        ("demo-1.0.macosx-10.9-x86_64.tar.gz", "built for macOS x86-64 (10.9)"),
        ("demo-1.0.win32.zip", "built for Windows x86"),
        ("demo-1.0-py2.7.egg", "egg, Python 2.7"),
        ("demo-1.0-py3.6-macosx-10.9-x86_64.egg", "egg for macOS x86-64 (10.9), Python 3.6"),
        ("demo.egg", "egg"),
        ("demo-1.0.win32-py2.7.exe", "Windows installer"),
        ("demo-1.0.msi", "Windows installer"),
        ("demo-1.0.dmg", "macOS disk image"),
        ("demo.whl", "wheel"),
        ("demo-1.0.deb", ""),
    ],
)
def test_other_files(filename: str, words: str) -> None:
    assert kind(filename) == words


@pytest.mark.parametrize(
    ("base_url", "trusted"),
    [
        ("https://pypi.example.org/", ""),
        ("https://www.example.org/pypi", ""),
        ("http://localhost:8080/", ""),
        ("http://127.0.0.1/simple/", ""),
        ("http://pypi.example.org:8080/", " --trusted-host pypi.example.org"),
        ("http://[2001:db8::1]/", " --trusted-host [2001:db8::1]"),
    ],
)
def test_installing(base_url: str, trusted: str) -> None:
    url = base_url.rstrip("/") + "/"
    assert installing(base_url, "demo") == (
        f"pip install --index-url {url}{trusted} demo",
        f"uv pip install --default-index {url} demo",
    )
