"""JSON Patch: https://www.rfc-editor.org/rfc/rfc6902 in https://hl7.org/fhir/R4/http.html#patch"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from jsonpatch import InvalidJsonPatch, JsonPatch, JsonPatchException, JsonPatchTestFailed
from jsonpointer import JsonPointer, JsonPointerException

from fhir_facade.incoming_json import too_deep
from fhir_facade.outcome import FhirFault
from fhir_facade.patching.outcome import MOST_OPERATIONS, Resource, finished

OPERATIONS = ("add", "remove", "replace", "move", "copy", "test")
#: characters that the copies of one patch may add: each could double what is there, and a few dozen fill any
#: memory. A member counts as `MEMBER` characters.
MOST_COPIED, MEMBER = 1_000_000, 10
_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}")


def patched(resource: Mapping[str, Any], patch: Any) -> Resource:
    """The resource after all operations, each on what the ones before it left.

    Raises 400 for what is no JSON Patch, 422 for an operation that can't be done or a test that fails; the
    fault's expression is the place in the resource that the operation is about. 413 for copies of too much.
    """
    if not isinstance(patch, list) or not all(isinstance(one, dict) for one in patch):
        raise FhirFault(400, "structure", "a JSON Patch is an array of operations")
    if len(patch) > MOST_OPERATIONS:
        raise FhirFault(413, "too-costly", f"a patch may have {MOST_OPERATIONS} operations")
    result: Any = copy.deepcopy(dict(resource))
    left = MOST_COPIED
    for number, operation in enumerate(patch):
        left -= _copied(result, operation, left)
        if left < 0:
            raise FhirFault(413, "too-costly", f"operation {number}: the patch copies too much")
        result = _applied(result, number, operation, resource["resourceType"])
    return finished(resource, result)


def _copied(document: Any, operation: Mapping[str, Any], most: int) -> int:
    """What an operation copies, in characters; counted until it is more than `most`."""
    if operation.get("op") != "copy" or not _is_pointer(operation.get("from")):
        return 0
    count, left = 0, [JsonPointer(operation["from"]).resolve(document, None)]
    while left and count <= most:
        one = left.pop()
        count += MEMBER + (len(one) if isinstance(one, str) else 0)
        left += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return count


def _applied(document: Any, number: int, operation: Mapping[str, Any], kind: str) -> Any:
    name = operation.get("op")
    about = _expression(kind, operation.get("path"))
    if name not in OPERATIONS:
        valid = ", ".join(OPERATIONS)
        raise FhirFault(400, "invalid", f"operation {number}: op is one of {valid}", about)
    try:
        return JsonPatch([operation]).apply(document, in_place=True)
    except JsonPatchTestFailed:
        text = f"operation {number}: the test failed: the resource has another value there"
        raise FhirFault(422, "conflict", text, about) from None
    except InvalidJsonPatch:
        text = f"operation {number}: {name} needs other members than these (path, value, from)"
        raise FhirFault(400, "structure", text, about) from None
    except (JsonPatchException, JsonPointerException):
        raise _impossible(number, operation, about) from None
    except RecursionError:
        raise too_deep() from None


def _impossible(number: int, operation: Mapping[str, Any], about: tuple[str, ...]) -> FhirFault:
    """400 for a path that is none, 422 for one that leads nowhere in this resource."""
    for member in ("path", "from"):
        if member in operation and not _is_pointer(operation[member]):
            return FhirFault(400, "invalid", f"operation {number}: {member} is no JSON Pointer", about)
    text = f"operation {number}: {operation['op']} can't be done: there is no such place in the resource"
    return FhirFault(422, "processing", text, about)


def _is_pointer(text: Any) -> bool:
    try:
        JsonPointer(text)
    except (JsonPointerException, TypeError):
        return False
    return True


def _expression(kind: str, pointer: Any) -> tuple[str, ...]:
    """`/name/0/given` as `Patient.name[0].given`, as far as it can be one."""
    found = kind
    for step in JsonPointer(pointer).parts if isinstance(pointer, str) and _is_pointer(pointer) else ():
        if step.isdecimal() and len(step) < 6:
            found += f"[{step}]"
        elif _NAME.fullmatch(step):
            found += f".{step}"
        else:
            break
    return (found,)
