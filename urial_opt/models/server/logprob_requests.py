"""Requests for log-probabilities: a trial request finds out what a server offers, and later ones ask for that."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from urial_opt.errors import AdapterError, InputError
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.models.server.failures import RefusedError
from urial_opt.models.server.logprob_replies import (
    LogprobSource,
    NoLogprobsError,
    read_answer_tokens,
    read_prompt_tokens,
)
from urial_opt.models.server.token_logprobs import AnswerLogprobs, PromptLogprobs, UnplacedPrompt
from urial_opt.prompt import PLAIN_FENCE, UrialPrompt

_log = logging.getLogger(__name__)

_LISTED = (20, 10, 5)
"""Numbers of most probable tokens to ask for: vLLM lists at most 20 by default, OpenAI's completions at most 5."""
_QUERY = "Explain in a few sentences how a rainbow forms, and name its colours."
_GREEDY = 0.1
"""Nats; tolerance for inexact arithmetic between the written token and the most probable one."""

_Reported = TypeVar("_Reported")


class AnsweringServer:
    """An aligned model whose server reports the log-probabilities of its answers."""

    def __init__(self, endpoint: Endpoint, messages: Callable[[str], Sequence[Mapping[str, str]]]) -> None:
        """`messages` gives the messages for a query. Sends a trial request.

        InputError if the reply has no log-probabilities; AdapterError as `Endpoint.chat`.
        """
        self.endpoint = endpoint
        self._messages = messages
        self.listed, (self.sample,) = _most_listed(
            partial(self._answer, [_QUERY], max_tokens=48),
            lacking=f"{endpoint.name!r} reports no log-probabilities of answers: it lacks logprobs with top_logprobs",
            advice=_advice("openai-chat", endpoint),
        )

    def answer(self, queries: Sequence[str], *, max_tokens: int) -> list[AnswerLogprobs]:
        """The greedy answer to each query. InputError if one is not greedy; AdapterError as `Endpoint.chat`."""
        answers = self._answer(queries, max_tokens=max_tokens, listed=self.listed)
        for query, answer in zip(queries, answers, strict=True):
            for token in answer.tokens:
                first = token.top.entries[:1]
                if first and first[0][1] - token.logprob > _GREEDY:
                    raise InputError(
                        f"{self.endpoint.name!r} does not answer {query!r} greedily: it writes {token.text!r} where "
                        f"{first[0][0]!r} is more probable; start its server without a repetition penalty of its own, "
                        "for vLLM with --generation-config vllm"
                    )
        return answers

    def _answer(self, queries: Sequence[str], *, max_tokens: int, listed: int) -> list[AnswerLogprobs]:
        greedy = {"temperature": 0.0, "max_tokens": max_tokens, "logprobs": True, "top_logprobs": listed}
        requests = [{"messages": self._messages(query), **greedy} for query in queries]
        return self.endpoint.ask("/chat/completions", requests, read_answer_tokens)


class ReadingServer:
    """A base model whose server reports the log-probabilities of prompts."""

    def __init__(self, endpoint: Endpoint, *, sample: str) -> None:
        """Sends a trial request with `sample`, an answer. InputError if the reply has no log-probabilities.

        AdapterError as `Endpoint.complete`.
        """
        self.endpoint = endpoint
        head = f"a\n{PLAIN_FENCE}\n{UrialPrompt().suffix(_QUERY)}"
        self._late = False
        self._source, self.listed, reply = self._find_out(head + sample)
        if self._source == "echo" and reply.late:
            self._late = True
            reply = reply.moved()
            _log.warning(
                "%r reports the log-probabilities of a prompt's tokens one token late, as llama-cpp-python does; they "
                "are put right, and tokens that are not among the %d most probable ones have none",
                *(endpoint.name, self.listed),
            )
        self.sample = self._placed(reply, head + sample, len(head))
        self.start = len(head)
        """Where the sample begins in the prompt of the trial request."""
        anchored = reply.place(head + sample, down_to=1)
        ends = [token.text for span, token in anchored.placed() if span[0] == 1] if anchored else []
        self.ending = ends[0] if ends else None
        """The token with which a base model ends an answer: the one between `a` and a fence; None if unknown."""

    def read(self, prompts: Sequence[str], starts: Sequence[int]) -> list[PromptLogprobs]:
        """The log-probabilities of each prompt's tokens, from the character at `starts` on.

        AdapterError as `Endpoint.complete`, and if the tokens reported are not those of the prompt.
        """
        # The first request goes ahead, so that the server has the prefix in its cache when the others arrive.
        ahead = self._ask(prompts[:1], source=self._source, listed=self.listed)
        replies = ahead + self._ask(prompts[1:], source=self._source, listed=self.listed)
        return [self._placed(*each) for each in zip(replies, prompts, starts, strict=True)]

    def _find_out(self, prompt: str) -> tuple[LogprobSource, int, UnplacedPrompt]:
        """The field to ask for, how many tokens the server then lists, and its reply to this prompt."""
        sources: list[LogprobSource] = ["prompt_logprobs", "echo"]
        for source in sources:
            try:
                listed, (reply,) = _most_listed(
                    partial(self._ask, [prompt], source=source),
                    lacking=f"{self.endpoint.name!r} reports no log-probabilities of prompts: it lacks "
                    "prompt_logprobs, and echo with logprobs",
                    advice=_advice("openai", self.endpoint),
                )
            except InputError:
                if source == sources[-1]:
                    raise
            else:
                break
        return source, listed, reply

    def _ask(self, prompts: Sequence[str], *, source: LogprobSource, listed: int) -> list[UnplacedPrompt]:
        # One token, because 0 means no limit to some servers and is an error to others.
        greedy = {"temperature": 0.0, "max_tokens": 1, "logprobs": listed}
        asked = {"prompt_logprobs": listed} if source == "prompt_logprobs" else {"echo": True}
        requests = [{"prompt": prompt, **greedy, **asked} for prompt in prompts]
        read = partial(read_prompt_tokens, source=source, listed=listed)
        replies = self.endpoint.ask("/completions", requests, read)
        return [reply.moved() for reply in replies] if self._late else replies

    def _placed(self, reply: UnplacedPrompt, prompt: str, start: int) -> PromptLogprobs:
        placed = reply.place(prompt, down_to=start)
        if placed is None:
            raise AdapterError(
                f"the tokens that {self.endpoint.name!r} reports are not those of the prompt that ends with "
                f"{prompt[-40:]!r}; give local models, such as hf:{self.endpoint.model}"
            )
        return placed


def _most_listed(ask: Callable[..., _Reported], *, lacking: str, advice: str) -> tuple[int, _Reported]:
    """The greatest number of tokens that a server lists, and its reply. InputError if it lists none."""
    words = ""
    for listed in _LISTED:
        try:
            return listed, ask(listed=listed)
        except RefusedError as error:
            words = f" ({error.says})"
        except NoLogprobsError:
            break
    raise InputError(f"{lacking}{words}; {advice}, or give local models")


def _advice(kind: str, endpoint: Endpoint) -> str:
    return f"see what it offers with urial-opt doctor {kind}:{endpoint.model} (url={endpoint.url})"
