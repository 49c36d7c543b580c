"""$validate-code: whether a code is one of a system or in a value set, and its display right.

https://hl7.org/fhir/R4/valueset-operation-validate-code.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from terminology import membership
from terminology.folding import fold
from terminology.service.compose import Composer
from terminology.service.content import Concept
from terminology.service.parameters import parameters, said
from terminology.service.source import Resolver, TerminologyFault

Resource = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A code as it is asked about; `abstract` None: not stated whether a grouping code would do."""

    code: str
    system: str = ""
    version: str = ""
    display: str = ""
    language: str = ""
    abstract: bool | None = None


@dataclass(frozen=True)
class Verdict:
    """The answer: why not (or what else is to be said), and the display that the code has."""

    result: bool
    message: str = ""
    display: str = ""

    def parameters(self) -> Resource:
        """As the operation answers it."""
        return parameters(
            said("result", self.result), said("message", self.message), said("display", self.display)
        )


Judge = Callable[[Asked], Verdict]


def in_system(resolver: Resolver, asked: Asked) -> Verdict:
    """Whether the code is one of its system."""
    content = resolver.content(asked.system, asked.version)
    concept = content.get(asked.code) if content else None
    if concept is not None:
        return _well_said(asked, concept, concept.shown(asked.language))
    if content is not None and content.complete:
        return Verdict(False, f"{asked.system} has no code {asked.code!r}")
    return _unlisted(asked, membership.well_formed(asked.system, asked.code))


def _unlisted(asked: Asked, formed: bool | None) -> Verdict:
    if formed is None:
        text = "not known here: the codes of {} are not here, or not all, so that the code can't be judged"
        return Verdict(False, text.format(asked.system))
    return (
        Verdict(True) if formed else Verdict(False, f"{asked.code!r} is not how {asked.system} writes codes")
    )


def in_value_set(resolver: Resolver, value_set: Resource, asked: Asked) -> Verdict:
    """Whether the code is in the value set."""
    composer = Composer(resolver)
    if not asked.system:
        asked = _with_system(composer, value_set, asked)
        if not asked.system:
            return Verdict(False, f"the value set has no code {asked.code!r}")
    verdict = composer.holds(value_set, asked.system, asked.code)
    name = value_set.get("url") or "the value set"
    if verdict is None:
        return Verdict(
            False, f"not known here: whether {name} has {asked.code!r} of {asked.system} can't be told"
        )
    if not verdict:
        return Verdict(False, f"{name} has no code {asked.code!r} of {asked.system}")
    content = resolver.content(asked.system, asked.version)
    concept = content.get(asked.code) if content else None
    display = _stated(value_set, asked) or (concept.shown(asked.language) if concept else "")
    return _well_said(asked, concept, display)


def _with_system(composer: Composer, value_set: Resource, asked: Asked) -> Asked:
    """A bare code with the system that it has in the value set; with none if it isn't there."""
    found = sorted({system for system, code in composer.members(value_set) if code == asked.code})
    if len(found) > 1:
        raise TerminologyFault(
            "invalid", f"the code is of several systems: {', '.join(found)}; state one", 400
        )
    system = found[0] if found else ""
    return Asked(asked.code, system, asked.version, asked.display, asked.language, asked.abstract)


def _stated(value_set: Resource, asked: Asked) -> str:
    """The display that the value set itself gives the code, if it does."""
    if asked.language:
        return ""
    for include in value_set.get("compose", {}).get("include", ()):
        if include.get("system") == asked.system:
            for one in include.get("concept", ()):
                if one["code"] == asked.code:
                    return str(one.get("display", ""))
    return ""


def _well_said(asked: Asked, concept: Concept | None, display: str) -> Verdict:
    """A code that is there, judged by its display and by what kind of code it is."""
    known = (concept.displays if concept else frozenset()) | ({display} if display else set())
    if asked.display and known and fold(asked.display) not in {fold(one) for one in known}:
        return Verdict(False, f"the display of {asked.code!r} is not as stated, but {display!r}", display)
    if concept is not None and concept.abstract and asked.abstract is False:
        return Verdict(False, f"{asked.code!r} only groups other codes", display)
    return Verdict(True, _remark(asked, concept), display)


def _remark(asked: Asked, concept: Concept | None) -> str:
    if concept is None:
        return ""
    told = [f"the code is written {concept.code!r}"] if concept.code != asked.code else []
    told += ["the code is inactive"] if concept.inactive else []
    told += ["the code is deprecated"] if concept.properties.get("status") == "deprecated" else []
    return "; ".join(told)


def one_of(codings: Sequence[Asked], judge: Judge) -> Verdict:
    """The verdict on a concept: one of its codings is enough; else what is wrong with each."""
    verdicts = [judge(one) for one in codings]
    good = next((one for one in verdicts if one.result), None)
    if good is not None or len(verdicts) == 1:
        return good or verdicts[0]
    return Verdict(False, "; ".join(one.message for one in verdicts) or "the concept has no coding")
