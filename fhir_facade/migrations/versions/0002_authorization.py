"""The authorization server's tables: clients, users, sessions, grants, codes, tokens, keys, revocations."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Makes the tables, and the one row of the epoch."""
    for name, columns in _tables().items():
        op.create_table(name, *columns)
    for table, column in INDEXES:
        op.create_index(f"ix_{table}_{column}", table, [column])
    op.execute("INSERT INTO fhir_auth_epoch (id, value) VALUES (1, 0)")


def downgrade() -> None:
    """Takes the tables away, and with them every client, user and token."""
    for name in reversed(_tables()):
        op.drop_table(name)


def _text(name: str, length: int, *, key: bool = False) -> "sa.Column[str]":
    """Text that compares byte by byte."""
    binary = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    kind = sa.String(length).with_variant(binary, "mysql", "mariadb")
    return sa.Column(name, kind, nullable=False, primary_key=key)


def _string(name: str, length: int) -> "sa.Column[str]":
    return sa.Column(name, sa.String(length), nullable=False)


def _long(*names: str) -> "list[sa.Column[str]]":
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _times(*names: str) -> "list[sa.Column[int]]":
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _flag(name: str) -> "sa.Column[bool]":
    return sa.Column(name, sa.Boolean(), nullable=False)


INDEXES = (
    ("fhir_auth_session", "subject"),
    ("fhir_auth_session", "expires"),
    ("fhir_auth_grant", "client_id"),
    ("fhir_auth_grant", "subject"),
    ("fhir_auth_grant", "session"),
    ("fhir_auth_grant", "expires"),
    ("fhir_auth_code", "expires"),
    ("fhir_auth_refresh", "grant_id"),
    ("fhir_auth_refresh", "expires"),
    ("fhir_auth_revocation", "expires"),
    ("fhir_auth_used", "expires"),
    ("fhir_auth_consent", "grantee"),
)


def _tables() -> "dict[str, list[sa.schema.SchemaItem]]":
    return {
        "fhir_auth_key": [
            _text("kid", 64, key=True),
            *_long("public", "private"),
            *_times("created", "expires"),
        ],
        "fhir_auth_client": [
            _text("client_id", 190, key=True),
            _string("name", 190),
            _string("kind", 16),
            _string("secret_hash", 190),
            *_long("redirect_uris", "launch_url", "scopes", "jwks", "jwks_url"),
            _flag("backend"),
            _flag("introspects"),
            *_times("created", "revoked"),
        ],
        "fhir_auth_user": [
            _text("subject", 64, key=True),
            _text("username", 190),
            _string("name", 190),
            _string("password_hash", 190),
            _string("roles", 190),
            _string("fhir_user", 190),
            _flag("locked"),
            sa.Column("failures", sa.Integer(), nullable=False),
            *_times("locked_until"),
            sa.UniqueConstraint("username"),
        ],
        "fhir_auth_session": [
            _text("id", 64, key=True),
            _text("subject", 190),
            *_long("person"),
            *_times("created", "expires", "ended"),
        ],
        "fhir_auth_grant": [
            _text("id", 64, key=True),
            _text("client_id", 190),
            _text("subject", 190),
            _text("session", 64),
            *_long("person", "scopes", "context", "nonce"),
            _string("access", 16),
            *_times("created", "expires", "revoked"),
        ],
        "fhir_auth_code": [
            _text("id", 64, key=True),
            _text("grant_id", 64),
            _text("client_id", 190),
            *_long("redirect_uri"),
            _string("challenge", 128),
            *_times("expires", "used"),
        ],
        "fhir_auth_refresh": [_text("id", 64, key=True), _text("grant_id", 64), *_times("expires", "used")],
        "fhir_auth_revocation": [_text("id", 200, key=True), *_times("expires")],
        "fhir_auth_epoch": [sa.Column("id", sa.Integer(), primary_key=True), *_times("value")],
        "fhir_auth_consent": [
            _text("id", 64, key=True),
            _text("patient", 64),
            _text("grantee", 190),
            _string("by_whom", 190),
            *_times("created", "begins", "expires", "withdrawn"),
        ],
        "fhir_auth_used": [_text("id", 64, key=True), *_times("expires")],
    }
