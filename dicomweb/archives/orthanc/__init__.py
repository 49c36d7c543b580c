"""Orthanc as the imaging archive, asked by its own REST API.

Its DICOMweb plug-in isn't asked: searches are the index's, and metadata and frames are made of the files for
all archives alike (docs/decisions/0025).
"""

from dicomweb.archives.orthanc.archive import Orthanc
from dicomweb.archives.orthanc.connection import OrthancAddress

__all__ = ["Orthanc", "OrthancAddress"]
