"""The checks of the doctor: each tests one ability of a server with a few short requests."""

from __future__ import annotations

from urial_opt.doctor.examined_server import Check, CheckResult, ExaminedServer, NoReplyError, ignored, no, unknown, yes
from urial_opt.models.server.fields import PENALTIES
from urial_opt.models.server.served import is_called
from urial_opt.models.server.usage import can_be

_STORY = "Once upon a time, in a small village,"
_LOOP = "tick tock tick tock tick tock tick tock"
_SPECIAL_TOKENS = 3
"""The most special tokens that a tokenizer adds to a plain prompt; a chat template adds more."""


def _answers(server: ExaminedServer) -> CheckResult:
    server.ask("The capital of France is", max_tokens=4)
    return yes("It continues text." if server.completes else "It answers messages.")


def _name(server: ExaminedServer) -> CheckResult:
    server.ask("a", max_tokens=1)
    answered = server.answers_as
    if not answered:
        return unknown("Its replies name no model.")
    if is_called(answered, server.endpoint.model):
        return yes("Its replies have the name that was asked.")
    return no(
        f"Asked as {server.endpoint.model}, it answers as {answered}.",
        warning=f"Its replies have another name, {answered}: a change of it during a run is an error, and "
        f"model_replies={answered} makes another name one from the start",
    )


def _repeats(server: ExaminedServer) -> CheckResult:
    texts = {server.text(_STORY) for _ in range(3)}
    if len(texts) > 1:
        return no(f"The same prompt gave {len(texts)} different texts out of 3 at temperature 0.")
    return yes("The same prompt gave the same text 3 times.")


def _temperature(server: ExaminedServer) -> CheckResult:
    greedy = server.text(_STORY)
    if {server.text(_STORY, temperature=1.0) for _ in range(3)} == {greedy}:
        return ignored("At temperature 1 it says the same as at 0.")
    return yes("At temperature 1 it says something else than at 0.")


def _seed(server: ExaminedServer) -> CheckResult:
    first, again, *others = (server.text(_STORY, temperature=1.0, seed=seed) for seed in (1, 1, 2, 3))
    if first != again:
        return ignored("The same seed gave two different texts.")
    if {first, *others} == {server.text(_STORY)}:
        return unknown("With every seed it says the same as at temperature 0.")
    if {first} == {*others}:
        return ignored("Three seeds gave the same text.")
    return yes("The same seed gave the same text, and others gave other texts.")


def _max_tokens(server: ExaminedServer) -> CheckResult:
    attempt = server.ask(_STORY, max_tokens=3)
    written = attempt.at("usage", "completion_tokens")
    if isinstance(written, int):
        says = f"Asked for 3 tokens, it wrote {written}."
        return yes(says) if written <= 3 else ignored(says)
    if attempt.at("choices", 0, "finish_reason") == "length":
        return yes("Asked for 3 tokens, it reported that it stopped at the limit.")
    return unknown("It does not report how many tokens it wrote.")


def _stop(server: ExaminedServer) -> CheckResult:
    whole = server.text(_STORY)
    stop = whole[len(whole) // 3 :][:8]
    before, found, _ = whole.partition(stop) if stop else (whole, "", "")
    if not before or not found:
        return unknown("Its text is too short to be stopped.")
    text = server.text(_STORY, stop=[stop])
    if text.rstrip() == before.rstrip():
        return yes("The text ends before a stop string.")
    if text.startswith(before + stop) and len(text) < len(whole):
        return yes("The text ends with a stop string, which is left in it; a search cuts it off.")
    if text == whole:
        return ignored("The text continues after a stop string.")
    return unknown("With a stop string it says something else.")


def _penalty(server: ExaminedServer) -> CheckResult:
    refused = None
    for name in PENALTIES:
        try:
            strict, neutral = (server.text(_LOOP, **{name: penalty}) for penalty in (2.0, 1.0))
        except NoReplyError as error:
            refused = error
            continue
        if strict != neutral:
            return yes(f"With {name} 2 it says something else than with 1.")
    if refused:
        raise refused
    return ignored("With a repetition penalty of 2 it says the same as with 1.")


def _no_penalty_of_its_own(server: ExaminedServer) -> CheckResult:
    plain = server.text(_LOOP)
    try:
        neutral = server.text(_LOOP, **dict.fromkeys(PENALTIES, 1.0))
        if neutral == server.text(_LOOP, **dict.fromkeys(PENALTIES, 2.0)):
            return unknown("No repetition penalty has a visible effect.")
    except NoReplyError as error:
        return unknown(f"It refuses a repetition penalty: {error}.")
    if plain != neutral:
        return no("With a repetition penalty of 1 it says something else than without.")
    return yes("With a repetition penalty of 1 it says the same as without.")


def _several_prompts(server: ExaminedServer) -> CheckResult:
    if server.ask([_STORY, _LOOP], max_tokens=1).at("choices", 1) is None:
        return ignored("Two prompts in one request got one text.")
    return yes("Two prompts in one request got two texts.")


def _logprobs(server: ExaminedServer) -> CheckResult:
    attempt = server.ask(_STORY, max_tokens=2, logprobs=1 if server.completes else True)
    found = attempt.at("choices", 0, "logprobs", "token_logprobs") or attempt.at("choices", 0, "logprobs", "content")
    return yes("Tokens come with log-probabilities.") if found else ignored("Tokens come without log-probabilities.")


def _echo(server: ExaminedServer) -> CheckResult:
    attempt = server.ask(_STORY, max_tokens=1, echo=True, logprobs=1)
    if not server.read(attempt).strip().startswith(_STORY):
        return ignored("The prompt does not come back.")
    logprobs = attempt.at("choices", 0, "logprobs", "token_logprobs")
    if not isinstance(logprobs, list) or len(logprobs) < 3:
        return ignored("The prompt comes back without log-probabilities.")
    return yes("The tokens of the prompt come back with their log-probabilities.")


def _prompt_logprobs(server: ExaminedServer) -> CheckResult:
    attempt = server.ask(_STORY, max_tokens=1, prompt_logprobs=1)
    if attempt.at("choices", 0, "prompt_logprobs") or attempt.at("prompt_logprobs"):
        return yes("The reply has the log-probabilities of the prompt's tokens.")
    return ignored("The reply has no log-probabilities of the prompt.")


def _usage(server: ExaminedServer) -> CheckResult:
    attempt = server.ask(_STORY, max_tokens=1)
    counts = (attempt.at("usage", "prompt_tokens"), attempt.at("usage", "completion_tokens"))
    if all(count is None for count in counts):
        return no("It does not count tokens.")
    if not all(map(can_be, counts)):
        return no(f"It counts {counts[0]!r:.20} tokens of a prompt, {counts[1]!r:.20} of one token.")
    return yes("It counts the tokens of prompt and text.")


def _plain_prompts(server: ExaminedServer) -> CheckResult:
    tokens = server.ask("a", max_tokens=1).at("usage", "prompt_tokens")
    if not isinstance(tokens, int):
        return unknown("It does not count tokens.")
    if tokens > 1 + _SPECIAL_TOKENS:
        return no(f"A prompt of one letter is {tokens} tokens: a chat template seems to be applied.")
    added = tokens - 1
    if added < 1:
        return yes("A prompt of one letter is one token: nothing is added to it.")
    return yes(f"A prompt of one letter is {tokens} tokens: {added} of begin-of-text or the like, no chat template.")


COMPLETIONS = Check(
    name="completions",
    look=_answers,
    without="It continues no text, so it cannot serve a base model; use it as the aligned model (openai-chat:) or "
    "as the judge (llm:)",
)
CHAT = Check(name="chat", look=_answers)
ABILITIES = (
    Check(name="name", look=_name),
    Check(
        name="plain_prompts",
        look=_plain_prompts,
        of_prompts=True,
        without="A base model must get the prompt unchanged: start the server without a template for completions",
    ),
    Check(
        name="greedy",
        look=_repeats,
        without="Greedy texts differ each time: a search cannot be repeated exactly",
    ),
    Check(
        name="temperature",
        look=_temperature,
        without="Temperature has no effect: fix temperature=0 in the decoding",
    ),
    Check(
        name="seed",
        look=_seed,
        without="Seeds have no effect, so sampling cannot be repeated: fix temperature=0 in the decoding",
    ),
    Check(
        name="max_tokens",
        look=_max_tokens,
        without="Answers have no limit: set one when you start the server",
    ),
    Check(
        name="stop",
        look=_stop,
        without="Stop strings have no effect: the text after them is cut off, but generated and paid for",
    ),
    Check(
        name="repetition_penalty",
        look=_penalty,
        without="There is no repetition penalty to search: fix repetition_penalty=1 in the decoding",
    ),
    Check(
        name="no_penalty_of_its_own",
        look=_no_penalty_of_its_own,
        without="The server applies a repetition penalty of its own unless a request says otherwise: a search says so, "
        "other programs must too",
    ),
    Check(
        name="usage",
        look=_usage,
        without="Tokens are not counted: max_tokens and max_cost cannot limit the search, and no cost is shown",
    ),
    Check(name="several_prompts", look=_several_prompts, of_prompts=True),
    Check(name="logprobs", look=_logprobs),
    Check(name="echo_logprobs", look=_echo, of_prompts=True),
    Check(name="prompt_logprobs", look=_prompt_logprobs),
)
