"""The interactions, one file each, named as the standard names them (https://hl7.org/fhir/R4/http.html)."""
