"""The computed documentation: every page as text, and the command that writes or checks them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import fields
from http import HTTPStatus
from pathlib import Path
from typing import Any

from capability.describe import described
from capability.operation_pages import operations_page
from capability.pages import NOTE, code, mapping_page, parameters_page, table
from fhir_facade.export.operations import EXPORTS
from fhir_facade.faults import raised
from fhir_facade.registry import OPERATIONS, by_type
from fhir_facade.search_request import RESULT_PARAMETERS
from fhir_facade.search_request import Reader as SearchReader
from fhir_facade.settings import Settings
from smart_auth.access.policy import care_relations, policy

#: written by hand, in the order in which the index lists them
BY_HAND = (
    "api/README.md",
    "api/story.md",
    "api/writing.md",
    "api/dicomweb.md",
    "api/storing-images.md",
    "api/authorization.md",
    "api/first-smart-app.md",
    "api/bulk-export.md",
    "api/validation.md",
    "api/terminology.md",
    "operations/README.md",
    "operations/authorization.md",
    "operations/keycloak.md",
    "operations/audit.md",
    "operations/encryption.md",
    "operations/imaging.md",
    "operations/image-viewer.md",
    "mapping-guide.md",
    "architecture.md",
)


def pages(folder: Path) -> dict[str, str]:
    """Path below the folder → content of every computed page; the others' titles are read from the folder."""
    types = described(by_type())
    found = {f"mappings/{t.resource_type}.md": mapping_page(t) for t in types}
    found["api/search-parameters.md"] = parameters_page(types, result_parameters())
    found["api/operations.md"] = operations_page((*OPERATIONS, *EXPORTS))
    found["api/errors.md"] = errors_page()
    found["operations/settings.md"] = settings_page()
    found["operations/access-policy.md"] = policy_page()
    found["index.md"] = index_page(folder, found)
    return found


def result_parameters() -> dict[str, str]:
    """The parameters that shape a result, with what the code says of them."""
    found = {}
    for name in RESULT_PARAMETERS:
        said: str = getattr(SearchReader, "take" + name).__doc__ or ""
        found[name] = said.strip().partition(": ")[2] or said.strip().replace("`", "").rstrip(".")
    return found


def errors_page() -> str:
    """Statuses and issue-types, with what the diagnostics say."""
    lines = ["# Errors", "", NOTE, "", _ERRORS, ""]
    errors = raised()
    for status in dict.fromkeys(e.status for e in errors):
        lines += [f"## {status} {HTTPStatus(status).phrase}", ""]
        rows = [(code(e.code), e.says) for e in errors if e.status == status]
        lines += table(("issue code", "diagnostics"), rows)
    return "\n".join(lines).rstrip() + "\n"


_ERRORS = """\
Every answer of 400 and above is an [OperationOutcome](https://hl7.org/fhir/R4/operationoutcome.html):
`issue.code` is one of the standard's issue types, `issue.diagnostics` says what is wrong and what would
be right, and `issue.expression` names the parameter (`http.birthdate`). What stands in braces varies. No text
repeats a value of a record. The header `X-Request-Id` (yours, if you send one) finds it in the log."""


def settings_page() -> str:
    """Every setting with its default."""
    rows = []
    for field in fields(Settings):
        default = "" if field.default in ("", None) else code(str(field.default))
        secret = " Secret." if field.metadata["secret"] else ""
        rows.append((code(field.name.upper()), default, field.metadata["doc"] + "." + secret))
    lines = [
        "# Settings",
        "",
        NOTE,
        "",
        "Settings are environment variables. With none, the embedded demo runs.",
        "",
    ]
    return "\n".join([*lines, *table(("setting", "default", "what"), rows)]).rstrip() + "\n"


def policy_page() -> str:
    """The packaged policy: whose rows each role may see and write."""
    lines = ["# Who may see what", "", NOTE, "", _POLICY, ""]
    held = policy()
    for role in held.roles:
        labels = held.withheld(role)
        hidden = (
            f"Visits labelled {', '.join(labels)}, and what belongs to them, are hidden." if labels else ""
        )
        lines += [f"## {role}", "", *([hidden, ""] if hidden else [])]
        rules = [r for r in held.rules if r.role == role]
        rows = [
            (code(r.resource_type), code(_letters(r.permissions)), r.rows, code(r.query) if r.query else "")
            for r in rules
        ]
        lines += table(("type", "may", "rows", "that match"), rows)
    lines += ["## Care relations", "", *(f"- {code(n)} = {code(v)}" for n, v in care_relations())]
    return "\n".join(lines).rstrip() + "\n"


def _letters(permissions: frozenset[str]) -> str:
    return "".join(p for p in "cruds" if p in permissions)


_POLICY = """\
What a token opens is what its scopes say, bounded by this table: a role's rule names a type, what may be done
with it (SMART's letters: create, read, update, delete, search), whose rows, and a search that they must match
too (`{user}` is the user's own Practitioner or Patient). What no rule names is closed.

`all`: every patient's. `care`: with `ACCESS_MODEL=care-team` those of patients whom the user has to do with
(below), else all. `own`: the patient's own compartment. `consented`: of patients with an active Consent for
that user. `patient/` scopes are bounded by the launch's patient besides; `system/` scopes of a backend
service by what the client was registered for.

A report that is still a draft (`DiagnosticReport` of the RIS, `registered`) is its radiologist's alone, for
all of these rules, for `system/` scopes and in an emergency: nobody else finds, reads or counts it, or what
it said as a draft once it is released. Rows `drafts` are all, those among them: the packaged table has none.

In an emergency a clinician opens one patient's record past these rules: `POST /api/auth/emergency` with the
user's own token and the form fields `patient` (an id) and `reason` (10 to 500 characters) answers with a
token for half an hour. Every administrator is alerted first, and the audit trail marks what it is used for.

A hospital's own table (CSV, the columns of `smart_auth/access/policy.csv`) is named by `ACCESS_POLICY`; one
that can't be read stops the start. The resident number needs the role `resident-number` besides
`SERVE_RESIDENT_NUMBER`, for seeing it and for searching by it."""


def index_page(folder: Path, computed: Mapping[str, Any]) -> str:
    """Where to find what."""
    lines = ["# Documentation", "", NOTE, ""]
    lines += [f"- [{_title(folder / path)}]({path})" for path in BY_HAND if (folder / path).exists()]
    lines += ["- [Search parameters](api/search-parameters.md), [operations](api/operations.md)"]
    lines += ["- [Errors](api/errors.md)"]
    lines += ["- [Settings](operations/settings.md), [who may see what](operations/access-policy.md)"]
    lines += ["", "## Mappings", ""]
    lines += [f"- [{Path(p).stem}]({p})" for p in sorted(computed) if p.startswith("mappings/")]
    lines += ["", "## Decisions", ""]
    records = sorted((folder / "decisions").glob("*.md"))
    lines += [f"- [{_title(r)}](decisions/{r.name})" for r in records]
    return "\n".join(lines).rstrip() + "\n"


def _title(path: Path) -> str:
    return path.read_text("utf-8").partition("\n")[0].removeprefix("# ").strip()


def add_to(commands: Any) -> None:
    """Adds `docs` to the commands."""
    parser = commands.add_parser("docs", help="write the documentation that is computed from the code")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if any page is out of date")
    parser.add_argument("--folder", type=Path, default=Path("docs"), help="default: docs")
    parser.set_defaults(run=docs)


def docs(settings: Settings, chosen: argparse.Namespace) -> int:
    """Writes the pages and removes those of types that are gone; with `--check`, names those that differ."""
    found = pages(chosen.folder)
    stale = stale_pages(chosen.folder, found)
    if chosen.check:
        for path in stale:
            print(f"out of date: {chosen.folder / path} (run `make docs`)", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        _write(chosen.folder / path, found.get(path))
    print(f"{len(found)} pages in {chosen.folder}, {len(stale)} changed")
    return 0


def stale_pages(folder: Path, found: Mapping[str, str]) -> list[str]:
    """The pages that differ from what they should be, or should not be there."""
    differ = [p for p, text in found.items() if not _same(folder / p, text)]
    gone = [
        f"mappings/{p.name}" for p in (folder / "mappings").glob("*.md") if f"mappings/{p.name}" not in found
    ]
    return sorted(differ + gone)


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text("utf-8") == text


def _write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
