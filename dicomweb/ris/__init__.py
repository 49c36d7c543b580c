"""What the RIS knows of studies, and how its rows follow what the archive keeps."""

from dicomweb.ris.upkeep import Ris

__all__ = ["Ris"]
