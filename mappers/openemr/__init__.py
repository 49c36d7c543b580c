"""OpenEMR's database."""
