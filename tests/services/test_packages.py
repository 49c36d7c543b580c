"""The system's sources of packages are understood in both of apt's formats."""

from pathlib import Path

from tests.services.packages import read_sources

DEB822 = """\
# the archive
Types: deb deb-src
URIs: https://archive.example/debian
Suites: stable stable-updates
Components: main
Signed-By:
 first line of a key
 .
 last line

Types: deb
URIs: https://archive.example/security
Suites: stable-security
Components: main
"""


def test_a_deb822_file_is_read_stanza_by_stanza(tmp_path: Path) -> None:
    (tmp_path / "debian.sources").write_text(DEB822)
    archive, security = read_sources(tmp_path / "debian.sources")
    assert archive["Suites"] == "stable stable-updates"
    assert archive["Signed-By"].splitlines()[1:] == [" first line of a key", " .", " last line"]
    assert security["URIs"] == "https://archive.example/security"


def test_a_one_line_entry_is_read_with_its_options(tmp_path: Path) -> None:
    line = "deb [arch=amd64 signed-by=/k.gpg] https://archive.example/ubuntu stable main universe\n"
    (tmp_path / "sources.list").write_text("# deb https://archive.example off main\n" + line)
    assert read_sources(tmp_path / "sources.list") == [
        {
            "Types": "deb",
            "URIs": "https://archive.example/ubuntu",
            "Suites": "stable",
            "Components": "main universe",
            "Signed-By": "/k.gpg",
        }
    ]


def test_a_file_that_is_switched_off_has_no_entries(tmp_path: Path) -> None:
    (tmp_path / "debian.sources.disabled").write_text(DEB822)
    assert read_sources(tmp_path / "debian.sources.disabled") == []
