"""`urial-opt doctor`: finds out what a server supports, and shows the command for a search on it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from urial_opt.cli.options import json_option
from urial_opt.cli.output import write_json, write_line

if TYPE_CHECKING:
    from urial_opt.doctor import Diagnosis

_KINDS = ("openai:", "openai-chat:", "llm:")


@click.command(short_help="Find out what a model server supports.")
@click.argument("model", required=False)
@click.option(
    "--url",
    "--base-url",
    metavar="URL",
    default="",
    help="Server to ask, such as http://localhost:8000/v1. [default: OPENAI_BASE_URL, or OpenAI's own]",
)
@click.option("--timeout", type=click.FloatRange(0, min_open=True), default=120.0, show_default=True, help="Seconds.")
@json_option
def command(model: str | None, url: str, timeout: float, *, as_json: bool) -> None:
    """Find out what a model's server supports that a search needs, and which command to type.

    MODEL is the server's name for the model, with or without the prefix openai:; it may be omitted if the server has
    only one. The key, if needed, is taken from OPENAI_API_KEY. About 60 requests are sent, with up to 10,000 tokens
    in total.

    \b
    Examples:
      urial-opt doctor Qwen/Qwen3-8B-Base --url http://localhost:8000/v1
      urial-opt doctor --url http://localhost:8000/v1 --json

    \b
    With --json an object with the keys
      server,
      findings (by name: verdict, which is yes, no, ignored or not known, and says, a sentence):
        models, completions, chat, name (in replies), plain_prompts (a base model sees the prompt
        as it is), greedy (the same each time), temperature, seed, max_tokens, stop,
        repetition_penalty, no_penalty_of_its_own, usage, several_prompts, logprobs, echo_logprobs,
        prompt_logprobs, context_length, prefix_cache, cached_tokens (reported in usage),
        many_at_once,
      context_length (in tokens; null if not reported), latency (median seconds of a request for one
        token; null if not known), tokens_per_second (with 1 and 16 requests at once; empty if
        tokens are not counted),
      warnings (problems for a search), command (the search command to type)
    """
    from urial_opt.doctor import examine_server

    called = model or ""
    for kind in _KINDS:
        called = called.removeprefix(kind)
    diagnosis = examine_server(
        called, url=url, timeout=timeout, watch=lambda name: write_line(f"[asking] {name}", err=True)
    )
    if as_json:
        write_json(diagnosis.as_json())
    else:
        _show(diagnosis)


def _show(diagnosis: Diagnosis) -> None:
    from urial_opt.cli.layout import print_words, say
    from urial_opt.cli.suggestions import say_suggestions

    say(diagnosis.server, bold=True)
    rows = [
        (name.replace("_", " "), finding.verdict.value, finding.says) for name, finding in diagnosis.findings.items()
    ]
    print_words(rows, heads=("ability", "verdict", "what was found"))
    say()
    if diagnosis.latency is not None:
        say(f"A request for one token takes {diagnosis.latency:.3f} s.")
    if diagnosis.tokens_per_second:
        rates = ", ".join(f"{rate:.0f} with {n} at once" for n, rate in diagnosis.tokens_per_second.items())
        say(f"Tokens per second: {rates}.")
    for warning in diagnosis.warnings:
        say(f"Mind: {warning}.", rest="  ")
    say_suggestions("\nNext:", shlex.split(diagnosis.command))
