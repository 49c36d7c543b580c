"""Registered clients."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from smart_auth.store.revocations import live_grants, revoke, revoke_grants
from smart_auth.store.tables import Client
from smart_auth.store.transaction import Store, now

KINDS = ("public", "symmetric", "asymmetric")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Clients:
    """The clients that may ask for tokens."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, client_id: str) -> Client | None:
        """The client with exactly that id, unless it was revoked."""
        if not client_id.isascii():
            return None  # not even text to a database, if it holds half a character
        with self._store.transaction() as session:
            found = session.get(Client, client_id)
        # a database may take another spelling for the same, blanks at the end for instance
        return found if found and found.client_id == client_id and not found.revoked else None

    def all(self) -> list[Client]:
        """Every client, revoked ones too."""
        with self._store.transaction() as session:
            return list(session.exec(select(Client).order_by(col(Client.client_id))))

    def put(self, client: Client) -> None:
        """Keeps a client; raises ValueError for one that can't be used safely."""
        check(client)
        with self._store.transaction() as session:
            if session.get(Client, client.client_id):
                raise ValueError(f"{client.client_id} is registered already (or was, and is revoked)")
            session.add(client)

    def keep(self, client: Client) -> None:
        """Keeps a client of the server's own as it is stated now; one that was revoked stays revoked.

        Raises ValueError for one that can't be used safely.
        """
        check(client)
        try:
            with self._store.transaction() as session:
                found = session.get(Client, client.client_id) or client
                for name in ("name", "kind", "redirect_uris", "scopes"):
                    setattr(found, name, getattr(client, name))
                session.add(found)
        except IntegrityError:  # another worker that starts now has just kept it
            return

    def change(self, client_id: str, **changes: str) -> Client:
        """The client with some of it changed; raises ValueError for one that isn't there, or that then
        couldn't be used safely.
        """
        with self._store.transaction() as session:
            client = _there(session.get(Client, client_id), client_id)
            for name, value in changes.items():
                setattr(client, name, value)
            check(client)
            session.add(client)
            return client

    def revoke(self, client_id: str, token_seconds: int) -> None:
        """Ends a client and all its tokens, on every worker at once."""
        with self._store.transaction() as session:
            client = _there(session.get(Client, client_id), client_id)
            revoke(session, [f"client:{client_id}"], now() + token_seconds)
            revoke_grants(session, live_grants(session, "client_id", client_id), now() + token_seconds)
            client.revoked = now()
            session.add(client)


def _there(found: Client | None, client_id: str) -> Client:
    if found is None or found.client_id != client_id or found.revoked:
        raise ValueError(f"there is no client {client_id}")
    return found


def redirect_uris(client: Client) -> list[str]:
    """The addresses that a browser may be sent back to, character by character."""
    return client.redirect_uris.split()


def post_logout_redirect_uris(client: Client) -> list[str]:
    """The same once its user is signed out; its redirect URIs, if it has registered none for that.

    https://openid.net/specs/openid-connect-rpinitiated-1_0.html#ClientMetadata
    """
    return (client.post_logout_redirect_uris or client.redirect_uris).split()


def origins(client: Client) -> set[str]:
    """The web origins of a client's own pages, which may call the token endpoint."""
    parts = [urlsplit(uri) for uri in redirect_uris(client)]
    return {f"{p.scheme}://{p.netloc}" for p in parts if p.scheme in ("http", "https")}


def check(client: Client) -> None:
    """Raises ValueError, saying why, for a client that can't be used safely."""
    if not client.client_id.isascii() or not client.client_id.isprintable() or " " in client.client_id:
        raise ValueError("a client's id is printable ASCII without blanks")
    if client.kind not in KINDS:
        raise ValueError(f"a client is {', '.join(KINDS)}")
    if client.backend and client.kind != "asymmetric":
        raise ValueError("a backend service authenticates with a key: it is asymmetric")
    if client.kind == "asymmetric" and not (client.jwks or client.jwks_url):
        raise ValueError("an asymmetric client has a JWKS, or an address of one")
    if not client.backend and not client.redirect_uris:
        raise ValueError("a client that users sign in to has at least one redirect URI")
    for uri in (*redirect_uris(client), *post_logout_redirect_uris(client)):
        _check_redirect(uri)
    if client.jwks_url:
        _check_https(client.jwks_url, "a JWKS's address")


def _check_redirect(uri: str) -> None:
    parts = urlsplit(uri)
    if not parts.scheme or "#" in uri or not uri.isascii() or "*" in uri:
        raise ValueError(f"{uri}: a redirect URI is absolute, without fragment or wildcard")
    if parts.scheme in ("http", "https"):
        _check_https(uri, "a redirect URI")
    elif "." not in parts.scheme:
        raise ValueError(f"{uri}: an app's own scheme has a dot in it (com.example.app), or is https")


def _check_https(uri: str, what: str) -> None:
    """RFC 8252 allows http on the loopback interface only."""
    parts = urlsplit(uri)
    loopback = parts.hostname in LOOPBACK
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise ValueError(f"{uri}: {what} is https (http on loopback only)")
    if parts.username or not parts.hostname:
        raise ValueError(f"{uri}: {what} names a host and no user")
