"""DSPy proposer: a language model diagnoses a search and writes for it, through small DSPy programs.

Each program is one `dspy.Predict` and each attempt one call. The search repeats attempts that fail a guard, with the
guard's words. `dspy.Refine` is not used, since it asks for advice in further calls.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from urial_opt.aspects import Aspect
from urial_opt.content import content_id
from urial_opt.errors import InputError
from urial_opt.records import Usage
from urial_opt.spaces.proposals import Diagnosis, Draft, SeenAnswer, Situation, Source, Task, Weakness

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # read when dspy first loads litellm; else it downloads

import dspy  # type: ignore[import-untyped]
from dspy.utils.exceptions import AdapterParseError, DSPyError  # type: ignore[import-untyped]

from urial_opt.proposers import signatures

MOST_WEAKNESSES = 3
_AT_ONCE = 4
_TRIES = 4
"""Requests of a call that may pass: overload, time-outs, lost connections."""
_CLIPPED = 1_500
"""Characters of an answer that are shown."""


def open_proposer(
    argument: str,
    *,
    url: str | None = None,
    temperature: str = "0.7",
    max_tokens: str = "2000",
    timeout: str = "120",
    key_env: str | None = None,
) -> DSPyProposer:
    """The proposer `dspy:MODEL`; MODEL is litellm's name, such as `openai/gpt-4o`, or a model of the server at `url`.

    The key comes from the environment variable `key_env`, or where litellm looks for it. InputError if no model is
    named, or a number is none.
    """
    if not argument:
        raise InputError("no model is named for the proposer; give one, such as dspy:openai/gpt-4o")
    model = argument if "/" in argument and url is None else f"openai/{argument}"
    settings: dict[str, Any] = {
        "temperature": _number("temperature", temperature),
        "max_tokens": int(_number("max_tokens", max_tokens)),
        "timeout": _number("timeout", timeout),
    }
    if url is not None:
        settings["api_base"] = url
        settings["api_key"] = os.environ.get(key_env or "OPENAI_API_KEY") or "none"
    elif key_env is not None:
        settings["api_key"] = os.environ.get(key_env)
    return DSPyProposer(dspy.LM(model, cache=False, num_retries=_TRIES, **settings), name=argument)


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if number < 0 or number == float("inf"):
        raise InputError(f"`{name}={text}` is not a number of 0 or more; give one, such as `{name}=1`")
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    """One call: the fields of the reply, None if they could not be read, and what passed over the wire."""

    found: Any
    asked: str
    reply: str
    usage: Usage
    trouble: str | None


class DSPyProposer:
    """A proposer that asks a language model through DSPy. Its errors are `trouble`, never exceptions."""

    def __init__(self, lm: dspy.LM, *, name: str) -> None:
        self._lm = lm
        texts = [str(signature.instructions) + str(signature.fields) for signature in signatures.ALL]
        self.identity = f"dspy {name}, programs {content_id(texts)[:8]}, temperature {lm.kwargs.get('temperature')}"
        self.priced_as = name

    def diagnose(self, situation: Situation) -> Diagnosis:
        """At most three weaknesses, with evidence that exists."""
        exchange = self._ask(
            signatures.Diagnose,
            system_text=situation.system,
            examples=_examples([Source(name=k, text=e.answer, exemplar=e) for k, e in situation.exemplars.items()]),
            mean_scores={aspect.value: round(mean, 2) for aspect, mean in situation.aspects.items()},
            weakest_answers=_answers(situation.weakest),
            token_shift=list(situation.shift),
            tried=[f"{each.sort} {each.style}: {each.text[:200]!r}: {each.fate}" for each in situation.tried],
            styles=list(situation.styles),
        )
        named = exchange.found.weaknesses[:MOST_WEAKNESSES] if exchange.found else []
        weaknesses = tuple(_weakness(each, situation) for each in named if each.sentence.strip())
        trouble = exchange.trouble or (None if weaknesses else "the reply names no weakness")
        return Diagnosis(
            weaknesses=weaknesses, asked=exchange.asked, reply=exchange.reply, usage=exchange.usage, trouble=trouble
        )

    def write(self, tasks: Sequence[Task]) -> list[Draft]:
        """A draft for each task; several calls run at once."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(self._write, tasks))

    def _write(self, task: Task) -> Draft:
        common = {"most_characters": task.most, "your_last_text": task.last, "remarks": list(task.remarks)}
        weakness = task.weakness.sentence
        if task.sort == "system":
            exchange = self._ask(
                signatures.WriteSystem,
                present_text=task.sources[0].text,
                weakness=weakness,
                failing_answers=_answers(task.failing),
                **common,
            )
            return _draft(exchange, "system_text")
        if task.sort == "merge":
            first, second = task.sources[:2]
            exchange = self._ask(
                signatures.MergeSystems,
                first_text=first.text,
                first_good_at=list(first.good_at),
                second_text=second.text,
                second_good_at=list(second.good_at),
                **common,
            )
            return _draft(exchange, "system_text")
        common |= {"style": task.style, "weakness": weakness}
        if task.sort == "restyle":
            source = task.sources[0]
            query = source.exemplar.query if source.exemplar else ""
            exchange = self._ask(signatures.Restyle, query=query, answer=source.text, **common)
            return _draft(exchange, "new_answer")
        exchange = self._ask(
            signatures.CreateExemplar,
            examples=_examples(task.sources),
            failing_answers=_answers(task.failing),
            kind=task.kind,
            **common,
        )
        return _draft(exchange, "new_answer", query="new_query")

    def _ask(self, signature: type[dspy.Signature], **inputs: object) -> _Exchange:
        lm = self._lm.copy()  # each call has a history of its own
        # The fallback of the adapter would pay for a second call where a reply cannot be read.
        adapter = dspy.ChatAdapter(use_json_adapter_fallback=False)
        found, trouble = None, None
        try:
            with dspy.context(lm=lm, adapter=adapter, callbacks=[]):
                found = dspy.Predict(signature)(**inputs)
        except AdapterParseError:
            trouble = "the reply lacks the fields that were asked for"
        except DSPyError as error:
            trouble = f"the model failed: {' '.join(str(error).split())[:300]}"
        except Exception as error:  # of pydantic, litellm or others: a round goes on with what there is
            trouble = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        entry = lm.history[-1] if lm.history else {}
        asked = "\n\n".join(str(message.get("content", "")) for message in entry.get("messages") or [])
        outputs = [each if isinstance(each, str) else each.get("text", "") for each in entry.get("outputs") or []]
        return _Exchange(
            found=found,
            asked=asked,
            reply="".join(outputs),
            usage=_usage(entry.get("usage") or {}),
            trouble=trouble,
        )


def _usage(counted: Any) -> Usage:  # noqa: ANN401 - a dictionary of litellm
    return Usage(
        prompt_tokens=int(counted.get("prompt_tokens") or counted.get("input_tokens") or 0),
        completion_tokens=int(counted.get("completion_tokens") or counted.get("output_tokens") or 0),
    )


def _draft(exchange: _Exchange, text: str, *, query: str | None = None) -> Draft:
    found = exchange.found
    return Draft(
        text=str(getattr(found, text) or "") if found else "",
        query=str(getattr(found, query) or "") if found and query else "",
        reason=str(getattr(found, "reason", "") or "") if found else "",
        asked=exchange.asked,
        reply=exchange.reply,
        usage=exchange.usage,
        trouble=exchange.trouble,
    )


def _weakness(named: signatures.NamedWeakness, situation: Situation) -> Weakness:
    shown = {seen.query_id for seen in situation.weakest}
    return Weakness(
        sentence=named.sentence.strip(),
        aspects=tuple(aspect for aspect in Aspect if aspect in {each.strip().lower() for each in named.aspects}),
        queries=tuple(each for each in named.query_ids if each in shown),
        exemplars=tuple(key for key in named.exemplar_keys if key in situation.exemplars),
        style=" ".join(named.style.lower().replace("/", " ").split())[:40],
    )


def _examples(sources: Sequence[Source]) -> list[signatures.ShownExemplar]:
    return [
        signatures.ShownExemplar(
            key=source.name, query=source.exemplar.query, answer=source.text, style=source.exemplar.style
        )
        for source in sources
        if source.exemplar
    ]


def _answers(seen: Sequence[SeenAnswer]) -> list[signatures.ShownAnswer]:
    return [
        signatures.ShownAnswer(
            query_id=each.query_id,
            query=each.query[:_CLIPPED],
            answer=each.answer[:_CLIPPED],
            scores={aspect.value: score for aspect, score in each.scores.items()},
            reasons={str(aspect): reason[:_CLIPPED] for aspect, reason in each.reasons.items()},
        )
        for each in seen
    ]
