"""What the two kinds of database server have in common: schemas, users, addresses."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.pool import NullPool

from tests.services.process import free_port, listens, running

CDSS = "cdss_db"
OPENEMR = "openemr"

# The same for both kinds. The zone is the site's, as in production: a session that doesn't state its own
# reads TIMESTAMP columns wrongly, and a test sees it. Nothing here has to outlive a power cut.
OPTIONS = (
    "--bind-address=127.0.0.1",
    "--default-time-zone=+09:00",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--innodb-buffer-pool-size=256M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=OFF",
    "--innodb-use-native-aio=OFF",
    "--performance-schema=OFF",
)


@dataclass(frozen=True)
class Login:
    """A database user."""

    name: str
    password: str


@dataclass(frozen=True)
class DatabaseServer:
    """A running server with both schemas, and the two users that the tests have there."""

    kind: Literal["mariadb", "mysql"]
    port: int
    owner: Login
    """May do everything: makes tables, users, schemas."""
    facade: Login
    """As in production: everything on the CDSS, only SELECT on OpenEMR."""
    host: str = "127.0.0.1"

    def url(self, user: Login | None = None, schema: str = CDSS, driver: str = "pymysql") -> URL:
        """An address for SQLAlchemy; as the facade's user unless told otherwise."""
        login = user or self.facade
        return URL.create(
            f"mysql+{driver}",
            login.name,
            login.password,
            self.host,
            self.port,
            schema,
            {"charset": "utf8mb4"},
        )

    def engine(self, user: Login | None = None, schema: str = CDSS) -> Engine:
        """An engine that keeps no connection open; as the facade's user unless told otherwise."""
        return create_engine(self.url(user, schema), poolclass=NullPool)

    def environment(self) -> dict[str, str]:
        """The settings that point a facade to this server, and open it to all."""
        return {
            "DB_HOST": self.host,
            "DB_PORT": str(self.port),
            "DB_NAME": CDSS,
            "DB_USER": self.facade.name,
            "DB_PASSWORD": self.facade.password,
            "OPENEMR_DB_NAME": OPENEMR,
            "ENABLE_SECURITY": "false",
        }


def unstarted(kind: Literal["mariadb", "mysql"]) -> DatabaseServer:
    """A server to be: its port and its users' new passwords."""
    owner, facade = (Login(name, secrets.token_urlsafe(12)) for name in ("owner", "facade"))
    return DatabaseServer(kind, free_port(), owner, facade)


@contextmanager
def private_folder(kind: str) -> Iterator[Path]:
    """A folder for one server's files, with `data` in it, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"fhir-facade-{kind}-"))
    (folder / "data").mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def started(server: DatabaseServer, command: list[str], folder: Path) -> Iterator[DatabaseServer]:
    """The server while it runs; it listens only once schemas and users are there."""
    first = folder / "first.sql"
    first.write_text("\n".join(_first_statements(server)))
    options = [
        f"--port={server.port}",
        f"--socket={folder / 'socket'}",
        f"--pid-file={folder / 'pid'}",
        f"--tmpdir={folder}",
        f"--init-file={first}",
    ]
    with running([*command, *options], folder / "server.log", lambda: listens(server.port)):
        yield server


def _first_statements(server: DatabaseServer) -> list[str]:
    """Schemas and users; OpenEMR's schema has the server's own collation, another on each kind."""
    owner, facade = server.owner, server.facade
    return [
        f"CREATE DATABASE {CDSS} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;",
        f"CREATE DATABASE {OPENEMR} CHARACTER SET utf8mb4;",
        *(f"CREATE USER '{user.name}'@'%' IDENTIFIED BY '{user.password}';" for user in (owner, facade)),
        f"GRANT ALL ON *.* TO '{owner.name}'@'%' WITH GRANT OPTION;",
        f"GRANT ALL ON {CDSS}.* TO '{facade.name}'@'%';",
        f"GRANT SELECT ON {OPENEMR}.* TO '{facade.name}'@'%';",
    ]
