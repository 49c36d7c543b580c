"""Why something can't be written."""

from __future__ import annotations


class WriteFault(Exception):
    """A write that is refused: nothing of it stays.

    `status` is HTTP's (405, 409, 410, 412, 422), `code` an issue-type, `expression` a FHIRPath or ''.
    https://hl7.org/fhir/R4/valueset-issue-type.html
    """

    def __init__(self, status: int, code: str, diagnostics: str, expression: str = "") -> None:
        super().__init__(diagnostics)
        self.status, self.code, self.diagnostics, self.expression = status, code, diagnostics, expression


def absent(resource_type: str, id_: str) -> WriteFault:
    """404: nothing to write over."""
    return WriteFault(404, "not-found", f"there is no {resource_type}/{id_}")


def deleted(resource_type: str, id_: str) -> WriteFault:
    """410: it was, and was deleted."""
    return WriteFault(410, "deleted", f"{resource_type}/{id_} was deleted")


def outdated(current: str) -> WriteFault:
    """412: somebody else was faster."""
    return WriteFault(412, "conflict", f'the resource has changed meanwhile: it is version W/"{current}" now')


def read_only(resource_type: str, reason: str) -> WriteFault:
    """405: whose rows these are, nobody writes through us."""
    return WriteFault(405, "not-supported", f"{resource_type} can't be written: {reason}")
