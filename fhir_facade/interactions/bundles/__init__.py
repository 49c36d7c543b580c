"""batch and transaction: many requests in one Bundle. https://hl7.org/fhir/R4/http.html#transaction"""
