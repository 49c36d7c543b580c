"""Valid resources of any type of R4, made from the standard's definitions that the product itself has.

What is drawn is almost valid; what validation says of the rest is mended by leaving the element out.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from mappers.validation.shapes import Child, Shape, shape_of
from terminology import definitions
from tests.roundtrip import primitives, values
from tests.roundtrip.mending import mended
from tests.roundtrip.values import Json, Pool

#: what may be contained, for it needs little
CONTAINED = ("Practitioner", "Organization", "Medication", "Location")
#: how many elements a resource has room for beside those that it must have
ROOM = 45
#: elements that are the resource's own affair, or the server's
_OURS = frozenset(("id", "meta", "contained", "text", "implicitRules"))
_DEEPEST = 5


#: what invariants ask for besides what is mandatory
ASKED: dict[str, Json] = {
    "AllergyIntolerance": {
        "clinicalStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                    "code": "active",
                }
            ]
        }
    },
    "Condition": {
        "clinicalStatus": {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "resolved"}
            ]
        }
    },
    "Consent": {"policyRule": {"text": "규칙"}},
    "Organization": {"name": "기관"},
}


@st.composite
def resources(draw: st.DrawFn, resource_type: str, pool: Pool) -> Json | None:
    """A valid resource; None where what was drawn couldn't be mended."""
    return mended(_Making(draw, pool).resource(resource_type))


class _Making:
    """One resource being drawn."""

    def __init__(self, draw: st.DrawFn, pool: Pool) -> None:
        self.draw, self.pool, self.room, self.contained = draw, pool, ROOM, dict[str, str]()
        self._ids = 0

    def resource(self, resource_type: str) -> Json:
        if "extension" not in shape_of(resource_type).children:  # nothing but a resource
            return {"resourceType": resource_type, **self._object(shape_of(resource_type), 0)}
        held = [self._contained(n) for n in range(self.draw(st.sampled_from((0, 0, 0, 1, 2))))]
        found: Json = {"resourceType": resource_type, **self._about()}
        if held:
            found["contained"] = held
            refer = [{"url": "urn:x:uses", "valueReference": {"reference": f"#{c['id']}"}} for c in held]
        found |= self._object(shape_of(resource_type), 0)
        found = {**copy.deepcopy(ASKED.get(resource_type, {})), **found}
        if held:
            found["extension"] = [*found.get("extension", ()), *refer]
        return found

    def _about(self) -> Json:
        tag = {"system": "urn:t", "code": "a", "display": "꼬리표"}
        metas: Sequence[Json] = (
            {},
            {"meta": {"tag": [tag]}},
            {"meta": {"profile": ["http://example.org/p"], "security": [{"system": "urn:s", "code": "R"}]}},
            {
                "meta": {
                    "versionId": "77",
                    "source": "urn:mine",
                    "extension": [{"url": "urn:x", "valueCode": "m"}],
                }
            },
            {"implicitRules": "http://example.org/rules"},
        )
        found = dict(self.draw(st.sampled_from(metas)))
        if self.draw(st.integers(0, 3)) == 0:
            status = self.draw(st.sampled_from(("additional", "extensions", "generated")))
            found["text"] = {"status": status, "div": self.draw(primitives.primitive("xhtml"))}
        return found

    def _contained(self, number: int) -> Json:
        kind = self.draw(st.sampled_from(CONTAINED))
        id_ = f"c{number}"
        self.contained[id_] = kind
        asked = copy.deepcopy(ASKED.get(kind, {}))
        return {"resourceType": kind, "id": id_, **asked, **self._object(shape_of(kind), 3)}

    def _object(self, shape: Shape, depth: int) -> Json:
        stems: dict[str, list[Child]] = {}
        left_out = _OURS if definitions.kind(shape.path) == "resource" else ("id",)
        for child in shape.children.values():
            if child.name not in left_out:
                stems.setdefault(child.stem, []).append(child)
        needed = {one.stem: one.least for one in shape.mandatory}
        more = [s for s in stems if s not in needed]
        found: Json = {}
        for stem in (*needed, *self._chosen(more, depth, bool(needed))):
            self.room -= 1
            self._put(found, self.draw(st.sampled_from(stems[stem])), depth, needed.get(stem, 0))
        return found

    def _chosen(self, stems: Sequence[str], depth: int, says_something: bool) -> list[str]:
        most = min(len(stems), self.room, 9 if depth == 0 else 3 if depth < 3 else 1)
        if depth >= _DEEPEST or most <= 0:
            return [] if says_something or not stems else [stems[-1]]
        least = 0 if says_something else 1
        return self.draw(st.lists(st.sampled_from(stems), min_size=least, max_size=most, unique=True))

    def _put(self, found: Json, child: Child, depth: int, least: int) -> None:
        if child.is_primitive:
            self._put_primitive(found, child, depth, least)
        elif not child.is_list:
            found[child.name] = self._value(child, depth)
        else:
            count = self.draw(st.sampled_from((1, 1, 1, 2, 3)))
            most = child.most or count
            found[child.name] = [self._value(child, depth) for _ in range(max(least, min(count, most)))]

    def _put_primitive(self, found: Json, child: Child, depth: int, least: int) -> None:
        beside = self.draw(st.integers(0, 9)) if child.name not in ("id", "url", "div") else 9
        if not child.is_list:
            if beside > 0 or least:
                found[child.name] = self.draw(self._primitive(child))
            if beside <= 1:
                found[f"_{child.name}"] = self._beside()
            return
        count = max(self.draw(st.sampled_from((1, 1, 2, 3))), least)
        found[child.name] = [self.draw(self._primitive(child)) for _ in range(count)]
        if beside <= 1:
            found[f"_{child.name}"] = [None] * (count - 1) + [self._beside()]
            if beside == 0 and not child.binding:
                found[child.name][-1] = None
                if count == 1:
                    del found[child.name]

    def _primitive(self, child: Child) -> st.SearchStrategy[Any]:
        bound = child.binding or child.largest
        if bound and child.type_code in ("code", "string", "uri"):
            return values.bound_code(bound)
        return primitives.primitive(child.type_code)

    def _beside(self) -> Json:
        said = {"url": "http://example.org/why", "valueString": self.draw(primitives.texts())}
        return self.draw(
            st.sampled_from(
                ({"extension": [said]}, {"id": self._id()}, {"id": self._id(), "extension": [said]})
            )
        )

    def _id(self) -> str:
        self._ids += 1
        return f"e{self._ids}"

    def _value(self, child: Child, depth: int) -> Any:
        if child.type_code == "Extension":
            return self._extension(depth)
        if child.type_code == "Reference":
            return self._reference(child)
        made = values.MADE.get(child.type_code)
        if made is not None:
            found = copy.deepcopy(self.draw(made(child)))
            return {**found, **self._extended(depth)}
        if not child.shape:  # a resource of any type
            return {"resourceType": "Basic", "code": {"text": "inside"}}
        found = self._object(shape_of(child.shape), depth + 1)
        return found

    def _extended(self, depth: int) -> Json:
        """An id or an extension of an element, now and then."""
        drawn = self.draw(st.integers(0, 24))
        if drawn == 0:
            return {"id": self._id()}
        return {"extension": [self._extension(depth + 1)]} if drawn == 1 else {}

    def _extension(self, depth: int) -> Json:
        url = self.draw(
            st.sampled_from(("http://example.org/ext", "urn:x:한글", "https://example.org/" + "u" * 300))
        )
        if depth < 2 and self.draw(st.integers(0, 5)) == 0:
            return {
                "url": url,
                "extension": [self._extension(depth + 1), {"url": "inner", "valueBoolean": False}],
            }
        choices = [c for c in shape_of("Extension").children.values() if c.stem == "value"]
        found: Json = {"url": url}
        self.room -= 1
        self._put(found, self.draw(st.sampled_from(choices)), max(depth, 2), 1)
        return found

    def _reference(self, child: Child) -> Json:
        named = self.pool.named(child.targets)
        inside = [f"#{i}" for i, kind in self.contained.items() if not child.targets or kind in child.targets]
        kind = child.targets[0] if child.targets and child.targets[0] != "Resource" else "Patient"
        others = (
            {"display": "그 사람"},
            {"identifier": {"system": "urn:others", "value": "7"}, "type": kind},
            {"reference": f"https://example.org/fhir/{kind}/1", "display": "elsewhere"},
            *({"reference": one} for one in inside),
        )
        drawn = self.draw(st.integers(0, 9))
        if named and drawn < 7:
            found = {"reference": self.draw(st.sampled_from(named))}
            return {**found, "display": "보이는 이름"} if drawn == 0 else found
        return copy.deepcopy(self.draw(st.sampled_from(others)))
