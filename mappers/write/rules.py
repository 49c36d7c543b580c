"""What a table's own business asks of a resource, beyond what FHIR does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from mappers.cells import told_at
from mappers.mapping import Part
from mappers.stored.content import dumps
from mappers.upkeep import Caller, Resource, Upkeep
from mappers.values.references import ReferenceTo
from mappers.write.faults import WriteFault

#: where a reference of this server leads; its text where it leads elsewhere
Resolve = Callable[[str], object]


def refuse_unruly(part: Part, sent: Resource, current: Resource | None, caller: Caller) -> None:
    """Raises WriteFault 422 for a step that the state doesn't allow, or for what never changes."""
    assert part.upkeep is not None
    kind = sent["resourceType"]
    _refuse_step(part.upkeep, kind, sent, current)
    if current is not None:
        for path in _changed(part, sent, current, caller.leads):
            text = f"this doesn't change {_since(part.upkeep, path)}: {part.upkeep.instead}"
            name = path.removesuffix("[]").removesuffix("[x]")
            raise WriteFault(422, "business-rule", text, f"{kind}.{name}")
    asked = (rule(sent, current) for rule in part.upkeep.rules)
    asked_of_caller = (rule(sent, current, caller) for rule in part.upkeep.callers_rules)
    for path, text in chain.from_iterable((*asked, *asked_of_caller)):
        raise WriteFault(422, "business-rule", text, f"{kind}.{path}")


def _refuse_step(upkeep: Upkeep, kind: str, sent: Resource, current: Resource | None) -> None:
    before, after = (current or {}).get("status", ""), sent.get("status")
    if not upkeep.states or before == after:
        return
    known = dict.fromkeys(one for steps in upkeep.states.values() for one in steps)
    # a word that nobody knows may become any that is known
    allowed = tuple(known) if before == "unknown" else upkeep.states.get(before, ())
    if after not in allowed:
        told = f"from {before}" if before else "at first"
        text = f"the status can be {', '.join(allowed) or 'no other'} {told}, not {str(after)[:40]}"
        raise WriteFault(422, "business-rule", text, f"{kind}.status")


def _changed(part: Part, sent: Resource, current: Resource, resolve: Resolve) -> Iterator[str]:
    """What is fixed, and whose record it is: that is never moved to another patient."""
    assert part.upkeep is not None
    patients = [
        e.path
        for e in part.elements
        if isinstance(e.writer, ReferenceTo) and e.writer.resource_type == "Patient"
    ]
    for path in (*part.upkeep.unchanging(current.get("status")), *patients):
        if _said(sent, path, resolve) != _said(current, path, resolve):
            yield path


def _since(upkeep: Upkeep, path: str) -> str:
    return "once it is no draft any more" if path in upkeep.settled else "once it is written"


def _said(resource: Resource, path: str, resolve: Resolve) -> object:
    """What is said; of a reference where it leads, whatever is shown of it."""
    told = told_at(resource, path)
    reference = told.get("reference") if isinstance(told, dict) else None
    return resolve(reference) if isinstance(reference, str) else dumps(told)


def refuse_contradictions(part: Part, sent: Resource, told: Resource, resolve: Resolve) -> None:
    """Raises WriteFault 422 for a reference that other rows tell otherwise: it would hide whose this is."""
    for element in part.elements:
        if isinstance(element.value, ReferenceTo):
            said, known = told_at(sent, element.path), told_at(told, element.path)
            here, there = ({resolve(r) for r in _references(t)} for t in (said, known))
            if here and there and here.isdisjoint(there):
                path = element.path.removesuffix("[]")
                text = f"other rows of the CDSS say that it is {', '.join(_references(known))}"
                raise WriteFault(422, "business-rule", text, f"{sent['resourceType']}.{path}")


def _references(told: object) -> list[str]:
    items = told if isinstance(told, list) else [told]
    return [i["reference"] for i in items if isinstance(i, dict) and isinstance(i.get("reference"), str)]
