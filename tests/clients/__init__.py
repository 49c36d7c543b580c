"""Clients that others wrote, walking a patient's record as an app does."""

from tests.clients.summary import Summary, Unresolved
from tests.clients.walk_fhirpy import walk as walk_fhirpy
from tests.clients.walk_javascript import walk as walk_javascript

__all__ = ["Summary", "Unresolved", "walk_fhirpy", "walk_javascript"]
