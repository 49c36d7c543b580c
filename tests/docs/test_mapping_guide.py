"""The mapping guide works as it stands: its code is run, and the resource is served."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

from smart_auth.access.policy import groups

GUIDE = Path(__file__).parents[2] / "docs" / "mapping-guide.md"
# What the reader does by hand: a row in the table, a line in the registry, a request.
AFTER = """
import asyncio, json, sqlite3, sys
from pathlib import Path
import httpx
from fhir_facade import registry
from fhir_facade.app import create_app
from fhir_facade.settings import Settings
from mappers.demo import create_embedded

registry.by_type.__defaults__ = ((*registry.MAPPINGS, RISK_ASSESSMENT),)
folder = Path(sys.argv[1])
create_embedded(folder)
with sqlite3.connect(folder / "cdss.db") as connection:
    connection.execute(f"INSERT INTO emr_fallrisk VALUES ({', '.join('?' * 8)})", json.loads(sys.argv[2]))
connection.close()

async def main():
    transport = httpx.ASGITransport(app=create_app(Settings(data_dir=str(folder), enable_security=False)))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000/api/fhir/") as client:
        paths = ["metadata", "RiskAssessment?risk=high&date=gt2025-01-01&_include=RiskAssessment:patient"]
        print(json.dumps([(await client.get(path)).json() for path in paths]))

asyncio.run(main())
"""


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)


def test_a_table_becomes_a_resource(tmp_path: Path) -> None:
    opened, rows = (list(csv.reader(io.StringIO(block))) for block in _blocks("csv"))
    assert all(group in groups() and kind == "RiskAssessment" for group, kind in opened)
    script = tmp_path / "guide.py"
    script.write_text("\n".join([*_blocks("python"), AFTER]), "utf-8")
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "data"), json.dumps(rows[1])],
        capture_output=True,
        text=True,
        cwd=root,
        env={"PYTHONPATH": str(root)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    metadata, bundle = json.loads(done.stdout)
    claimed = {r["type"]: r for r in metadata["rest"][0]["resource"]}["RiskAssessment"]
    assert {"patient", "date", "performer", "risk"} <= {p["name"] for p in claimed["searchParam"]}
    risk, patient = (e["resource"] for e in bundle["entry"])
    assert (risk["id"], risk["occurrenceDateTime"]) == ("fall-1", "2025-03-02T09:30:00+09:00")
    assert risk["prediction"][0]["qualitativeRisk"]["coding"][0]["code"] == "high"
    assert patient["id"] == "P-2025-000001"
