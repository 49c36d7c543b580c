"""What the databases can't do, told as faults of the request that asked it of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fhir_facade.outcome import FhirFault
from mappers.database import SourceDownError, TooComplexError, TooSlowError


@contextmanager
def outages_told() -> Iterator[None]:
    """Turns what a database raises into FhirFault: 400 for too much at once, 503 for what may work later."""
    try:
        yield
    except TooComplexError:
        raise FhirFault(400, "too-costly", "the search has too many alternatives: ask in several") from None
    except TooSlowError:
        raise FhirFault(503, "too-costly", "the search took too long and was cancelled: narrow it") from None
    except SourceDownError:
        raise FhirFault(503, "transient", "a source can't be asked just now") from None
