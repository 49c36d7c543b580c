"""Passwords and client secrets: argon2id, a few at a time, in the same time whether somebody is known or not.

https://www.rfc-editor.org/rfc/rfc9106
"""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

#: OWASP's first choice for argon2id: 19 MiB, two passes, one lane; about 20 ms
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
#: the hash of nobody's password, compared with where there is none to compare with
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$BigITJCmh1ohGTlxKRM9Pg$G7csuuiA2uiHR1tyzHASOjVLXRyJn730+9o6szxzOZk"
LONGEST = 1024


def hashed(secret: str) -> str:
    """The hash to keep."""
    return _HASHER.hash(secret)


def matches(kept: str, secret: str) -> bool:
    """Whether the secret is the one that was hashed; without a hash it takes as long, and is false."""
    try:
        _HASHER.verify(kept or _NOBODY, secret[:LONGEST])
    except (Argon2Error, InvalidHashError):
        return False
    return bool(kept)
