"""The authorization server's tables. Times are seconds since 1970; secrets and tokens are kept as hashes.

Identifiers compare byte by byte on every database: MySQL's own collation would take `App` for `app`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, SQLModel


def exact(length: int) -> TypeEngine[str]:
    """Text that is compared as it stands."""
    binary = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return String(length).with_variant(binary, "mysql", "mariadb")


def columns(table: type[SQLModel]) -> Any:
    """A table's columns, for plain SQL."""
    return table.__table__.c  # type: ignore[attr-defined]


ID = exact(64)
NAME = exact(190)


class Key(SQLModel, table=True):
    """A signing key; `private` is encrypted, `expires` is 0 while it signs."""

    __tablename__ = "fhir_auth_key"
    kid: str = Field(primary_key=True, sa_type=ID)
    public: str = Field(sa_type=Text)
    private: str = Field(sa_type=Text)
    created: int = Field(sa_type=BigInteger)
    expires: int = Field(default=0, sa_type=BigInteger)


class Client(SQLModel, table=True):
    """A registered client. `…_uris` and `scopes` are lists with blanks between; `kind` says how it
    authenticates: public, symmetric or asymmetric.
    """

    __tablename__ = "fhir_auth_client"
    client_id: str = Field(primary_key=True, sa_type=NAME)
    name: str = Field(sa_type=String(190))
    kind: str = Field(sa_type=String(16))
    secret_hash: str = Field(default="", sa_type=String(190))
    redirect_uris: str = Field(default="", sa_type=Text)
    post_logout_redirect_uris: str | None = Field(default=None, sa_type=Text)
    launch_url: str = Field(default="", sa_type=Text)
    scopes: str = Field(default="", sa_type=Text)
    jwks: str = Field(default="", sa_type=Text)
    jwks_url: str = Field(default="", sa_type=Text)
    backend: bool = False
    introspects: bool = False
    created: int = Field(sa_type=BigInteger)
    revoked: int = Field(default=0, sa_type=BigInteger)


class BuiltInUser(SQLModel, table=True):
    """A built-in user; `locked_until` ends a lock-out, `locked` doesn't end by itself."""

    __tablename__ = "fhir_auth_user"
    subject: str = Field(primary_key=True, sa_type=ID)
    username: str = Field(unique=True, sa_type=NAME)
    name: str = Field(sa_type=String(190))
    password_hash: str = Field(sa_type=String(190))
    roles: str = Field(default="", sa_type=String(190))
    fhir_user: str = Field(default="", sa_type=String(190))
    locked: bool = False
    failures: int = 0
    locked_until: int = Field(default=0, sa_type=BigInteger)


class LoginSession(SQLModel, table=True):
    """A browser where somebody is signed in, `created` when they proved it; `person` and what the provider
    holds are encrypted, `sid` is the hash of the provider's own session.
    """

    __tablename__ = "fhir_auth_session"
    id: str = Field(primary_key=True, sa_type=ID)
    subject: str = Field(index=True, sa_type=NAME)
    sid: str = Field(default="", index=True, sa_type=ID)
    person: str = Field(sa_type=Text)
    created: int = Field(sa_type=BigInteger)
    expires: int = Field(index=True, sa_type=BigInteger)
    ended: int = Field(default=0, sa_type=BigInteger)


class Grant(SQLModel, table=True):
    """What a person has given to a client: the family of tokens that began with one code.

    `access` is offline, online or empty; `context` is the launch context as JSON; `person` is encrypted.
    """

    __tablename__ = "fhir_auth_grant"
    id: str = Field(primary_key=True, sa_type=ID)
    client_id: str = Field(index=True, sa_type=NAME)
    subject: str = Field(index=True, sa_type=NAME)
    session: str = Field(default="", index=True, sa_type=ID)
    person: str = Field(sa_type=Text)
    scopes: str = Field(sa_type=Text)
    context: str = Field(default="{}", sa_type=Text)
    nonce: str = Field(default="", sa_type=Text)
    access: str = Field(default="", sa_type=String(16))
    created: int = Field(sa_type=BigInteger)
    expires: int = Field(index=True, sa_type=BigInteger)
    revoked: int = Field(default=0, sa_type=BigInteger)


class Code(SQLModel, table=True):
    """An authorization code, by its hash; `used` when it was exchanged."""

    __tablename__ = "fhir_auth_code"
    id: str = Field(primary_key=True, sa_type=ID)
    grant_id: str = Field(sa_type=ID)
    client_id: str = Field(sa_type=NAME)
    redirect_uri: str = Field(sa_type=Text)
    challenge: str = Field(sa_type=String(128))
    expires: int = Field(index=True, sa_type=BigInteger)
    used: int = Field(default=0, sa_type=BigInteger)


class RefreshToken(SQLModel, table=True):
    """A refresh token, by its hash; `used` when it was exchanged for the next of its family."""

    __tablename__ = "fhir_auth_refresh"
    id: str = Field(primary_key=True, sa_type=ID)
    grant_id: str = Field(index=True, sa_type=ID)
    expires: int = Field(index=True, sa_type=BigInteger)
    used: int = Field(default=0, sa_type=BigInteger)


class Revocation(SQLModel, table=True):
    """What tokens are no longer good: a token's `jti`, a grant, or `client:` and a client."""

    __tablename__ = "fhir_auth_revocation"
    id: str = Field(primary_key=True, sa_type=exact(200))
    expires: int = Field(index=True, sa_type=BigInteger)


class Epoch(SQLModel, table=True):
    """One row; `value` grows with every revocation, so that one number tells whether there is a new one."""

    __tablename__ = "fhir_auth_epoch"
    id: int = Field(primary_key=True)
    value: int = Field(default=0, sa_type=BigInteger)


class Consent(SQLModel, table=True):
    """That a patient (the id of a Patient) lets somebody of outside (`Practitioner/…`) see their record from
    `begins` until `expires`; `by_whom` says who wrote it down.
    """

    __tablename__ = "fhir_auth_consent"
    id: str = Field(primary_key=True, sa_type=ID)
    patient: str = Field(sa_type=ID)
    grantee: str = Field(index=True, sa_type=NAME)
    by_whom: str = Field(default="", sa_type=String(190))
    created: int = Field(sa_type=BigInteger)
    begins: int = Field(sa_type=BigInteger)
    expires: int = Field(sa_type=BigInteger)
    withdrawn: int = Field(default=0, sa_type=BigInteger)


class Approval(SQLModel, table=True):
    """What a user has allowed a client that is answered at an address, so that the same isn't asked again."""

    __tablename__ = "fhir_auth_approval"
    id: str = Field(primary_key=True, sa_type=ID)
    subject: str = Field(index=True, sa_type=NAME)
    client_id: str = Field(sa_type=NAME)
    redirect_uri: str = Field(sa_type=Text)
    scopes: str = Field(sa_type=Text)
    created: int = Field(sa_type=BigInteger)
    expires: int = Field(index=True, sa_type=BigInteger)


class Used(SQLModel, table=True):
    """What may be used once only and was: a client assertion's `jti`, a launch; by its hash."""

    __tablename__ = "fhir_auth_used"
    id: str = Field(primary_key=True, sa_type=ID)
    expires: int = Field(index=True, sa_type=BigInteger)
