"""What every refusal has in common."""

import re

import httpx

# what no client may see of the inside
_INTERNAL = re.compile(
    r"SELECT |FROM |Traceback|\.py|/tmp|/work|sqlite3|asyncmy|pymysql|sqlalchemy|OperationalError|, line \d+",
    re.I,
)


def refused(response: httpx.Response, status: int, code: str | None = None, about: str = "") -> None:
    """An OperationOutcome with a status, an issue code, what it is about, and nothing internal."""
    assert response.status_code == status, f"{response.status_code} {response.text[:300]}"
    assert response.headers["content-type"] == "application/fhir+json;charset=utf-8"
    assert response.headers["x-request-id"]
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    [issue, *_] = outcome["issue"]
    assert issue["severity"] in ("error", "fatal")
    assert issue["diagnostics"]
    assert not _INTERNAL.search(response.text), response.text
    if code:
        assert issue["code"] == code, issue
    if about:
        assert any(about in e for e in issue.get("expression", [])), issue
