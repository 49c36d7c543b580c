"""Settings, from the environment under the names that the hospital's `.env` already has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any


class SettingFault(ValueError):
    """A setting that can't be used; the text names it and says what would do."""


def setting(default: Any, doc: str, *, secret: bool = False) -> Any:
    """A setting with its default and its description (docs/operations/settings.md is made of it)."""
    return field(default=default, metadata={"doc": doc, "secret": secret}, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """Every setting; a field's name in capitals is its environment variable."""

    host: str = setting("127.0.0.1", "address that the server listens on")
    port: int = setting(8000, "port that the server listens on")
    public_base_url: str = setting("", "how clients reach the server, without path; default http://HOST:PORT")
    data_dir: str = setting("./var", "folder of the embedded databases and of the server's own key")
    db_host: str = setting("", "host of the MySQL/MariaDB server; unset: the embedded demo databases")
    db_port: int = setting(3306, "its port")
    db_name: str = setting("cdss_db", "schema of the CDSS")
    db_user: str = setting("facade", "database user of the server: all rights on the CDSS, SELECT on OpenEMR")
    db_password: str = setting("", "its password", secret=True)
    db_root_password: str = setting("", "password of root, for `init-cdss` only", secret=True)
    db_pool_size: int = setting(12, "database connections a worker")
    db_statement_seconds: float = setting(30.0, "time limit of one SQL statement, in seconds")
    openemr_db_name: str = setting("openemr", "schema of OpenEMR, on the same server")
    site_timezone: str = setting("Asia/Seoul", "zone of the databases' zone-less times (IANA name)")
    serve_resident_number: bool = setting(False, "whether the resident registration number is served")
    cors_allowed_origins: str = setting(
        "", "origins (comma list, or *) that browsers may call from; loopback origins may always"
    )
    page_size: int = setting(50, "matches a page where a search states no _count")
    page_size_limit: int = setting(1000, "the largest page; a larger _count is cut to it")
    include_limit: int = setting(
        1000,
        "resources that _include and _revinclude may add to a page, or one step of $story to ten stories",
    )
    query_length_limit: int = setting(65536, "bytes of a query string or of a search's body")
    body_limit_bytes: int = setting(10 * 1024 * 1024, "bytes of a resource or Bundle that is sent")
    bundle_entry_limit: int = setting(1000, "entries that a batch or transaction may have")
    gzip: bool = setting(
        True, "whether answers are compressed for clients that take it and no proxy stands before"
    )
    jwt_access_token_lifetime_minutes: int = setting(60, "how long an access token of a user is good")
    jwt_refresh_token_lifetime_days: int = setting(7, "how long a refresh token is good if it isn't used")
    remember_consent_days: int = setting(
        30, "how long an app that a user has allowed isn't asked for again; 0 asks each time"
    )
    enable_security: bool = setting(
        True, "access control and audit; False is refused unless HOST is a loopback address"
    )
    rate_limit_anonymous: int = setting(100, "units a minute of an address without a token")
    rate_limit_caller: int = setting(
        12000,
        "units a minute of a sign-in or of a service, with all its tokens; a read is 1, a search 2 and more "
        "with includes, chains and totals, each write of a transaction 1; ten requests for images are 1",
    )
    rate_limit_sign_in: int = setting(
        600,
        "forms and token requests a minute that one address may send to /api/auth; pages: twice as many",
    )
    access_model: str = setting(
        "all", "whom clinical roles see: `all` patients, or `care-team`, those they have to do with"
    )
    access_policy: str = setting(
        "", "a policy table (CSV) of the hospital's own, instead of the packaged one"
    )
    keycloak_url: str = setting(
        "", "Keycloak's address from here (http://keycloak:8080); unset: the built-in users"
    )
    keycloak_realm: str = setting("hospital", "its realm, one of the facade's own (never master)")
    keycloak_client_id: str = setting("fhir-facade", "the facade's client in it")
    keycloak_client_secret: str = setting("", "that client's secret", secret=True)
    keycloak_backchannel_url: str = setting(
        "", "how Keycloak reaches this server to tell of logouts, without path; default PUBLIC_BASE_URL"
    )
    keycloak_admin_user: str = setting("", "who may change realms, for `keycloak provision` only")
    keycloak_admin_password: str = setting("", "their password", secret=True)
    audit: str = setting(
        "auto", "whether accesses are recorded: `on`, `off`, or `auto`, wherever there is access control"
    )
    audit_required: bool = setting(
        True, "whether nothing is answered while the audit trail can't be written (else that is logged)"
    )
    audit_key: str = setting(
        "", "key of the audit trail's seals, 32 characters or more; default: DATA_DIR/audit.key", secret=True
    )
    export_hours: int = setting(24, "how long the files of a bulk export are kept, in hours")
    export_limit: int = setting(4, "bulk exports of one client that may be under way at once")
    encryption_at_rest: bool = setting(
        True, "whether what the facade itself stores (residue, history, export files) is encrypted"
    )
    encryption_keys_file: str = setting(
        "", "file with the keys of encryption at rest; default: DATA_DIR/encryption.keys"
    )
    sealed_columns: str = setting(
        "", "columns of the CDSS that hold sealed values, as table.column,… (`fhir-facade seal`)"
    )
    orthanc_api_url: str = setting(
        "", "Orthanc's address from here (http://orthanc:8042); unset: the embedded imaging archive"
    )
    orthanc_username: str = setting("", "whom Orthanc knows the facade as; unset: it asks nobody")
    orthanc_password: str = setting("", "its password", secret=True)
    viewer_root: str = setting("", "folder of the image viewer's files (`make viewer`); unset: DATA_DIR/ohif")
    archive_comparison_minutes: float = setting(
        15.0, "minutes between two comparisons of the imaging archive with its index; 0: only at the start"
    )
    stow_limit_bytes: int = setting(2 * 1024**3, "bytes of images that one request may store")
    stow_replaces: bool = setting(
        False, "an instance that differs from the stored one of its UID takes its place; else it is refused"
    )
    hapi_fhir_url: str = setting("", "HAPI FHIR's address (used by the sync)")
    redis_url: str = setting(
        "", "Redis, which counts requests for all workers; unset: each worker counts its own"
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The settings of this process; raises SettingFault for one that can't be read."""
        known = {f.name: environment[f.name.upper()] for f in fields(cls) if environment.get(f.name.upper())}
        return cls(**{name: _typed(cls, name, text) for name, text in known.items()})

    @property
    def embedded(self) -> bool:
        """Whether the embedded databases are used."""
        return not self.db_host

    @property
    def audited(self) -> bool:
        """Whether accesses are recorded; raises SettingFault for an AUDIT that isn't known."""
        if self.audit not in ("on", "off", "auto"):
            raise SettingFault("AUDIT is on, off or auto")
        return self.audit == "on" or (self.audit == "auto" and self.enable_security)

    @property
    def base_url(self) -> str:
        """The public origin, without a path or slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_base_url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def fhir_base(self) -> str:
        """The FHIR base: https://hl7.org/fhir/R4/http.html#general"""
        return f"{self.base_url}/api/fhir"

    @property
    def viewer_folder(self) -> Path:
        """Where the image viewer's files are."""
        return Path(self.viewer_root) if self.viewer_root else self.data_path / "ohif"

    @property
    def data_path(self) -> Path:
        """The data folder."""
        return Path(self.data_dir)


def _typed(cls: type[Settings], name: str, text: str) -> Any:
    kind = type(getattr(cls, name))
    try:
        return _boolean(text) if kind is bool else kind(text)
    except ValueError:
        raise SettingFault(
            f"{name.upper()} must be a{'n integer' if kind is int else ' ' + kind.__name__}"
        ) from None


def _boolean(text: str) -> bool:
    if text.strip().lower() not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
        raise ValueError(text)
    return text.strip().lower() in ("true", "1", "yes", "on")
