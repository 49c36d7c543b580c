"""What is refused, in the words of the standards."""

from __future__ import annotations


class OAuthFault(Exception):
    """An error of RFC 6749 (5.2 and 4.1.2.1): https://www.rfc-editor.org/rfc/rfc6749#section-5.2"""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description, self.status = error, description, status


class PageFault(Exception):
    """A fault that is told on a page, because nowhere is known to be safe to redirect to; `reason` names a
    text of the pages.
    """

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status
