"""HL7's own validator for FHIR R4, offline: the reference judges what is served and stored."""

from tests.validator.validator import KR_CORE, Issue, Validator, ValidatorDied, missing_tools

__all__ = ["KR_CORE", "Issue", "Validator", "ValidatorDied", "missing_tools"]
