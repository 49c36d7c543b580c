"""Valid resources with one thing broken, in every way that a definition can be broken."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, NamedTuple

from mappers.validation.shapes import Child, Shape, shape_of
from terminology import definitions

Json = dict[str, Any]


class Place(NamedTuple):
    """One element of a resource: what holds it, under which name, and its definition."""

    holder: Json
    name: str
    child: Child
    shape: Shape


class Mutation(NamedTuple):
    """A resource with one fault, named by its kind and place."""

    name: str
    resource: Json


def places(value: Json, shape: Shape) -> Iterator[Place]:
    """Every element at any depth that has a value, contained resources left out."""
    for name, found in value.items():
        child = shape.children.get(name)
        if child is None:
            continue
        yield Place(value, name, child, shape)
        for one in found if isinstance(found, list) else [found]:
            if isinstance(one, dict) and child.shape:
                yield from places(one, shape_of(child.shape))


def _is_mandatory(place: Place) -> bool:
    return any(place.name in one.names for one in place.shape.mandatory)


def _first(place: Place, value: object) -> None:
    """Puts the value in the place of the element, or of the first of several."""
    place.holder[place.name] = [value, *place.holder[place.name][1:]] if place.child.is_list else value


def _of_type(*types: str) -> Callable[[Place], bool]:
    return lambda place: place.child.type_code in types


def _replaced(value: object) -> Callable[[Place], None]:
    return lambda place: _first(place, value)


def _drop(place: Place) -> None:
    del place.holder[place.name]


def _wrap(place: Place) -> None:
    found = place.holder[place.name]
    place.holder[place.name] = found[0] if isinstance(found, list) else [found]


def _add(name: str, value: object) -> Callable[[Place], None]:
    def add(place: Place) -> None:
        found = place.holder[place.name]
        (found[0] if isinstance(found, list) else found)[name] = value

    return add


def _other_choice(place: Place) -> None:
    stem = place.child.stem
    names = [
        name for name, child in place.shape.children.items() if child.stem == stem and name != place.name
    ]
    simple = [name for name in names if place.shape.children[name].type_code in ("string", "boolean")]
    place.holder[(simple or names)[0]] = True if (simple or names)[0].endswith("Boolean") else "x"


def _has_other_choice(place: Place) -> bool:
    return place.child.stem != place.child.name and any(
        child.stem == place.child.stem and child.type_code in ("string", "boolean") and name != place.name
        for name, child in place.shape.children.items()
    )


def _is_narrow(place: Place) -> bool:
    return bool(place.child.targets) and "Resource" not in place.child.targets


def _wrong_target(place: Place) -> None:
    wrong = next(one for one in ("Slot", "Linkage") if one not in place.child.targets)
    _first(place, {"reference": f"{wrong}/1"})


def _any(_: Place) -> bool:
    return True


def _is_complex(place: Place) -> bool:
    return bool(place.child.shape)


def _is_bound(place: Place) -> bool:
    return place.child.binding is not None and place.child.type_code in ("code", "CodeableConcept", "Coding")


def _wrong_code(place: Place) -> None:
    coding = {"system": "http://example.org/codes", "code": "no-such-code"}
    values = {"code": "no-such-code", "Coding": coding, "CodeableConcept": {"coding": [coding]}}
    _first(place, values[place.child.type_code])


# What is broken → (where it can be, how)
KINDS: dict[str, tuple[Callable[[Place], bool], Callable[[Place], None]]] = {
    "without what is mandatory": (_is_mandatory, _drop),
    "an array for one value, or one for an array": (_any, _wrap),
    "a string for an object": (_is_complex, _replaced("text")),
    "a number for a string": (_of_type("string", "code", "uri", "markdown", "id"), _replaced(5)),
    "a string for a number": (_of_type("decimal", "integer", "positiveInt", "unsignedInt"), _replaced("5")),
    "a string for a boolean": (_of_type("boolean"), _replaced("true")),
    "an object for a primitive": (_of_type("string", "code", "date", "dateTime"), _replaced({"id": "x"})),
    "a code that its value set lacks": (_is_bound, _wrong_code),
    "a day that no calendar has": (_of_type("date", "dateTime"), _replaced("2023-02-30")),
    "a day of another form": (_of_type("date", "dateTime", "instant"), _replaced("12/04/1961")),
    "a time without its zone": (_of_type("dateTime", "instant"), _replaced("2023-02-03T10:00:00")),
    "a negative count": (_of_type("positiveInt", "unsignedInt"), _replaced(-1)),
    "blanks in a uri": (_of_type("uri", "url", "canonical"), _replaced("http://example.org/a b")),
    "blanks around a code": (_of_type("code"), _replaced(" code ")),
    "an oid that is none": (_of_type("uri", "oid"), _replaced("urn:oid:9.x")),
    "an id with a slash": (_of_type("id"), _replaced("a/b")),
    "an empty string": (_of_type("string", "code", "uri", "markdown"), _replaced("")),
    "an empty object": (_is_complex, _replaced({})),
    "null": (_any, _replaced(None)),
    "an element that R4 lacks": (_is_complex, _add("nickname", "x")),
    "two types of a choice": (_has_other_choice, _other_choice),
    "a reference to a type that is not allowed": (_is_narrow, _wrong_target),
    "a reference to what is not contained": (_of_type("Reference"), _replaced({"reference": "#nobody"})),
    "a period that ends before it starts": (
        _of_type("Period"),
        _replaced({"start": "2023-05-01", "end": "2023-04-01"}),
    ),
    "a quantity with a code of no system": (_of_type("Quantity"), _replaced({"value": 1, "code": "g"})),
    "a telephone of no system": (_of_type("ContactPoint"), _replaced({"value": "010-0000-0000"})),
    "data of no type": (_of_type("Attachment"), _replaced({"data": "AAAA"})),
    "an extension with value and extensions": (
        _of_type("Extension"),
        _add("extension", [{"url": "http://example.org/x", "valueString": "x"}]),
    ),
    "a script in the narrative": (
        _of_type("xhtml"),
        _replaced('<div xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></div>'),
    ),
    "an event in the narrative": (
        _of_type("xhtml"),
        _replaced('<div xmlns="http://www.w3.org/1999/xhtml"><p onclick="x()">text</p></div>'),
    ),
    "a narrative that is no XML": (_of_type("xhtml"), _replaced("<div>text")),
    "an empty narrative": (_of_type("xhtml"), _replaced('<div xmlns="http://www.w3.org/1999/xhtml"> </div>')),
    "no narrative status": (_of_type("Narrative"), _replaced({"div": "<div>text</div>"})),
    "an optional element less": (lambda place: not _is_mandatory(place), _drop),
}


def mutations(resource: Json, count: int, seed: str) -> Iterator[Mutation]:
    """`count` copies of the resource, each with one fault, always the same for the same seed."""
    chance = random.Random(seed)
    shape = shape_of(resource["resourceType"])
    for _ in range(count):
        copy = deepcopy(resource)
        found = [one for one in places(copy, shape) if one.name not in ("resourceType", "contained")]
        able = [kind for kind, (fits, _) in KINDS.items() if any(map(fits, found))]
        kind = chance.choice(able)
        fits, break_ = KINDS[kind]
        place = chance.choice([one for one in found if fits(one)])
        break_(place)
        yield Mutation(f"{kind}: {place.shape.path}.{place.name}", copy)


def types_of_r4() -> tuple[str, ...]:
    return definitions.resource_types()
