"""`fhir-facade doctor`: whether the databases are what the mappings read, and what would make them faster."""
