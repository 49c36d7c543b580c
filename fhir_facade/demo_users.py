"""The demo hospital's users as built-in users: one random password for all, kept beside the databases."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mappers.demo.embedded import alone
from smart_auth.access.caller import User
from smart_auth.passwords import hashed
from smart_auth.store.users import Users

FILE = "demo-password"


def add_demo_users(users: Users, folder: Path) -> None:
    """Adds them where there is no user at all yet; of workers that start together one does it."""
    with alone(folder, ".adding-users"):
        if not users.all():
            password_hash = hashed(_new_password(folder))
            users.add_all([(user, password_hash) for user in demo_users()])


def demo_users() -> Iterator[User]:
    """Staff with their Practitioner, patients with their Patient."""
    from mappers.demo.hospital import demo_rows

    rows = [(table.name, row) for table, row in demo_rows()]
    patients = {row["name"]: row["patient_id"] for table, row in rows if table == "emr_patientcache"}
    for row in (row for table, row in rows if table == "accounts_user"):
        name = f"{row['last_name']}{row['first_name']}"
        yield User(
            subject=f"demo-{row['username']}",
            username=row["username"],
            name=name,
            roles=frozenset({row["role"]}),
            fhir_user=_fhir_user(row, patients.get(name, "")),
        )


def _fhir_user(row: dict[str, Any], patient: str) -> str:
    if row["role"] != "patient":
        return f"Practitioner/user-{row['id']}"
    return f"Patient/{patient}" if patient else ""


def password(folder: Path) -> str:
    """The password of the demo's users, or empty where there is none."""
    path = folder / FILE
    return path.read_text().strip() if path.exists() else ""


def _new_password(folder: Path) -> str:
    made = secrets.token_urlsafe(9)
    descriptor = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(made + "\n")
    return made
