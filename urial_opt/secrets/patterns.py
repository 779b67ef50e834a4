"""Patterns of secrets: where a URL, a header or a setting has a password or key, even one that nobody keeps."""

from __future__ import annotations

import re
from urllib.parse import unquote

from urial_opt.secrets.known import HIDDEN, keep_secret, without_known

_NAME = r"[\w.-]*(?:key|token|secret|passwd|password|pwd|signature|sig|credential|auth)"
_SETTING = r"(?:password|passwd|pwd|api[_-]?key|access[_-]?token|secret)"


def _hide(pattern: str) -> tuple[re.Pattern[str], str]:
    """A pattern whose match is hidden after its first group."""
    return re.compile(pattern, re.IGNORECASE), rf"\1{HIDDEN}"


_WEB_LOGIN = _hide(r"""(https?:/{1,2})[^\s'"/]+(?=@)""")
"""Its user alone may be a key. An "@" after the first slash belongs to the path. `Path` makes one slash of two."""
_DATABASE_PASSWORD = _hide(r"""((?!https?:)\b[a-z][a-z0-9+.-]*:/{1,2}[^\s'":/@]*:)[^\s'"]*(?=@)""")
"""It may contain unescaped slashes and "@"."""
_PARAMETER = _hide(rf"""([?&;]{_NAME}=)[^&\s'"#;]+""")
_PATTERNS = (
    _WEB_LOGIN,
    _DATABASE_PASSWORD,
    _PARAMETER,
    _hide(rf"""(\b{_SETTING}=)(?!['"]?[*…])[^\s'"&;,)]+"""),
    _hide(r"(\b(?:bearer|basic)[ \t]+)(?=[a-z]*[\d=_/+.-])[\w.~+/=-]{8,}"),
    _hide(r"(\b(?:sk|pk|hf|gsk|xai|ghp|glpat)[-_])[\w-]{16,}"),
)


def redacted(text: str, *, also: frozenset[str] = frozenset()) -> str:
    """What we say about a server, a store or an option, without known secrets and whatever looks like a secret.

    Texts of models are not for this function: an answer may show an address with a password as an example.
    """
    text = without_known(text, also=also)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def keep_secrets_of(url: str) -> frozenset[str]:
    """The secrets in a URL, which are hidden from now on: its password and parameters such as `sslpassword`."""
    found = _hidden(_DATABASE_PASSWORD, url) + _hidden(_PARAMETER, url)
    for login in _hidden(_WEB_LOGIN, url):
        user, _, password = login.partition(":")
        found.append(password or user)
    secrets = frozenset({*found, *map(unquote, found)} - {""})
    keep_secret(*secrets)
    return secrets


def _hidden(pattern: tuple[re.Pattern[str], str], text: str) -> list[str]:
    return [found[0].removeprefix(found[1]) for found in pattern[0].finditer(text)]


def is_secret(name: str) -> bool:
    """Whether an option of this name, such as `api_key`, holds a secret."""
    return re.fullmatch(_NAME, name, re.IGNORECASE) is not None
