"""The operations of the terminology service: https://hl7.org/fhir/R4/terminology-service.html"""
