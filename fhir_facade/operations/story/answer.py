"""A story as FHIR: a searchset that begins with one Parameters a story, and holds what they name.

https://hl7.org/fhir/R4/bundle.html#searchset, https://hl7.org/fhir/R4/parameters.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from uuid import NAMESPACE_URL, uuid5

from fhir_facade.bundle import searchset
from fhir_facade.operations.story.hop import FOUND, Hop, Story
from fhir_facade.operations.story.steps import Resource, when
from fhir_facade.outcome import Issue
from mappers.include import address


def bundle(
    base: str, stories: Sequence[Story], issues: Sequence[Issue], links: Sequence[tuple[str, str]]
) -> Resource:
    """The answer: stories, then what they are made of, then what went wrong beside."""
    found = searchset(base, [], told(stories), issues, links, None)
    if stories:
        found["entry"] = [*(_entry(base, s) for s in stories), *found["entry"]]
    return found


def _entry(base: str, story: Story) -> Resource:
    """A story has no address; it is called the same each time."""
    name = uuid5(NAMESPACE_URL, f"{base}/{address(story.order)}/$story")
    return {"fullUrl": f"urn:uuid:{name}", "resource": parameters(story), "search": {"mode": "match"}}


def told(stories: Iterable[Story]) -> list[Resource]:
    """Every resource of the stories, each once."""
    found = (r for s in stories for hop in s.hops for r in hop.resources)
    return list({address(r): r for r in found}.values())


def parameters(story: Story) -> Resource:
    """One story."""
    found = [_reference("order", address(story.order))]
    if story.subject:
        found.append(_reference("subject", story.subject))
    if story.broken is not None:
        found.append({"name": "broken", "valueBoolean": story.broken})
    found += [{"name": "conflict", "valueString": text} for text in story.conflicts]
    found += [{"name": "hop", "part": list(_hop(hop))} for hop in story.hops]
    return {"resourceType": "Parameters", "id": story.order["id"], "parameter": found}


def _hop(hop: Hop) -> Iterator[Resource]:
    yield {"name": "step", "valueCode": hop.step}
    yield {"name": "state", "valueCode": hop.state}
    if hop.state != FOUND:
        yield {"name": "expected", "valueBoolean": hop.expected}
    if hop.of:
        yield _reference("of", hop.of)
    if hop.why:
        yield {"name": "why", "valueString": hop.why}
    for resource in hop.resources:
        yield {"name": "resource", "part": list(_told(resource))}


def _told(resource: Resource) -> Iterator[Resource]:
    """Where a resource is, in what state it is, and when it came about."""
    yield _reference("reference", address(resource))
    if status := resource.get("status"):
        yield {"name": "status", "valueCode": status}
    if moment := when(resource):
        yield {"name": "when", "valueDateTime": moment}


def _reference(name: str, to: str) -> Resource:
    return {"name": name, "valueReference": {"reference": to}}
