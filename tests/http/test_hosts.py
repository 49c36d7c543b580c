"""Under which names the server may be called while it has no access control."""

import pytest

from fhir_facade.cors import Hosts
from fhir_facade.outcome import FhirFault

HOSTS = Hosts("https://fhir.hospital.example:8443")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8000", "localhost", "[::1]:8000", "fhir.hospital.example:8443", "fhir.hospital.example"],
)
def test_loopback_and_the_public_name_are_answered(host: str) -> None:
    HOSTS.refuse_unknown(host)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "[::1", ""])
def test_a_name_that_a_page_could_point_at_loopback_is_refused(host: str) -> None:
    with pytest.raises(FhirFault) as refused:
        HOSTS.refuse_unknown(host)
    assert refused.value.status == 421
