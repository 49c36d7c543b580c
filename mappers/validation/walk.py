"""One walk through a resource, by the shapes of its types: every element once, every fault kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mappers.validation import codes, narrative, primitives, targets, vital_signs
from mappers.validation.issues import Issue, Severity, quoted
from mappers.validation.meanings import Place, issues_of
from mappers.validation.rules import Frame, Rules
from mappers.validation.shapes import Child, Mandatory, Shape, shape_of

Json = dict[str, Any]
_ELEMENT = "Element"
# A differential and its snapshot have the same elements under the same ids.
_IDS_BY_PATH = ("ElementDefinition",)


class Walk:
    """Collects the issues of one resource and of all that it holds."""

    def __init__(self, rules: Rules) -> None:
        self.issues: list[Issue] = []
        self._rules = rules
        self._frame = Frame({}, {})
        self._contained: dict[str, str] = {}
        self._seen = 0
        self._ids: set[str] = set()
        self._in_transaction = False

    def resource(self, value: Json, expression: str) -> None:
        """A resource of its own: the one sent, or an entry's."""
        outer = self._frame, self._contained, self._ids, self._in_transaction
        self._frame, self._contained, self._ids = Frame(value, value), targets.contained_types(value), set()
        self._in_transaction |= value.get("resourceType") == "Bundle" and value.get("type") == "transaction"
        self._typed(value, expression)
        self._frame, self._contained, self._ids, self._in_transaction = outer

    def _inside(self, value: Json, expression: str, child: Child) -> None:
        """A resource within another: contained ones share the container's references."""
        if child.name != "contained":
            return self.resource(value, expression)
        outer = self._frame
        self._frame = Frame(value, outer.root)
        self._unique("#", value.get("id"), expression)
        self._typed(value, expression)
        self._frame = outer
        return None

    def _typed(self, value: Json, expression: str) -> None:
        name = value.get("resourceType")
        if name is None:
            return self.add("structure", expression, "a resource says its resourceType")
        if not isinstance(name, str) or name not in targets.known_types():
            return self.add("structure", f"{expression}.resourceType", f"R4 has no type {quoted(name)}")
        self._object(value, shape_of(name), expression, ("resourceType",))
        if name == "Observation":
            self.issues += vital_signs.issues_of(value, expression)
        return None

    def add(self, code: str, expression: str, words: str, severity: Severity = "error") -> None:
        """Keeps an issue."""
        self.issues.append(Issue(severity, code, expression, words))

    def _object(self, value: Json, shape: Shape, expression: str, besides: tuple[str, ...] = ()) -> None:
        faults, seen = len(self.issues), self._seen
        present: dict[str, str] = {}
        for key in value:
            if key not in besides:
                self._member(value, key, shape, expression, present)
        for mandatory in shape.mandatory:
            self._mandatory(value, mandatory, expression)
        if not besides:
            if shape.path not in _IDS_BY_PATH:
                self._unique("", value.get("id"), expression)
            if len(value) <= ("id" in value):
                self.add("invariant", expression, "ele-1: an element has a value or children")
        self._seen += 1
        broken, size = len(self.issues) > faults, self._seen - seen
        self.issues += self._rules.broken(shape.path, value, present, self._frame, expression, broken, size)

    def _unique(self, kind: str, found: Any, expression: str) -> None:
        """Ids are unique in a resource: those of its elements, and those of what it contains."""
        if isinstance(found, str):
            if kind + found in self._ids:
                self.add("invalid", f"{expression}.id", f"the id {quoted(found)} is taken in this resource")
            self._ids.add(kind + found)

    def _member(self, value: Json, key: str, shape: Shape, expression: str, present: dict[str, str]) -> None:
        name = key.removeprefix("_")
        child = shape.children.get(name)
        if child is None or (name != key and not child.is_primitive):
            return self.add("structure", expression, f"{shape.path} has no element {quoted(key)}")
        told = present.setdefault(child.stem, name)
        if told != name:
            return self.add("structure", expression, f"only one of {told} and {name} can be given")
        if name != key and name in value:
            return None  # seen together with its value
        return self._element(value, child, f"{expression}.{child.step}")

    def _element(self, value: Json, child: Child, expression: str) -> None:
        if child.is_primitive:
            return self._primitive(value, child, expression)
        found = value[child.name]
        for one, where in self._items(found, child, expression):
            if not isinstance(one, dict):
                self.add("structure", where, f"an object is expected here, not {primitives.json_type(one)}")
            elif child.shape:
                self._complex(one, child, where)
            else:
                self._inside(one, where, child)
        return None

    def _items(self, found: Any, child: Child, expression: str) -> Iterator[tuple[Any, str]]:
        """Each value of an element with its expression; says where an array is missing or too many."""
        if child.is_list != isinstance(found, list):
            expected = "an array" if child.is_list else "one value, no array,"
            return self.add("structure", expression, f"{expected} is expected here")
        if not child.is_list:
            yield found, expression
            return None
        if not found:
            self.add("structure", expression, "an array is never empty; leave the element out")
        if child.most is not None and len(found) > child.most:
            self.add("structure", expression, f"there are {len(found)}, but {child.most} at most")
        for index, one in enumerate(found):
            yield one, f"{expression}[{index}]"
        return None

    def _complex(self, value: Json, child: Child, expression: str) -> None:
        shape = shape_of(child.shape)
        faults = len(self.issues)
        self._object(value, shape, expression)
        if child.path != shape.path:
            self.issues += self._rules.broken(
                child.path, value, {key.removeprefix("_"): "" for key in value}, self._frame, expression,
                len(self.issues) > faults, 1,
            )  # fmt: skip
        self.issues += issues_of(value, Place(child, expression, self._contained, self._in_transaction))

    def _mandatory(self, value: Json, mandatory: Mandatory, expression: str) -> None:
        found = next((value[name] for name in mandatory.names if name in value), None)
        if found is None and not any(f"_{name}" in value for name in mandatory.names):
            self.add("required", expression, f"{mandatory.stem} is mandatory")
        elif isinstance(found, list) and len(found) < mandatory.least:
            words = f"there are {len(found)}, but {mandatory.least} at least"
            self.add("required", f"{expression}.{mandatory.stem}", words)

    def _primitive(self, value: Json, child: Child, expression: str) -> None:
        sibling = f"_{child.name}"
        if not child.is_list:
            given, beside = child.name in value, sibling in value
            if given and (not beside or value[child.name] is not None):
                self._value(value[child.name], child, expression)
            if beside:
                self._beside(value[sibling], expression, given and value[child.name] is not None)
            if child.binding and value.get(child.name) is None and isinstance(value.get(sibling), dict):
                self.add("code-invalid", expression, f"a code of {child.binding} is required")
            return
        values, besides = value.get(child.name), value.get(sibling)
        self._primitives(values if child.name in value else [], besides, child, expression, sibling in value)

    def _primitives(self, values: Any, besides: Any, child: Child, expression: str, beside: bool) -> None:
        """An array of primitives, and the array of what stands beside them."""
        if not isinstance(values, list) or (beside and not isinstance(besides, list)):
            return self.add("structure", expression, "an array is expected here")
        besides = besides if beside else []
        if not values and not besides:
            return self.add("structure", expression, "an array is never empty; leave the element out")
        for index in range(max(len(values), len(besides))):
            one = values[index] if index < len(values) else None
            other = besides[index] if index < len(besides) else None
            self._pair(one, other, child, f"{expression}[{index}]")
        return None

    def _pair(self, one: Any, other: Any, child: Child, expression: str) -> None:
        if one is None and other is None:
            return self.add("structure", expression, "null stands only where an extension is instead")
        if one is not None:
            self._value(one, child, expression)
        if other is not None:
            self._beside(other, expression, one is not None)
        return None

    def _beside(self, value: Any, expression: str, has_value: bool) -> None:
        if not isinstance(value, dict):
            words = f"an object with id or extension is expected, not {primitives.json_type(value)}"
            return self.add("structure", expression, words)
        self._rules.beside = True
        return self._object(value, shape_of(_ELEMENT), expression, ("",) if has_value and value else ())

    def _value(self, value: Any, child: Child, expression: str) -> None:
        self._seen += 1
        found = primitives.fault(child.type_code, value)
        if found:
            return self.add(found[0], expression, found[1])
        if child.type_code == "xhtml":
            words = narrative.fault(value)
            return self.add("invalid", expression, words) if words else None
        bound = child.binding or child.largest
        words = codes.code_fault(bound, value) if bound and isinstance(value, str) else None
        if words:
            self.add("code-invalid", expression, words)
        self.issues += self._rules.broken(child.path, value, {}, self._frame, expression, False, 1)
        return None
