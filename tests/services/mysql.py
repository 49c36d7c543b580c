"""A real MySQL, which Debian's stable release doesn't carry: from sid, or Ubuntu's own."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.database import OPTIONS, DatabaseServer, private_folder, started, unstarted
from tests.services.packages import PackageRoot, PackagesUnavailable, release, unpacked
from tests.services.process import run


@contextmanager
def mysql_server(*options: str) -> Iterator[DatabaseServer]:
    """A MySQL with both schemas, empty; `options` go to the server, and come after `--skip-log-bin`."""
    root = _root()
    with private_folder("mysql") as folder:
        command = _command(root, folder)
        run([*command, "--initialize-insecure"], folder / "install.log")
        with started(unstarted("mysql"), [*command, "--mysqlx=OFF", *options], folder) as server:
            yield server


def _root() -> PackageRoot:
    system = release()
    if system["ID"] == "debian":
        return unpacked("mysql", "sid", "mysql-server-core")
    if system["ID"] == "ubuntu":
        return unpacked("mysql", system["VERSION_CODENAME"], "mysql-server-core-8.0")
    raise PackagesUnavailable(f"no MySQL for {system['ID']}: the tests know Debian and Ubuntu")


def _command(root: PackageRoot, folder: Path) -> list[str]:
    return [
        *root.command("usr/sbin/mysqld"),
        "--no-defaults",
        f"--user={getpass.getuser()}",
        f"--basedir={root.path / 'usr'}",
        f"--lc-messages-dir={root.path / 'usr/share/mysql'}",
        f"--character-sets-dir={root.path / 'usr/share/mysql/charsets'}",
        f"--plugin-dir={root.path / 'usr/lib/mysql/plugin'}",
        f"--datadir={folder / 'data'}",
        "--secure-file-priv=NULL",
        "--innodb-redo-log-capacity=64M",
        "--skip-log-bin",
        *OPTIONS,
    ]
