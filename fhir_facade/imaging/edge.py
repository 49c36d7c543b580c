"""What stands before the gateway as it does before the FHIR side: CORS, host names, compression."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from dicomweb.http.faults import DicomFault
from fhir_facade.content import takes_gzip
from fhir_facade.cors import EXPOSED, Cors, Hosts
from fhir_facade.imaging.asking import asking
from fhir_facade.outcome import FhirFault


class FhirEdge:
    """The FHIR side's rules."""

    def __init__(self, cors: Cors, hosts: Hosts, *, gzip: bool) -> None:
        self.cors, self.hosts, self.gzip = cors, hosts, gzip

    async def headers(self, request: Request) -> Mapping[str, str]:
        """CORS's; pages may see a Warning, too."""
        found = await self.cors.headers(asking(request))
        return {**found, "access-control-expose-headers": f"{EXPOSED}, Retry-After, Warning"} if found else {}

    def refuse_unknown(self, request: Request) -> None:
        """Raises DicomFault 421 for a Host header that names another server."""
        try:
            self.hosts.refuse_unknown(request.headers.get("host", "localhost"))
        except FhirFault as fault:
            raise DicomFault(fault.status, fault.diagnostics) from None

    def compresses(self, request: Request) -> bool:
        """For who takes gzip, unless a proxy (which does it better) stands before."""
        behind_proxy = "via" in request.headers or "x-forwarded-for" in request.headers
        return self.gzip and not behind_proxy and takes_gzip(request.headers.get("accept-encoding", ""))
