"""Template trial: a chat template is rendered in a process of its own first, since a stranger's may never end.

Templates run in a sandbox that keeps them from files and network, not from loops and from texts that double. Where the
trial ends in an error, nothing is said: the rendering that follows says it better.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import lru_cache

from urial_opt.errors import InputError

MOST_SECONDS = 10
MOST_BYTES = 2**30
"""Address space of the trial, where the system can bound it."""
MOST_CHARACTERS = 1_000_000
"""Length of the layout around a query of one letter."""

_TRIAL = """
import json, sys
asked = json.load(sys.stdin)
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (asked["bytes"], asked["bytes"]))
except (ImportError, OSError, ValueError):
    pass
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

class Generation(Extension):
    tags = {"generation"}
    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)

def refuse(message):
    raise ValueError(message)

known = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
known.filters["tojson"] = lambda value, **options: json.dumps(value, ensure_ascii=False)
known.globals.update(raise_exception=refuse, strftime_now=lambda form: "")
try:
    text = known.from_string(asked["template"]).render(**asked["values"])
except (MemoryError, OverflowError):
    sys.exit(9)
except Exception:
    sys.exit(0)
sys.exit(9 if len(text) > asked["characters"] else 0)
"""


@lru_cache(maxsize=64)
def try_template(template: str, *, roles: tuple[str, ...], owner: str) -> None:
    """InputError if the template takes too long, too much memory or too much text for a short conversation."""
    values = {"messages": [{"role": role, "content": "a"} for role in roles], "add_generation_prompt": True}
    values |= {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "", "pad_token": "", "tools": None}
    asked = {"template": template, "values": values, "bytes": MOST_BYTES, "characters": MOST_CHARACTERS}
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _TRIAL],
            input=json.dumps(asked).encode(),
            capture_output=True,
            timeout=MOST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(_refusal(owner)) from error
    if done.returncode in (9, -9):
        raise InputError(_refusal(owner))


def _refusal(owner: str) -> str:
    return (
        f"the chat template of {owner!r} does not end within {MOST_SECONDS} s, 1 GiB and {MOST_CHARACTERS:,} "
        "characters for a short conversation; name a model whose template does"
    )
