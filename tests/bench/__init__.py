"""`make bench`: how fast the server is, beside a floor written by hand, a no-op and another FHIR server."""
