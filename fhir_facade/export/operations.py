"""The operations `$export`, at three levels. https://hl7.org/fhir/uv/bulkdata/STU2/operations.html"""

from __future__ import annotations

from capability.operations import Declared, Parameter
from fhir_facade.export.kick_off import KickOff
from fhir_facade.operations.operation import Operation

_DEFINITIONS = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition"
_PARAMETERS = (
    Parameter("_outputFormat", "string", "application/fhir+ndjson, the only format"),
    Parameter("_since", "instant", "resources that changed at this moment or later"),
    Parameter("_type", "string", "types, with commas between", max="*"),
    Parameter("_typeFilter", "string", "searches, Type?parameter=value; one of them suffices", max="*"),
    Parameter("_elements", "string", "top-level elements to show, with commas between", max="*"),
)
_OF_SOME = Parameter("patient", "Reference", "the patients, by POST; all there are if none is named", max="*")
_ASYNC = "Asynchronous (Prefer: respond-async): the answer is 202 with the address to ask at."

#: what is offered: of everything, of patients, of a group's
EXPORTS = (
    Declared(
        name="export",
        definition=f"{_DEFINITIONS}/export",
        documentation=f"Everything that the token opens, as NDJSON files. {_ASYNC}",
        levels=frozenset({"system"}),
        searches=True,
        parameters=_PARAMETERS,
    ),
    Declared(
        name="export",
        definition=f"{_DEFINITIONS}/patient-export",
        documentation=f"The compartments of patients, as NDJSON files. {_ASYNC}",
        levels=frozenset({"type"}),
        types=frozenset({"Patient"}),
        searches=True,
        parameters=(*_PARAMETERS, _OF_SOME),
    ),
    Declared(
        name="export",
        definition=f"{_DEFINITIONS}/group-export",
        documentation=f"The compartments of a group's active members, as NDJSON files. {_ASYNC}",
        levels=frozenset({"instance"}),
        types=frozenset({"Group"}),
        searches=True,
        parameters=(*_PARAMETERS, _OF_SOME),
    ),
)


def operations_of(kick_off: KickOff) -> tuple[Operation, ...]:
    """The operations, as they are called. What they don't know is theirs to refuse, or to leave out."""
    return tuple(Operation(**vars(declared), run=kick_off) for declared in EXPORTS)
