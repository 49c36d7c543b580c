"""Value kinds: the objects that read, search and sort one kind of value (`mappers.value`)."""

from mappers.values.absence import Absent
from mappers.values.attachments import Attached, Headed
from mappers.values.children import Children
from mappers.values.codes import Bool, Code, Given
from mappers.values.compounds import Backbone, Choice, Derived, Distinct, FirstOf, Merged, Sensitive, Several
from mappers.values.computed import Demanded, Extended, FirstThere, ListConcepts, OneOrJoined, Reduced, Stated
from mappers.values.concepts import Coded, Concept, ListCodings, MappedCoding
from mappers.values.conditions import When, both, flag_is, looks_like, there_is, unless, word_is
from mappers.values.contacts import Address, ContactPoint
from mappers.values.dicom import DicomMoment, PersonNamed, Uid, UidCoding
from mappers.values.exclusive import Exclusive, ExclusiveChoice
from mappers.values.fixed import Fixed, concept
from mappers.values.identifiers import HexUuidIdentifier, Identifier, NumberIdentifier, UuidIdentifier
from mappers.values.json_text import is_json_object, json_at
from mappers.values.names import FullName, HumanName
from mappers.values.openemr import PipeOption, Zoned
from mappers.values.quantity import Compared, Conversion, Number, Quantity
from mappers.values.references import ReferenceTo, Route, needed
from mappers.values.security import SecurityLabel
from mappers.values.text import Joined, Mapped, Str
from mappers.values.time import Date, DateTime, DayOrInstant, Happened, Instant, Period
from mappers.values.uris import MIME_TYPE, UID, WEB_ADDRESS, Patterned, SiteUrl, UidIdentifier

__all__ = [
    "MIME_TYPE",
    "UID",
    "WEB_ADDRESS",
    "Absent",
    "Address",
    "Attached",
    "Backbone",
    "Bool",
    "Children",
    "Choice",
    "Code",
    "Coded",
    "Compared",
    "Concept",
    "ContactPoint",
    "Conversion",
    "Date",
    "DateTime",
    "DayOrInstant",
    "Demanded",
    "Derived",
    "DicomMoment",
    "Distinct",
    "Exclusive",
    "ExclusiveChoice",
    "Extended",
    "FirstOf",
    "FirstThere",
    "Fixed",
    "FullName",
    "Given",
    "Happened",
    "Headed",
    "HexUuidIdentifier",
    "HumanName",
    "Identifier",
    "Instant",
    "Joined",
    "ListCodings",
    "ListConcepts",
    "Mapped",
    "MappedCoding",
    "Merged",
    "Number",
    "NumberIdentifier",
    "OneOrJoined",
    "Patterned",
    "Period",
    "PersonNamed",
    "PipeOption",
    "Quantity",
    "Reduced",
    "ReferenceTo",
    "Route",
    "SecurityLabel",
    "Sensitive",
    "Several",
    "SiteUrl",
    "Stated",
    "Str",
    "Uid",
    "UidCoding",
    "UidIdentifier",
    "UuidIdentifier",
    "When",
    "Zoned",
    "both",
    "concept",
    "flag_is",
    "is_json_object",
    "json_at",
    "looks_like",
    "needed",
    "there_is",
    "unless",
    "word_is",
]
