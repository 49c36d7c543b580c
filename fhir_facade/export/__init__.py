"""Bulk Data Access 2.0: https://hl7.org/fhir/uv/bulkdata/STU2/export.html"""
