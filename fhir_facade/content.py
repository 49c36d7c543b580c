"""What a request asks for and what an answer is made of: media types, JSON, XML, the ASGI messages."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from fhir_facade.audit.due import Due
from fhir_facade.outcome import FhirFault, parameter
from fhir_facade.xml import to_xml
from mappers.shared import written
from smart_auth.access.caller import Caller

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON_TYPE = "application/fhir+json;charset=utf-8"
XML_TYPE = "application/fhir+xml;charset=utf-8"
FORMATS = {
    "json": "json",
    "application/json": "json",
    "application/fhir+json": "json",
    "text/json": "json",
    "xml": "xml",
    "application/xml": "xml",
    "application/fhir+xml": "xml",
    "text/xml": "xml",
}
FHIR_VERSIONS = ("4.0", "4.0.1")
MAX_PARAMETERS = 500


@lru_cache(64)
def takes_gzip(accept_encoding: str) -> bool:
    """Whether a client takes gzip, named and not with `q=0`.

    https://www.rfc-editor.org/rfc/rfc9110#field.accept-encoding
    """
    for item in accept_encoding.lower().split(","):
        name, _, rest = item.partition(";")
        if name.strip() == "gzip":
            return _quality(rest) > 0
    return False


@dataclass
class Request:
    """A FHIR request: the path below the base, the decoded parameters of URL and body, and who sent it.

    `answered_with` are headers that its answer has whatever it is; `sent` is its body where that was read
    already: that of a Bundle's entry.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    request_id: str
    parameters: list[tuple[str, str]] = field(default_factory=list)
    body_parameters: list[tuple[str, str]] = field(default_factory=list)
    format: str = "json"
    pretty: bool = False
    caller: Caller | None = None
    address: str = ""
    answered_with: dict[str, str] = field(default_factory=dict)
    sent: Any = None

    @property
    def handling(self) -> str:
        """`strict` or `lenient`: what to do with parameters that aren't known (default: refuse).

        https://hl7.org/fhir/R4/search.html#errors
        """
        preferred = self.headers.get("prefer", "").replace(" ", "").lower()
        return "lenient" if "handling=lenient" in preferred else "strict"

    @property
    def states_strict(self) -> bool:
        """Whether the client insists on a whole answer (a source that is down is then 503)."""
        return "handling=strict" in self.headers.get("prefer", "").replace(" ", "").lower()


@dataclass
class Response:
    """An answer: a resource (or none), a status and headers; `media`, if it isn't FHIR's own type.

    `served` are the resources in it as they were read, whatever of them is shown: the audit trail's. `about`
    are patients (logical ids) of those that name none. `within` are a Bundle's requests and their answers,
    which the trail keeps too. `stream` is a body that is no resource, piece by piece. `due` is what the trail
    was promised of it, in the transaction of what it wrote.
    """

    resource: dict[str, Any] | None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    media: str = ""
    served: Sequence[dict[str, Any]] = ()
    about: Sequence[str] = ()
    stream: AsyncGenerator[bytes] | None = None
    within: Sequence[tuple[Request, Response]] = ()
    due: Due | None = None


def parsed(query: str, where: str = "query") -> list[tuple[str, str]]:
    """The decoded pairs of a query string or form; raises 400 for bytes that are no UTF-8."""
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except UnicodeDecodeError:
        raise FhirFault(400, "invalid", f"the {where} is not UTF-8") from None
    except ValueError:
        raise FhirFault(400, "too-costly", f"more than {MAX_PARAMETERS} parameters in the {where}") from None


def negotiate(request: Request) -> None:
    """Sets format and pretty from `_format`, `_pretty` and Accept, and takes those parameters out.

    https://hl7.org/fhir/R4/http.html#mime-type
    """
    rest, asked, pretty = [], "", False
    for name, value in request.parameters:
        if name == "_format":
            asked = value
        elif name == "_pretty":
            pretty = _boolean("_pretty", value)
        else:
            rest.append((name, value))
    request.parameters, request.pretty = rest, pretty
    request.format = _format(asked) if asked else _accepted(request.headers.get("accept", "*/*"))


def _boolean(name: str, value: str) -> bool:
    if value not in ("true", "false"):
        raise parameter(name, f"{name} is true or false")
    return value == "true"


def _format(asked: str) -> str:
    media, _, rest = asked.replace(" ", "+").partition(";")
    if media.lower() not in FORMATS or not _version_fits(rest):
        raise parameter("_format", "_format is json or xml (FHIR 4.0)", "not-supported", 406)
    return FORMATS[media.lower()]


@lru_cache(256)
def _accepted(accept: str) -> str:
    """The format of the best acceptable media type; 406 if none is."""
    offers: list[tuple[float, int, str]] = []
    for place, item in enumerate(accept.split(",")):
        media, _, rest = (part.strip() for part in item.partition(";"))
        found = "json" if media in ("*/*", "application/*", "text/html", "") else FORMATS.get(media.lower())
        quality = _quality(rest)
        if found and quality > 0 and _version_fits(rest):
            offers.append((-quality, place, found))
    if not offers:
        raise FhirFault(
            406,
            "not-supported",
            "this server answers application/fhir+json and application/fhir+xml",
            ("http.Accept",),
        )
    return min(offers)[2]


def _quality(parameters: str) -> float:
    for part in parameters.split(";"):
        name, _, value = part.strip().partition("=")
        if name.lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _version_fits(parameters: str) -> bool:
    for part in parameters.split(";"):
        name, _, value = part.strip().partition("=")
        if name.lower() == "fhirversion":
            return value.strip('"') in FHIR_VERSIONS
    return True


def dumps(resource: Mapping[str, Any], pretty: bool = False) -> bytes:
    """JSON, with decimals exactly as they are (5.40 keeps its zero)."""
    return written(resource, pretty=pretty)


def serialized(resource: Mapping[str, Any], request: Request) -> tuple[bytes, str]:
    """The body and its media type in the format that was asked for."""
    if request.format == "xml":
        return to_xml(resource, pretty=request.pretty), XML_TYPE
    return dumps(resource, request.pretty), JSON_TYPE


async def body(receive: Receive, limit: int) -> bytes:
    """The request's body; 413 beyond the limit."""
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise FhirFault(400, "incomplete", "the request's body ended early")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise FhirFault(413, "too-long", f"the body is longer than {limit} bytes")
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)
