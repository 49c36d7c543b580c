"""What rows can't say, though an element would change what they mean: it is refused, not kept beside them.

The old application acts on a row as it stands: on one that a client calls a proposal, or says not to perform.
"""

from __future__ import annotations

from collections.abc import Iterator

from mappers.upkeep import Resource

#: elements of a result that is verified
RESULT = ("code", "value", "dataAbsentReason", "interpretation", "effective", "component", "specimen")
_WITHDRAWN = ("entered-in-error", "refuted")


def is_an_order(sent: Resource, current: Resource | None) -> Iterator[tuple[str, str]]:
    """A row is carried out: it is no plan, no proposal, no ban, no report of what others have ordered."""
    if "order" not in str(sent.get("intent")):
        yield "intent", "what is written here is carried out: it is an order, no proposal or plan"
    if sent.get("doNotPerform"):
        yield "doNotPerform", "the table can't say that something must not be done: it would be done"
    if sent.get("reportedBoolean") or sent.get("reportedReference"):
        yield "reported", "what is written here is ordered by it: the table can't say that others ordered it"


def holds_true(sent: Resource, current: Resource | None) -> Iterator[tuple[str, str]]:
    """A diagnosis: the table has no way to say that it was none."""
    if is_withdrawn(sent):
        text = (
            "the table of diagnoses can't say that one was refuted or entered in error: it would stand there"
        )
        yield "verificationStatus", text


def is_withdrawn(sent: Resource) -> bool:
    """Whether it is said that something isn't so, or was never meant."""
    codings = (sent.get("verificationStatus") or {}).get("coding") or []
    return any(c.get("code") in _WITHDRAWN for c in codings)


def stays_in_error(sent: Resource, current: Resource | None) -> Iterator[tuple[str, str]]:
    """What was entered in error never happened, so nothing becomes of it."""
    if (current or {}).get("status") == "entered-in-error" != sent.get("status"):
        yield "status", "it was entered in error: create another"


def says_what_was_verified(sent: Resource, current: Resource | None) -> Iterator[tuple[str, str]]:
    """A final result is another one only once it is corrected: people have acted on it."""
    if current is None or not current.get("status") == sent.get("status") == "final":
        return
    for stem in RESULT:
        if _of(sent, stem) != _of(current, stem):
            yield stem, "a final result is verified as it is: send it with the status corrected"


def _of(resource: Resource, stem: str) -> Resource:
    """The element, in whichever type of a choice."""
    return {k: v for k, v in resource.items() if k == stem or (k.startswith(stem) and k[len(stem)].isupper())}
