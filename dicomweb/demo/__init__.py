"""The demo hospital's images: phantoms, with the lesions that the demo's studies state, as DICOM files."""
