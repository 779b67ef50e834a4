"""Known secrets: the passwords and keys that this process uses, in each form in which a text may repeat them."""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode, urlsafe_b64encode
from functools import lru_cache
from urllib.parse import quote, quote_plus

HIDDEN = "***"
_SECRET_VARIABLE = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$")
_LONG = 16
_SHORTEST = 8
_kept: set[str] = set()


def keep_secret(*values: str) -> None:
    """Hide these values from now on."""
    _kept.update(value for value in values if value)


def without_known(text: str, *, also: frozenset[str] = frozenset()) -> str:
    """The text with `***` in place of each known secret: those kept, and those of the environment.

    A value that may be an ordinary word, such as the password "postgres", is hidden only if it is in `also`: the
    secrets of the server whose words these are. Texts of models would lose that word.
    """
    secrets = frozenset(value for value in _kept | _of_environment() if _is_unmistakable(value))
    if not (secrets or also):
        return text
    return _pattern(secrets, also).sub(HIDDEN, text)


def _of_environment() -> set[str]:
    return {value.strip() for name, value in os.environ.items() if _SECRET_VARIABLE.search(name.upper())}


def _is_unmistakable(value: str) -> bool:
    return len(value) >= _LONG or (len(value) >= _SHORTEST and not value.isalpha())


@lru_cache(maxsize=32)
def _pattern(secrets: frozenset[str], also: frozenset[str]) -> re.Pattern[str]:
    """Finds each form of each secret; a short one only as a word of its own."""
    forms = {form for secret in secrets | also for form in _forms(secret)}
    longest_first = sorted(filter(None, forms), key=len, reverse=True)
    return re.compile("|".join(map(_as_pattern, longest_first)))


def _forms(secret: str) -> set[str]:
    """The secret as it is, in a URL, in JSON, in JSON in JSON, and in base64 (without the padding at its end)."""
    data = secret.encode(errors="surrogateescape")
    forms = {secret}
    for _ in range(2):
        forms |= {json.dumps(form, ensure_ascii=ascii_only)[1:-1] for form in forms for ascii_only in (True, False)}
    forms |= {quote(data, safe=""), quote(data), quote_plus(data)}
    if len(secret) >= _SHORTEST:
        forms |= {encoded(data).decode().rstrip("=") for encoded in (b64encode, urlsafe_b64encode)}
    return forms


def _as_pattern(form: str) -> str:
    if len(form) >= _LONG:
        return re.escape(form)
    return rf"(?<![A-Za-z0-9]){re.escape(form)}(?![A-Za-z0-9])"
