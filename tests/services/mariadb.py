"""A real MariaDB: the system's own release."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.database import OPTIONS, DatabaseServer, private_folder, started, unstarted
from tests.services.packages import PackageRoot, release, unpacked
from tests.services.process import run

# What mariadb-install-db feeds a new server with, in its order, less the help texts and the sys schema.
SYSTEM_TABLES = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")
BEFORE = b"CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\nSET @skip_auth_anonymous=1;\n"


@contextmanager
def mariadb_server(*options: str) -> Iterator[DatabaseServer]:
    """A MariaDB with both schemas, empty; `options` go to the server, for instance for a binary log."""
    root = unpacked("mariadb", release()["VERSION_CODENAME"], "mariadb-server-core")
    with private_folder("mariadb") as folder:
        command = _command(root, folder)
        bootstrap = [*command, "--bootstrap", "--skip-networking"]
        run(bootstrap, folder / "install.log", BEFORE + _system_tables(root))
        with started(unstarted("mariadb"), [*command, *options], folder) as server:
            yield server


def _command(root: PackageRoot, folder: Path) -> list[str]:
    return [
        *root.command("usr/sbin/mariadbd"),
        "--no-defaults",
        f"--user={getpass.getuser()}",
        f"--basedir={root.path / 'usr'}",
        f"--lc-messages-dir={root.path / 'usr/share/mysql'}",
        f"--character-sets-dir={root.path / 'usr/share/mysql/charsets'}",
        f"--plugin-dir={root.path / 'usr/lib/mysql/plugin'}",
        f"--datadir={folder / 'data'}",
        "--innodb-log-file-size=64M",
        *OPTIONS,
    ]


def _system_tables(root: PackageRoot) -> bytes:
    return b"".join((root.path / "usr/share/mysql" / name).read_bytes() for name in SYSTEM_TABLES)
