"""Bulk exports, as their clients meet them: https://hl7.org/fhir/uv/bulkdata/STU2/export.html"""
