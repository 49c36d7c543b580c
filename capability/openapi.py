"""OpenAPI of the FHIR routes, computed from the mappings. https://spec.openapis.org/oas/v3.1.0"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from capability.describe import ParameterDeclared, TypeDescribed
from mappers.mapping import LOGICAL_ID
from terminology import definitions

Document = dict[str, Any]
JSON, XML = "application/fhir+json", "application/fhir+xml"
_JSON_TYPES = {
    "boolean": "boolean",
    "integer": "integer",
    "positiveInt": "integer",
    "unsignedInt": "integer",
    "decimal": "number",
}


def paths(types: Sequence[TypeDescribed], prefix: str, results: Mapping[str, str]) -> Document:
    """Every FHIR address below a prefix; `results`: the parameters that shape a result, and what they do."""
    shared = [_query(name, text) for name, text in results.items()]
    found: Document = {f"{prefix}/metadata": {"get": _metadata()}}
    for described in types:
        name = described.resource_type
        searched = [*_parameters(described), *shared]
        found[f"{prefix}/{name}/{{id}}"] = {"get": _read(name)}
        found[f"{prefix}/{name}"] = {"get": _search(name, searched)}
        if any(part.writable for part in described.parts):
            found[f"{prefix}/{name}"] |= {"post": _create(name)}
            found[f"{prefix}/{name}/{{id}}"] |= _changes(name)
        found[f"{prefix}/{name}/_search"] = {"post": _post_search(name, searched)}
    found |= _compartments([t.resource_type for t in types], prefix, shared)
    found[prefix] = {"get": _system(shared), "post": _bundle()}
    return found


def schemas(types: Sequence[TypeDescribed]) -> Document:
    """What the answers look like, as far as their top-level elements go."""
    names = [t.resource_type for t in types] + ["Bundle", "OperationOutcome", "CapabilityStatement"]
    return {name: _schema(name) for name in sorted(names)}


def _schema(name: str) -> Document:
    properties: Document = {"resourceType": {"type": "string", "enum": [name]}}
    for path, element in definitions.elements(name).items():
        if path.count(".") == 1:
            for key, type_code in element.choices():
                properties[key] = _property(type_code, element.short, element.is_list)
    return {
        "type": "object",
        "required": ["resourceType"],
        "properties": properties,
        "externalDocs": {"url": f"https://hl7.org/fhir/R4/{name.lower()}.html"},
    }


def _property(type_code: str, short: str, repeats: bool) -> Document:
    complex_ = definitions.kind(type_code) in ("complex-type", "resource") or type_code == "BackboneElement"
    kind = "object" if complex_ else _JSON_TYPES.get(type_code, "string")
    one: Document = {"type": kind, **({"title": type_code} if complex_ else {"format": type_code})}
    return {"type": "array", "items": one, "description": short} if repeats else {**one, "description": short}


# operations


def _metadata() -> Document:
    modes = {"type": "string", "enum": ["full", "normative", "terminology"]}
    mode = {"name": "mode", "in": "query", "schema": modes}
    return _operation("capabilities", "What the server does", "metadata", "CapabilityStatement", [mode])


def _read(name: str) -> Document:
    parameters = [_path("id", f"id of the {name}"), _query("_elements", ""), _query("_summary", "")]
    return _operation(f"read{name}", f"Read one {name}", name, name, parameters, missing=True)


def _create(name: str) -> Document:
    headers = [_header("If-None-Exist", "criteria: created only if they find none"), _PREFER]
    operation = _operation(f"create{name}", f"Create a {name}", name, name, headers)
    created = {"201": {"description": name, "content": _content(name)}}
    return {**operation, **_body(name), "responses": {**operation["responses"], **created}}


def _changes(name: str) -> Document:
    """update, patch and delete."""
    parameters = [_path("id", f"id of the {name}"), _header("If-Match", "the version it must have"), _PREFER]
    update = _operation(f"update{name}", f"Update a {name}", name, name, parameters, missing=True)
    patch = _operation(f"patch{name}", f"Patch a {name}", name, name, parameters, missing=True)
    delete = _operation(
        f"delete{name}", f"Delete a {name}", name, "OperationOutcome", parameters, missing=True
    )
    gone = {"204": {"description": "it is gone"}}
    operations = {"application/json-patch+json": {"schema": {"type": "array", "items": {"type": "object"}}}}
    return {
        "put": {**update, **_body(name)},
        "patch": {**patch, "requestBody": {"required": True, "content": operations}},
        "delete": {**delete, "responses": {**delete["responses"], **gone}},
    }


def _bundle() -> Document:
    operation = _operation("bundle", "A batch or transaction", "all types", "Bundle", [_PREFER])
    return {**operation, **_body("Bundle")}


def _body(name: str) -> Document:
    return {"requestBody": {"required": True, "content": _content(name)}}


def _header(name: str, description: str) -> Document:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


_PREFER = _header("Prefer", "return=representation, minimal or OperationOutcome")


def _search(name: str, parameters: Sequence[Document]) -> Document:
    return _operation(f"search{name}", f"Search {name}", name, "Bundle", parameters)


def _post_search(name: str, parameters: Sequence[Document]) -> Document:
    """The same parameters in a form: for values that no URL may hold."""
    fields = {p["name"]: {**p["schema"], "description": p.get("description", "")} for p in parameters}
    form = {"application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": fields}}}
    operation = _operation(f"postSearch{name}", f"Search {name} by POST", name, "Bundle", [])
    return {**operation, "requestBody": {"content": form}}


def _system(shared: Sequence[Document]) -> Document:
    types = _query("_type", "types, with commas")
    parameters = [types, _query("_id", "ids"), _query("_lastUpdated", "when it was changed"), *shared]
    return _operation("searchSystem", "Search several types", "all types", "Bundle", parameters)


def _compartments(names: Sequence[str], prefix: str, shared: Sequence[Document]) -> Document:
    found = {}
    for code in definitions.compartment_types():
        inside = [n for n in names if definitions.compartment(code).get(n)]
        if code in names and inside:
            kinds = {"type": "string", "enum": ["*", *inside]}
            kind = {"name": "type", "in": "path", "required": True, "schema": kinds}
            parameters = [_path("id", f"id of the {code}"), kind, *shared]
            summary = f"Search what belongs to one {code}"
            operation = _operation(
                f"searchIn{code}", summary, "compartments", "Bundle", parameters, missing=True
            )
            found[f"{prefix}/{code}/{{id}}/{{type}}"] = {"get": operation}
    return found


def _operation(
    name: str, summary: str, tag: str, answer: str, parameters: Sequence[Document], *, missing: bool = False
) -> Document:
    refused = {"description": "OperationOutcome", "content": _content("OperationOutcome")}
    responses: Document = {"200": {"description": answer, "content": _content(answer)}, "400": refused}
    if missing:
        responses["404"] = refused
    return {
        "operationId": name,
        "summary": summary,
        "tags": [tag],
        "parameters": list(parameters),
        "responses": {**responses, "default": refused},
    }


def _content(name: str) -> Document:
    schema = {"schema": {"$ref": f"#/components/schemas/{name}"}}
    return {JSON: schema, XML: {"schema": {"type": "string"}}}


def _path(name: str, description: str) -> Document:
    schema = {"type": "string", "pattern": f"^{LOGICAL_ID.pattern}$"}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _query(name: str, description: str) -> Document:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string"}}


def _parameters(described: TypeDescribed) -> Iterator[Document]:
    for parameter in described.parameters:
        definition = definitions.search_parameter(described.resource_type, parameter.name)
        text = definition.description.splitlines()[0] if definition and definition.description else ""
        found = _query(parameter.name, f"{parameter.type}. {text}".strip())
        yield found | _examples(parameter)


def _examples(parameter: ParameterDeclared) -> Document:
    if not parameter.example:
        return {}
    return {"examples": {"demo": {"summary": "finds something in the demo data", "value": parameter.example}}}
