"""`:in`, `:not-in`, `:above`, `:below` of tokens: a value set, or a part of a hierarchy, as its codes.

https://hl7.org/fhir/R4/search.html#token
"""

from __future__ import annotations

from collections.abc import Iterator

from mappers.parse_terms import ValueFault, token_term, unescape
from mappers.terms import Token
from terminology.service.compose import Composer
from terminology.service.source import Resolver, Resource, TerminologyFault

#: the modifiers of tokens that are answered here
BY_TERMINOLOGY = ("in", "not-in", "above", "below")
#: codes that one parameter may become
MOST = 1000


class SetFault(ValueFault):
    """A value set that can't be searched by; `code` is an issue-type."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def tokens_of(resolver: Resolver, modifier: str, value: str, bases: tuple[str, ...] = ()) -> list[Token]:
    """What the value of a parameter with one of the modifiers stands for; raises ValueFault, SetFault."""
    try:
        if modifier in ("in", "not-in"):
            found = list(_members(resolver, _value_set(resolver, unescape(value), bases)))
        else:
            found = list(_hierarchy(resolver, modifier, token_term(value)))
    except TerminologyFault as fault:
        raise SetFault(fault.code, str(fault)) from None
    if len(found) > MOST:
        raise SetFault("too-costly", f"it stands for {len(found)} codes; {MOST} may be searched at once")
    return [Token(system, code) for system, code in found]


def _value_set(resolver: Resolver, text: str, bases: tuple[str, ...]) -> Resource:
    """The value set of a canonical url, or of `ValueSet/id`."""
    url = text
    for base in bases:
        url = url.removeprefix(base.rstrip("/") + "/")
    kind, _, id_text = url.partition("/")
    found = resolver.of_id("ValueSet", id_text) if kind == "ValueSet" else resolver.value_set(text)
    if found is None:
        raise SetFault("not-found", "there is no such value set here")
    return found


def _members(resolver: Resolver, value_set: Resource) -> Iterator[tuple[str, str | None]]:
    """(system, code); code None for all of a system whose codes are not all here."""
    whole = list(_whole(resolver, value_set))
    if None not in whole:
        yield from ((str(system), None) for system in whole)
        return
    composer = Composer(resolver)
    found = list(composer.members(value_set))
    if composer.unclosed:
        raise SetFault("not-supported", f"of {', '.join(sorted(composer.unclosed))} only examples are here")
    yield from found


def _whole(resolver: Resolver, value_set: Resource) -> Iterator[str | None]:
    """The systems that the value set is the whole of; None for anything else in it."""
    compose = value_set.get("compose", {})
    includes = compose.get("include") or [{}]
    for include in includes:
        system = include.get("system")
        content = resolver.content(system, include.get("version", "")) if system else None
        alone = include.keys() <= {"system", "version"} and not compose.get("exclude")
        listed = content is not None and content.complete
        yield system if alone and system and not listed and compose.get("inactive") is not False else None


def _hierarchy(resolver: Resolver, modifier: str, token: Token) -> Iterator[tuple[str, str | None]]:
    """The code itself and those below (or above) it."""
    if not token.system or not token.code:
        raise ValueFault("expected system|code")
    content = resolver.content(token.system)
    if content is None or not content.complete or not content.has_hierarchy:
        raise SetFault("not-supported", f"no hierarchy of {token.system[:200]} is known here")
    concept = content.get(token.code)
    if concept is None:
        raise SetFault("not-found", f"{token.system[:200]} has no such code")
    others = content.below(concept.code) if modifier == "below" else content.above(concept.code)
    yield from ((token.system, code) for code in (concept.code, *sorted(others)))
