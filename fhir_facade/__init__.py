"""FHIR in and out over HTTP: the only package that wires the others together."""
