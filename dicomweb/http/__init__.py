"""DICOMweb over HTTP: what all its services share."""
