"""What clients write in `meta`, as search parameters of the types that they write.

https://hl7.org/fhir/R4/search.html#all
"""

from __future__ import annotations

from mappers.mapping import ResourceMapping, SearchParam

TAG, PROFILE, SECURITY = (
    SearchParam(f"_{name}", of=f"meta.{name}") for name in ("tag", "profile", "security")
)


def meta_params(mapping: ResourceMapping) -> tuple[SearchParam, ...]:
    """Those that find what is served: none that the server itself says of rows besides.

    Which profiles a row's resource holds is seen once it is made; its security labels have columns to go by.
    """
    found = [TAG]
    if not any(p.profiles for p in mapping.parts):
        found.append(PROFILE)
    if not any(p.security for p in mapping.parts):
        found.append(SECURITY)
    return tuple(p for p in found if p.name not in mapping.params)
