"""What a walk through a patient's record comes to."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Unresolved:
    """A reference that couldn't be read: where it was met, and why (an HTTP status, or words)."""

    reference: str
    origin: str
    why: str


@dataclass
class Summary:
    """Distinct resources met by type, references read and not read, and what a client stumbled over.

    Outcomes are what the server itself says inside of search results: no fault of the walk's.
    """

    patient: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    resolved: int = 0
    unresolved: list[Unresolved] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return self.patient is not None and not self.unresolved and not self.errors
