"""DSPy proposer: a language model diagnoses a search and writes for it, through small DSPy programs.

DSPy lays out what is asked and reads what comes; each attempt is one request. The search repeats attempts that fail a
guard, with the guard's words. `dspy.Refine` is not used, since it asks for advice in further calls.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from urial_opt.errors import AdapterError, InputError
from urial_opt.memory import PaceMemory, ReplyMemory
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.models.server.paid_replies import Heard
from urial_opt.models.server.replies import Reply
from urial_opt.spaces.proposals import Diagnosis, Draft, Situation, Task

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # read when dspy first loads litellm; else it downloads

from urial_opt.proposers import programs
from urial_opt.proposers.other_provider import OtherProvider


class ChatModel(Protocol):
    """A model that answers messages: `Endpoint`, or `OtherProvider`."""

    @property
    def identity(self) -> str: ...
    @property
    def model(self) -> str: ...

    def keep_pace(self, memory: PaceMemory, *, identity: str) -> None: ...
    def keep_replies(self, memory: ReplyMemory | None) -> None: ...

    def chat(
        self, requests: Sequence[Mapping[str, object]], *, too_long_is_refused: bool, heard: Heard[Reply]
    ) -> list[Reply]: ...


def open_proposer(
    argument: str,
    *,
    url: str = "",
    temperature: str = "0.7",
    max_tokens: str = "2000",
    timeout: str = "120",
    concurrency: str = "8",
    key_env: str = "",
    model_replies: str = "",
    revision: str = "",
) -> DSPyProposer:
    """The proposer `dspy:MODEL`: a model of the server at `url`, or of a provider that litellm knows.

    Without `url`, a MODEL such as `anthropic/claude-sonnet-4-5` names its provider first; others are OpenAI's. The key
    comes from the environment variable `key_env`, or where the provider's usually is. InputError if no model is named,
    or a number is none.
    """
    if not argument:
        raise InputError("no model is named for the proposer; give one, such as dspy:openai/gpt-4o")
    seconds = _number("timeout", timeout, more_than=0.0)
    tokens = int(_number("max_tokens", max_tokens, more_than=0.0))
    heat = _number("temperature", temperature)
    at_once = int(_number("concurrency", concurrency, more_than=0.0))
    provider, _, name = argument.partition("/")
    model: ChatModel
    if url or not name or provider == "openai":
        model = Endpoint(
            argument if url or not name else name,
            url=url,
            timeout=seconds,
            concurrency=at_once,
            key_variable=key_env or "OPENAI_API_KEY",
            model_replies=model_replies,
            revision=revision,
        )
    else:
        key = os.environ.get(key_env) if key_env else None
        model = OtherProvider.named(argument, timeout=seconds, concurrency=at_once, key=key)
    return DSPyProposer(model, temperature=heat, max_tokens=tokens)


def _number(name: str, text: str, *, more_than: float = -1.0) -> float:
    with suppress(ValueError):
        number = float(text)
        if max(more_than, -1e-9) < number < 1e6:
            return number
    least = "0 or more" if more_than < 0 else "above 0"
    raise InputError(f"`{name}={text}` is not a number {least}; give one, such as `{name}=1`")


class DSPyProposer:
    """A proposer that asks a language model. Where the model fails there is `trouble`, never an exception."""

    def __init__(self, model: ChatModel, *, temperature: float = 0.7, max_tokens: int = 2000) -> None:
        self._model = model
        self._temperature, self._max_tokens = temperature, max_tokens
        self.identity = (
            f"dspy:{model.identity}, programs {programs.layout_id()}, temperature {temperature:g}, "
            f"max_tokens {max_tokens}"
        )
        self.priced_as = model.model
        self._heard: Callable[[Mapping[int, Any]], None] | None = None

    def keep_pace(self, memory: PaceMemory) -> None:
        """As `protocols.Paced`."""
        self._model.keep_pace(memory, identity=f"dspy:{self._model.identity}")

    def keep_replies(self, memory: ReplyMemory | None) -> None:
        """As `protocols.Billed`."""
        self._model.keep_replies(memory)

    def hand_on(self, heard: Callable[[Mapping[int, Any]], None] | None) -> None:
        """As `protocols.Gradual`."""
        self._heard = heard

    def diagnose(self, situation: Situation) -> Diagnosis:
        """As `protocols.Proposer`: at most three weaknesses, with evidence that exists."""
        question = programs.question_about(situation)
        replies: dict[int, Reply] = {}
        trouble = self._ask([question], replies.update)
        if not replies:
            return Diagnosis(weaknesses=(), trouble=trouble)
        return programs.diagnosis_from(question, replies[0], situation)

    def write(self, tasks: Sequence[Task]) -> list[Draft]:
        """As `protocols.Proposer`: a draft for each task. After an error that stays, nothing more is asked."""
        questions = [programs.question_for(task) for task in tasks]
        drafts: dict[int, Draft] = {}

        def hear(replies: Mapping[int, Reply]) -> None:
            new = {place: programs.draft_from(questions[place], reply) for place, reply in replies.items()}
            drafts.update(new)
            if self._heard is not None:
                self._heard(new)

        trouble = self._ask(questions, hear)
        return [drafts.get(place) or Draft(trouble=trouble) for place in range(len(tasks))]

    def _ask(self, questions: Sequence[programs.Question], hear: Heard[Reply]) -> str | None:
        """Ask, let `hear` hear the replies, and return why there are not all of them."""
        requests = [
            {
                "messages": question.messages,
                "temperature": self._temperature,
                "seed": 0,
                "max_tokens": self._max_tokens,
            }
            for question in questions
        ]
        try:
            self._model.chat(requests, too_long_is_refused=True, heard=hear)
        except AdapterError as error:
            return str(error)
        return None
