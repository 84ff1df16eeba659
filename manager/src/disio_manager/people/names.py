"""What users and their passwords may be called.

Rule: pure; a password is compared in one form (NFC), however a keyboard composes its letters.
"""

import re
import unicodedata

from disio_manager.people.roles import MACHINE, SYSTEM

MIN_PASSWORD, MAX_PASSWORD = 10, 200
"""Characters. No rules about which: length is what makes a password hard to guess."""
NAME_PATTERN = "^[a-z0-9][a-z0-9._-]{0,31}$"
_NAME = re.compile(NAME_PATTERN)
_TAKEN = frozenset({MACHINE, SYSTEM})


def name_problem(name: str) -> str | None:
    """Return why nobody can be called so, or None."""
    if not _NAME.fullmatch(name):
        return "must be 1 to 32 of a-z, 0-9, dot, dash and underscore, the first a letter or digit"
    return f"{name} is what disio calls itself" if name in _TAKEN else None


def normal(password: str) -> str:
    """Return the form of a password that is hashed."""
    return unicodedata.normalize("NFC", password)


def password_problem(password: str, name: str) -> str | None:
    """Return why this cannot be somebody's password, or None."""
    text = normal(password)
    if not MIN_PASSWORD <= len(text) <= MAX_PASSWORD:
        return f"must have {MIN_PASSWORD} to {MAX_PASSWORD} characters"
    if any("\ud800" <= char <= "\udfff" for char in text):
        return "holds what is no character"
    return "must not be the user's name" if text.casefold() == name.casefold() else None
