"""The imaging gateway behind the same doors as FHIR: callers, access conditions, counting, audit trail."""
