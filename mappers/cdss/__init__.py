"""The CDSS database."""
