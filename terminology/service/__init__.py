"""Terminology service: what code systems, value sets and concept maps say, whatever their source.

https://hl7.org/fhir/R4/terminology-service.html
"""
