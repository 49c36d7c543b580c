"""What is refused, in the words of the standards."""

from __future__ import annotations

import logging

from sqlalchemy.exc import DBAPIError

from mappers.database import SourceDownError, code_of
from smart_auth.access.caller import TokenFault

log = logging.getLogger("smart_auth")
#: what a database raises that can't be asked
AWAY = (DBAPIError, SourceDownError)


class OAuthFault(Exception):
    """An error of RFC 6749 (5.2 and 4.1.2.1): https://www.rfc-editor.org/rfc/rfc6749#section-5.2

    `told`: the trail has it already, with more than its client's request says.
    """

    told = False

    def __init__(
        self, error: str, description: str, status: int = 400, challenge: str = 'Basic realm="token"'
    ) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description, self.status = error, description, status
        self.headers = {"www-authenticate": challenge} if status == 401 else {}

    @classmethod
    def of_token(cls, fault: TokenFault) -> OAuthFault:
        """For an endpoint that takes an access token."""
        return cls(fault.error or "invalid_token", fault.description, fault.status, fault.challenge)


class UnrecordedFault(OAuthFault):
    """What happens can't be recorded now, so nothing is answered; raised by who listens to `Events`."""

    def __init__(self) -> None:
        super().__init__("temporarily_unavailable", "the audit trail can't be written just now", 503)


class AwayFault(OAuthFault):
    """The database can't be asked now; which statement it refused is in the log."""

    def __init__(self, error: Exception) -> None:
        super().__init__("temporarily_unavailable", "the database does not answer just now", 503)
        log.error("the authorization server's database can't be asked: %s", _refused(error))


def _refused(error: Exception) -> str:
    """The statement and the number of its error: neither what was sent nor the database's text, which may
    repeat it ("Duplicate entry '…'").
    """
    if not isinstance(error, DBAPIError):
        return str(error)
    number = code_of(error.orig) if error.orig else 0
    return f"{type(error.orig).__name__} {number} at {error.statement}"


class PageFault(Exception):
    """A fault that is told on a page, because nowhere is known to be safe to redirect to; `reason` names a
    text of the pages.
    """

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status
