"""What the authorization server remembers: tables named `fhir_auth_…` in the CDSS's schema."""
