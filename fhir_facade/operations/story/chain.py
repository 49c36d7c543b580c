"""From what was found to hops: one for each link that is there, or should be. Pure: it asks nothing.

A hop that isn't there is told from what the caller sees alone, so it never tells of what they don't.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fhir_facade.operations.story.gather import Gathered
from fhir_facade.operations.story.hop import (
    DOWN,
    FOUND,
    MISSING,
    WITHHELD,
    Due,
    Hop,
    Story,
    conflicts,
    subject,
)
from fhir_facade.operations.story.steps import (
    AI_REPORT,
    AI_TASK,
    PROCEDURE,
    REPORT,
    RESULT,
    SIGN_OFF,
    SPECIMEN,
    STUDY,
    TYPES,
    Resource,
    by_device,
    expected,
    when,
)
from mappers.include import address, values_at

#: what is due by the status of an order, of a job; by any other one it is still to come
ORDER_DUE: dict[str, Due] = {"completed": True, "draft": None, "revoked": None, "entered-in-error": None}
TASK_DUE: dict[str, Due] = {
    "completed": True,
    "failed": True,
    **dict.fromkeys(("cancelled", "rejected", "entered-in-error")),
}
OVER = frozenset({"cancelled", "rejected", "entered-in-error", "unsatisfactory", "unavailable"})
#: verified by somebody who may: https://hl7.org/fhir/R4/valueset-diagnostic-report-status.html
VERIFIED = frozenset({"final", "amended", "corrected", "appended"})
#: who answers for a report: https://hl7.org/fhir/R4/valueset-provenance-agent-type.html
ANSWERABLE = frozenset({"author", "verifier", "attester", "legal"})


def story(found: Gathered, order: Resource) -> Story:
    """The story of one of the orders that were asked for."""
    hops = (Hop("order", FOUND, resources=(order,)), *_Chain(found, order).hops())
    whose = subject(order, found.base)
    return Story(order, whose, hops, tuple(dict.fromkeys(conflicts(whose, hops, found.base))))


class _Chain:
    """Links what was found to one order."""

    def __init__(self, found: Gathered, order: Resource) -> None:
        self.found, self.order, self.root = found, order, address(order)
        self.expected = expected(order)
        self.because = f"the order's status is {order.get('status', 'not stated')}"
        self.due: Due = ORDER_DUE.get(order.get("status", ""), False)
        self.told: set[str] = set()

    def hops(self) -> Iterator[Hop]:
        """All hops behind the order."""
        specimens, studies = self._named(self.root, "specimen"), self._based(TYPES[STUDY])
        reports = [r for r in self._reports(studies) if not by_device(r)]
        yield from self._specimens(specimens)
        yield from self._results(specimens)
        yield from self._simple(PROCEDURE, self._based(TYPES[PROCEDURE]), self.due)
        yield from self._simple(STUDY, studies, self._due(bool(reports)))
        last = tuple(self._reported(studies, reports))
        yield from last
        yield from self._machines(studies)
        yield from self._other_results()
        if not reports:
            yield from (replace(h, step=SIGN_OFF) for h in last if h.state != FOUND)
        for report in self._reports(studies):
            yield from self._signed(report)

    def _due(self, followed: bool) -> Due:
        """Whether something should be there: at last when what follows on it is."""
        return True if followed and self.due is False else self.due

    # what belongs together

    def _named(self, of: str, path: str) -> list[Resource]:
        """What a resource refers to."""
        return [r for a in self.found.names(self._at(of), path) if (r := self.found.resources.get(a))]

    def _referring(self, resource_type: str, path: str, to: str) -> list[Resource]:
        """What refers to a resource."""
        return self.found.referring(resource_type, path, to)

    def _based(self, resource_type: str) -> list[Resource]:
        return self._referring(resource_type, "basedOn", self.root)

    def _reports(self, studies: Sequence[Resource]) -> list[Resource]:
        """All of them, on the order and on its studies, each once."""
        found = [*self._based("DiagnosticReport")]
        for study in studies:
            found += self._referring("DiagnosticReport", "imagingStudy", address(study))
        return list({address(r): r for r in found}.values())

    def _at(self, of: str) -> Resource:
        return self.found.resources[of]

    # the laboratory

    def _specimens(self, specimens: Sequence[Resource]) -> Iterator[Hop]:
        named = list(self.found.names(self.order, "specimen"))
        yield from self._hop(SPECIMEN, self.root, specimens)
        if len(specimens) < len(named):
            yield from self._absent(SPECIMEN, self.root, True, "the order names it")
        elif not specimens:
            yield from self._simple(SPECIMEN, (), self._due(bool(self._based("Observation"))))

    def _results(self, specimens: Sequence[Resource]) -> Iterator[Hop]:
        for specimen in specimens:
            of = address(specimen)
            mine = [r for r in self._referring("Observation", "specimen", of) if self._is_of_order(r)]
            yield from self._hop(RESULT, of, mine)
            if not mine:
                due = None if specimen.get("status") in OVER else self.due
                yield from self._absent(RESULT, of, due, self.because)
        rest = [r for r in self._based("Observation") if address(r) not in self.told]
        yield from self._hop(RESULT, self.root, rest)
        if not specimens and not rest:
            yield from self._simple(RESULT, (), self.due)

    def _is_of_order(self, result: Resource) -> bool:
        """Whether a specimen's result is this order's: of no other one."""
        stated = list(self.found.names(result, "basedOn"))
        return not stated or self.root in stated

    def _other_results(self) -> Iterator[Hop]:
        """What reports name besides, as an AI's findings."""
        for report in self.found.of_type("DiagnosticReport"):
            of, named = address(report), list(self.found.names(report, "result"))
            if of not in self.told:
                continue  # another order's
            rest = [r for r in self._named(of, "result") if address(r) not in self.told]
            yield from self._hop(RESULT, of, rest)
            if any(a not in self.found.resources for a in named):
                yield from self._absent(RESULT, of, True, "the report names it")

    # imaging

    def _reported(self, studies: Sequence[Resource], reports: Sequence[Resource]) -> Iterator[Hop]:
        unread: list[tuple[str, Due]] = []
        for study in studies:
            of = address(study)
            mine = [r for r in reports if of in self.found.names(r, "imagingStudy")]
            yield from self._hop(REPORT, of, mine)
            if not mine:
                unread.append((of, None if study.get("status") in OVER else self.due))
        rest = [r for r in reports if address(r) not in self.told]
        yield from self._hop(REPORT, self.root, rest)
        if not rest:
            for of, due in unread if studies else [(self.root, self.due)]:
                yield from self._simple(REPORT, (), due, of)

    def _machines(self, studies: Sequence[Resource]) -> Iterator[Hop]:
        tasks = [t for s in studies for t in self._referring("Task", "focus", address(s))]
        for study in studies:
            mine = self._referring("Task", "focus", address(study))
            yield from self._hop(AI_TASK, address(study), mine)
            if not mine:
                yield from self._hidden(AI_TASK, address(study))
        if not studies and STUDY in self.expected:
            yield from self._unknown_studies()
        for task in tasks:
            yield from self._output(task)
        for study in studies:
            of = address(study)
            asked = self._referring("DiagnosticReport", "imagingStudy", of)
            rest = [r for r in asked if by_device(r) and address(r) not in self.told]
            yield from self._hop(AI_REPORT, of, rest)

    def _unknown_studies(self) -> Iterator[Hop]:
        """Where no study can be told of, no job on it can be either."""
        for hop in self._absent(STUDY, self.root, False, ""):
            if hop.state != MISSING:
                yield replace(hop, step=AI_TASK)

    def _hidden(self, step: str, of: str) -> Iterator[Hop]:
        """What nobody has to expect is told of only where it can't be seen whether it is there."""
        yield from (h for h in self._absent(step, of, False, "") if h.state != MISSING)

    def _output(self, task: Resource) -> Iterator[Hop]:
        of, status = address(task), task.get("status", "")
        made = [r for r in self._named(of, "output.value") if r["resourceType"] == TYPES[AI_REPORT]]
        yield from self._hop(AI_REPORT, of, made)
        if not made:
            due, studies = TASK_DUE.get(status, False), self.found.names(task, "focus")
            yield from self._absent(AI_REPORT, of, due, f"the job's status is {status}", *studies)

    # signing

    def _signed(self, report: Resource) -> Iterator[Hop]:
        of, status = address(report), report.get("status", "unknown")
        signed = [p for p in self._referring("Provenance", "target", of) if _answers(p)]
        yield from self._hop(SIGN_OFF, of, signed)
        if not signed:
            yield from self._unsigned(report, of, status)

    def _unsigned(self, report: Resource, of: str, status: str) -> Iterator[Hop]:
        """Where a source keeps no Provenance of its reports, their status says whether they are verified."""
        because = f"the report's status is {status}"
        if ("Provenance", of) in self.found.tells:
            due = None if status in OVER else status in VERIFIED
            yield from self._absent(SIGN_OFF, of, due, because)
        elif status in VERIFIED:
            why = f"{because}: its source keeps no other sign-off"
            yield Hop(SIGN_OFF, FOUND, of, (report,), why=why)
        elif status not in OVER:
            yield Hop(SIGN_OFF, MISSING, of, expected=False, why=f"still to come: {because}")

    # hops

    def _hop(self, step: str, of: str, resources: Sequence[Resource]) -> Iterator[Hop]:
        """The link, if there is one."""
        if resources:
            self.told.update(address(r) for r in resources)
            in_time = sorted(resources, key=lambda r: (when(r), address(r)))
            yield Hop(step, FOUND, of, tuple(in_time))

    def _simple(self, step: str, resources: Sequence[Resource], due: Due, of: str = "") -> Iterator[Hop]:
        """A step of the order's own: there, or absent where its kind of order has it."""
        if resources:
            yield from self._hop(step, of or self.root, resources)
        elif step in self.expected and (TYPES[step], self.root) in self.found.tells | self.found.untold:
            because = self.because if due == self.due else "what follows on it is there"
            yield from self._absent(step, of or self.root, due, because)

    def _absent(self, step: str, of: str, due: Due, because: str, *also: str) -> Iterator[Hop]:
        """Why there is no link; nothing where none is to come and that can be seen. `also`: by what else it
        was asked for.
        """
        kind, expected = TYPES[step], bool(due)
        if kind in self.found.closed:
            why = f"your scopes and role do not open {kind}: whether there is one is not told"
            yield Hop(step, WITHHELD, of, expected=expected, why=why)
        elif any((kind, a) in self.found.untold for a in (of, self.root, *also)):
            why = f"{kind} can't be asked or read in full just now: whether there is one can't be told"
            yield Hop(step, DOWN, of, expected=expected, why=why)
        elif due is not None:
            seen = "none that you may see" if kind in self.found.partly else "none"
            why = f"expected, since {because}; there is {seen}" if due else f"still to come: {because}"
            yield Hop(step, MISSING, of, expected=due, why=why)


def _answers(provenance: Resource) -> bool:
    """Whether somebody answers for the target: more than a device that made it."""
    codes = values_at(provenance, ("agent", "type", "coding", "code"))
    return "signature" in provenance or not ANSWERABLE.isdisjoint(codes)
