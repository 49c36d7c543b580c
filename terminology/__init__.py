"""Codes and definitions: what the FHIR R4 standard says, and how local words map onto it.

The lowest layer: it imports none of the other packages and knows neither HTTP nor SQL.
"""
