"""STOW-RS: studies come in. https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.5"""
