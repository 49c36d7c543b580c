"""What may be used only once, on whichever worker it comes."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from smart_auth.seal import digest
from smart_auth.store.tables import Used
from smart_auth.store.transaction import Store


def first_use(store: Store, what: str, expires: int) -> bool:
    """Whether this is the first time; remembered until `expires`."""
    try:
        with store.transaction() as session:
            session.add(Used(id=digest(what), expires=expires))
    except IntegrityError:
        return False
    return True
