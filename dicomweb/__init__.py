"""The imaging gateway: DICOMweb over an archive, and what ImagingStudy is read from."""
