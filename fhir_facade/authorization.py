"""The authorization server over this site's settings and databases, for the application and for commands."""

from __future__ import annotations

import logging

from sqlalchemy import URL, Engine, create_engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from fhir_facade.audit.authorization import events_of_command
from fhir_facade.audit.wiring import trail_of
from fhir_facade.choices import encounter_choices, patient_choices
from fhir_facade.demo_users import add_demo_users
from fhir_facade.identity import provider_of
from fhir_facade.paging import own_key
from fhir_facade.seen_by_user import SeenByUser
from fhir_facade.service import Service
from fhir_facade.set_up import migrate_embedded
from fhir_facade.settings import SettingFault, Settings
from mappers.alerts import alert_administrators
from smart_auth.access.caller import User
from smart_auth.access.grants import Grants
from smart_auth.access.opening import Opener
from smart_auth.config import Config, Events, Grantable, unheard
from smart_auth.endpoints.emergency import Emergencies
from smart_auth.server import AuthorizationServer, Seals
from smart_auth.store.tables import Epoch, columns
from smart_auth.store.transaction import Store
from smart_auth.store.users import Users
from smart_auth.tokens.bearer import Bearer
from smart_auth.tokens.bell import Bell
from smart_auth.tokens.keys import Keyring

log = logging.getLogger("fhir_facade.authorization")
#: the deployment's secret, which all workers share
KEY_FILE = "auth.key"
MISSING = "ENABLE_SECURITY: the authorization tables are missing: run `fhir-facade migrate`"


def authorization_of(
    service: Service, opener: Opener, events: Events = unheard
) -> AuthorizationServer | None:
    """The authorization server, which tells `events`; None over a database that lacks its tables."""
    settings = service.settings
    store = store_of(settings)
    if store is None:
        return None
    config = config_of(settings)
    seen = SeenByUser.of(service, opener)
    return AuthorizationServer(
        config,
        store,
        Bearer(config, service.engine.database, bell=bell_of(settings)),
        provider_of(service, opener.policy),
        grantable(Grants(opener.parser, opener.policy)),
        patient_choices(seen),
        encounter_choices(seen),
        events,
    )


def check(settings: Settings) -> None:
    """Raises SettingFault where a server with access control could not work, and says what to do."""
    store = made_store(settings)
    if not Keyring(store, Seals.of(config_of(settings).secret).keys).opens():
        raise SettingFault(
            f"DATA_DIR: {settings.data_path / KEY_FILE} is not what the signing keys in the database "
            "were sealed with: bring that file back, or run `fhir-facade keys rotate --at-once`"
        )


def administration_of(settings: Settings, *, recording: bool = False) -> AuthorizationServer:
    """The authorization server for a command; raises SettingFault over a database that lacks its tables.

    `recording`: what it gives out is in the audit trail, as if it had been asked for.
    """
    from fhir_facade.app import opener_of, service_of

    service = service_of(settings)
    trail = trail_of(settings, service.site, service.engine.database) if recording else None
    found = authorization_of(service, opener_of(service), events_of_command(trail))
    if found is None:
        raise SettingFault(MISSING)
    return found


def config_of(settings: Settings) -> Config:
    """What the settings say to the authorization server."""
    return Config(
        base_url=settings.base_url,
        secret=own_key(settings.data_path, KEY_FILE),
        access_seconds=settings.jwt_access_token_lifetime_minutes * 60,
        refresh_seconds=settings.jwt_refresh_token_lifetime_days * 86400,
        approval_seconds=settings.remember_consent_days * 86400,
    )


def bell_of(settings: Settings) -> Bell:
    """What tells this host's processes that something was revoked."""
    return Bell(settings.data_path / "auth.bell")


def made_store(settings: Settings) -> Store:
    """The tables, made first if embedded; raises SettingFault where they are missing."""
    if settings.embedded:
        migrate_embedded(settings)
    store = store_of(settings)
    if store is None:
        raise SettingFault(MISSING)
    return store


def store_of(settings: Settings) -> Store | None:
    """The tables (with the demo's users in them if embedded); None where they are missing."""
    store = Store(_engine(settings), bell_of(settings))
    if not _complete(store.engine):
        return None
    if settings.embedded:
        add_demo_users(Users(store), settings.data_path)
    return store


def _engine(settings: Settings) -> Engine:
    if settings.embedded:
        return create_engine(
            f"sqlite:///{settings.data_path / 'cdss.db'}", poolclass=NullPool, hide_parameters=True
        )
    url = URL.create(
        "mysql+pymysql",
        settings.db_user,
        settings.db_password,
        settings.db_host,
        settings.db_port,
        settings.db_name,
        {"charset": "utf8mb4"},
    )
    return create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_size=2,
        max_overflow=10,
        pool_pre_ping=True,
        pool_recycle=1800,
        hide_parameters=True,
    )


def _complete(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            return connection.execute(select(columns(Epoch).value)).first() is not None
    except SQLAlchemyError:
        return False
    finally:
        engine.dispose()  # no connection is kept before the first sign-in


def grantable(grants: Grants) -> Grantable:
    """What a person may be given: what their roles have a use for, and nothing that is for services."""
    return lambda user, scopes: grants.to_user(user.roles, scopes)


def emergencies_of(service: Service, opener: Opener, authorization: AuthorizationServer) -> Emergencies:
    """Clinical roles may break the glass, and each time every administrator is alerted."""

    def may(user: User) -> bool:
        return any(rule.rows == "care" and rule.role in user.roles for rule in opener.policy.rules)

    def alarm(user: User, patient: str, reason: str) -> None:
        message = f"{user.name} ({user.username}): {reason}"
        engine = authorization.store.engine
        if not alert_administrators(engine, service.site, patient, "Emergency access to a record", message):
            log.warning("%s breaks the glass, and there is no active administrator to alert", user.username)

    return Emergencies(may, alarm)
