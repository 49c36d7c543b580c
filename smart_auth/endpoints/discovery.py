"""What the authorization server says of itself, and nothing that it doesn't do.

https://hl7.org/fhir/smart-app-launch/conformance.html#using-well-known
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smart_auth.clients.assertion import ALGORITHMS
from smart_auth.config import Config
from smart_auth.tokens.keys import ALGORITHM

CAPABILITIES = (
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "context-standalone-encounter",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
)
LEVELS = ("patient", "user", "system")
LAUNCH = ("launch", "launch/patient", "launch/encounter")
CONTEXT = ("openid", "fhirUser", "profile", *LAUNCH, "offline_access", "online_access")
METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]


def smart_configuration(config: Config, resource_types: Iterable[str]) -> dict[str, Any]:
    """`[base]/.well-known/smart-configuration`; `resource_types` are those that are served."""
    return _common(config) | {
        "capabilities": list(CAPABILITIES),
        "scopes_supported": scopes_supported(resource_types),
    }


def openid_configuration(config: Config) -> dict[str, Any]:
    """https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata"""
    claims = [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "auth_time",
        "nonce",
        "fhirUser",
        "name",
        "preferred_username",
        "roles",
    ]
    return _common(config) | {
        "scopes_supported": list(CONTEXT),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": claims,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def scopes_supported(resource_types: Iterable[str]) -> list[str]:
    """Every context scope, and every level with every type; finer ones are understood as well."""
    types = ("*", *resource_types)
    return [*CONTEXT, *(f"{level}/{kind}.rs" for level in LEVELS for kind in types)]


def _common(config: Config) -> dict[str, Any]:
    issuer = config.issuer
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks",
        "end_session_endpoint": f"{issuer}/end-session",
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": config.token_url,
        "introspection_endpoint": f"{issuer}/introspect",
        "revocation_endpoint": f"{issuer}/revoke",
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["ko", "en"],
        "token_endpoint_auth_methods_supported": [*METHODS, "none"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": METHODS,
        "introspection_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": [*METHODS, "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
    }
