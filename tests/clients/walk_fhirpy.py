"""The same walk with fhirpy, as a data scientist's script would do it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import aiohttp
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import BaseFHIRError

from tests.clients.summary import Summary, Unresolved

RECORD = (
    "Encounter",
    "Condition",
    "ServiceRequest",
    "Observation",
    "MedicationRequest",
    "ImagingStudy",
    "DiagnosticReport",
)
PAGE = 7  # small, so that a short record has many pages
AT_ONCE = 8

Resource = dict[str, Any]
T = TypeVar("T")


async def walk(base_url: str, name: str, token: str | None = None) -> Summary:
    """The walk's summary, for the first patient of that name."""
    authorization = f"Bearer {token}" if token else None
    return await _Walk(AsyncFHIRClient(base_url, authorization=authorization)).all(name)


class _Walk:
    def __init__(self, client: AsyncFHIRClient) -> None:
        self.client = client
        self.met: dict[str, Resource] = {}
        self.origins: dict[str, str] = {}  # a reference, and where it was met first
        self.record: set[str] = set()  # what searches by the patient found
        self.summary = Summary()

    async def all(self, name: str) -> Summary:
        types = await self._attempt("metadata", self._types()) or {}
        patient = await self._attempt("patient", self._patient(name))
        if patient is not None:
            self.summary.patient = patient["id"]
            for type_ in dict.fromkeys((*RECORD, *_by_patient(types))):
                await self._attempt(type_, self._all_of(type_, patient))
            await self._attempt("laboratory", self._laboratory(patient))
            await self._attempt("includes", self._includes(types, patient))
            await self._attempt("$story", self._stories(patient))
            await self._attempt("$everything", self._everything(patient))
            await self._resolve()
        self.summary.counts = dict(Counter(resource["resourceType"] for resource in self.met.values()))
        return self.summary

    async def _attempt(self, what: str, work: Awaitable[T]) -> T | None:
        """What the work comes to; nothing, and an error told, when the client fails: the walk goes on."""
        try:
            return await work
        except (BaseFHIRError, aiohttp.ClientError, KeyError, ValueError) as error:
            self.summary.errors.append(f"{what}: {error!r}")
            return None

    def _check(self, holds: bool, what: str) -> None:
        if not holds:
            self.summary.errors.append(what)

    def _remember(self, resource: Resource) -> None:
        self.met[_own(resource)] = resource
        for reference in _references(resource):
            self.origins.setdefault(reference, _own(resource))

    async def _types(self) -> dict[str, Resource]:
        statement = await self.client.execute("metadata", method="get")
        self._check(statement["fhirVersion"] == "4.0.1", f"metadata: {statement['fhirVersion']}")
        return {declared["type"]: declared for declared in statement["rest"][0]["resource"]}

    async def _patient(self, name: str) -> Resource:
        patient = await self.client.resources("Patient").search(name=name).first()
        if patient is None:
            raise ValueError(f"no Patient?name={name}")
        self._remember(patient)
        same = await self.client.resources("Patient").search(_id=patient["id"]).get()
        self._check(same["id"] == patient["id"], f"Patient?_id={patient['id']} is {same['id']}")
        return dict(patient)

    async def _all_of(self, type_: str, patient: Resource, **search: str) -> list[Resource]:
        """All pages of the patient's resources: as many as the server counts, and none twice."""
        found = self.client.resources(type_).search(patient=patient["id"], **search)
        resources: dict[str, Resource] = {}
        async for resource in found.limit(PAGE):
            if _own(resource) in resources:  # maybe for ever
                raise ValueError(f"{_own(resource)} comes again on a later page")
            resources[_own(resource)] = resource
            self._remember(resource)
        self.record |= resources.keys()
        count = await found.count()
        self._check(count == len(resources), f"{type_} {search}: {count} counted, {len(resources)} fetched")
        return list(resources.values())

    async def _laboratory(self, patient: Resource) -> None:
        """One test's course, which must be all of that test's results, and the patient found by it."""
        every = await self._all_of("Observation", patient, category="laboratory")
        codes = Counter(code for observation in every for code in _codes(observation))
        for code, times in codes.most_common(1):
            course = await self._all_of("Observation", patient, category="laboratory", code=code)
            self._check(len(course) == times, f"Observation?code={code}: {len(course)} of {times}")
            having = self.client.resources("Patient").search(_id=patient["id"])
            count = await having.has("Observation", "patient", code=code).count()
            self._check(count == 1, f"_has:Observation:patient:code={code} finds {count} patients")

    async def _includes(self, types: dict[str, Resource], patient: Resource) -> None:
        for type_ in _by_patient(types):
            for include in types[type_].get("searchInclude", []):
                await self._attempt(include, self._include(type_, include, patient))

    async def _include(self, type_: str, include: str, patient: Resource) -> None:
        """Whatever an include brings along is pointed at by what was found."""
        found = self.client.resources(type_).search(patient=patient["id"]).limit(PAGE)
        bundle = await found.include(*include.split(":")).fetch_raw()
        resources = [entry["resource"] for entry in bundle.get("entry", [])]
        pointed_at = {reference for resource in resources for reference in _references(resource)}
        for entry in bundle.get("entry", []):
            if entry["search"]["mode"] == "include":
                own = _own(entry["resource"])
                self._check(own in pointed_at, f"{type_}?_include={include}: nothing points at {own}")
                self._remember(entry["resource"])

    async def _pages(self, operation: str) -> AsyncIterator[list[Resource]]:
        """The resources of each page that an operation answers with."""
        following = f"{operation}?_count={PAGE}"
        while following:
            path, _, query = following.partition("?")
            bundle = await self.client.execute(path, method="get", params=dict(parse_qsl(query)))
            yield [entry["resource"] for entry in bundle.get("entry", [])]
            links = {link["relation"]: link["url"] for link in bundle["link"]}
            following = links.get("next", "").removeprefix(f"{self.client.url}/")

    async def _stories(self, patient: Resource) -> None:
        """One story of each of the patient's orders, and all that it names on the same page."""
        told = list[str]()
        async for resources in self._pages(f"Patient/{patient['id']}/$story"):
            within = {_own(resource) for resource in resources}
            for resource in resources:
                if resource["resourceType"] == "Parameters":
                    named = [r for r in _references(resource) if not r.startswith("Patient/")]
                    self._check(within.issuperset(named), f"$story of {named[0]}: not all is in the Bundle")
                    told.append(named[0])
                else:
                    self._remember(resource)
        orders = [own for own in self.met if own.startswith("ServiceRequest/")]
        self._check(sorted(told) == sorted(orders), f"$story tells of {told}, not of {orders}")

    async def _everything(self, patient: Resource) -> None:
        """All that searches by the patient have found, each once."""
        told = list[str]()
        async for resources in self._pages(f"Patient/{patient['id']}/$everything"):
            told += [_own(resource) for resource in resources]
        lacking = sorted(own for own in self.record.difference(told) if own.partition("/")[0] in RECORD)
        self._check(not lacking, f"$everything lacks {lacking[:5]}")
        self._check(len(told) == len(set(told)), "$everything has something twice")

    async def _resolve(self) -> None:
        """Reads whatever was pointed at, and what that points at, until nothing is new."""
        asked: set[str] = set()
        at_once = asyncio.Semaphore(AT_ONCE)
        while fresh := self.origins.keys() - asked:
            asked |= fresh
            await asyncio.gather(*(self._read(reference, at_once) for reference in sorted(fresh)))

    async def _read(self, reference: str, at_once: asyncio.Semaphore) -> None:
        pointer = self.client.reference(reference=reference)
        if not pointer.is_local:
            return
        try:
            async with at_once:
                resource = await pointer.to_resource()
        except (BaseFHIRError, aiohttp.ClientError) as error:
            why = f"{type(error).__name__}: {error}"
            self.summary.unresolved.append(Unresolved(reference, self.origins[reference], why))
            return
        self.summary.resolved += 1
        self._remember(resource)


def _own(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _by_patient(types: dict[str, Resource]) -> list[str]:
    """The types that are searched by their patient."""
    return [
        type_
        for type_, declared in types.items()
        if any(parameter["name"] == "patient" for parameter in declared.get("searchParam", []))
    ]


def _codes(observation: Resource) -> Iterator[str]:
    for coding in observation["code"].get("coding", []):
        yield f"{coding.get('system', '')}|{coding['code']}"


def _references(value: object) -> Iterator[str]:
    """Every literal reference within, but those to contained resources and within a transaction."""
    if isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str) and not reference.startswith(("#", "urn:")):
            yield reference
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _references(inner)
