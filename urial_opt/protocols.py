"""Protocols: what a generator, a judge, a proposer and an exporter must implement.

Methods are synchronous and take batches; an adapter that can work in parallel does so inside the call. An adapter is
called from one thread at a time, unless it is `Concurrent`. Results are lists with one entry for each input, in their
order; an empty batch gives an empty list. Unless stated otherwise below, the only error raised is `AdapterError`.

`urial_opt.plugins` finds adapters by name. `urial_opt.testing.contracts` has a class of tests for each of Generator,
ChatGenerator, Judge, PairwiseJudge, Proposer and Exporter; the tests of an adapter inherit from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from urial_opt.aspects import Aspect
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Completion, Judgment, Preference, Query, QueryTags, Sampling

if TYPE_CHECKING:  # they import numpy and optuna, which `--help` does not need
    from urial_opt.spaces.proposals import Diagnosis, Draft, Situation, Task
    from urial_opt.token_scores import AlignedAnswer, TokenScores
from urial_opt.memory import PaceMemory, ReplyMemory


class Generator(Protocol):
    """A base model: continues text."""

    @property
    def identity(self) -> str:
        """Names model and revision: one line, not empty, the same for as long as the object lives.

        Completions are stored under it, so equal identities promise equal greedy completions.
        """

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        """One completion of `prefix + suffix` for each suffix, in the order given.

        The prefix is separate only so that a model can read it once: moving any part of its end into the suffixes
        changes no completion. A completion does not depend on the rest of the batch, and greedy decoding is repeatable.

        `Completion.text` ends before the first stop string to be completed. At most `sampling.max_tokens` tokens are
        generated for each completion. `finish_reason` is `length` if that limit cut the text off, and `stop` if a stop
        string or the model itself ended it. `usage` counts tokens; each count is 0 or more, and 0 if it is not known.
        ContextError if a prompt and its answer do not fit the model.
        """


class ChatGenerator(Protocol):
    """An aligned model: answers queries in its own chat layout."""

    @property
    def identity(self) -> str:
        """As `Generator.identity`; it also names the system prompt, if there is one."""

    def answer(self, queries: Sequence[str], sampling: Sampling) -> list[Completion]:
        """One answer to each query, in the order given.

        Each query is a separate conversation. Stop strings, the token limit, `finish_reason`, `usage` and greedy
        decoding work as in `Generator.generate`. If a server's content filter refuses a query, its answer is empty.
        """


@runtime_checkable
class TokenCounter(Protocol):
    """An optional ability of generators: counts tokens."""

    def count_tokens(self, text: str) -> int:
        """Number of tokens that the model reads for `text`, including the begin-of-text token."""


@runtime_checkable
class Windowed(TokenCounter, Protocol):
    """An optional ability of generators: knows how much it can read."""

    @property
    def context_window(self) -> int | None:
        """How many tokens it reads, answers included; None if that is not known."""


@runtime_checkable
class Noted(Protocol):
    """An optional ability of generators and judges: has notes for the user."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about it, such as why it is slow; one sentence each."""


@runtime_checkable
class Metered(Protocol):
    """An optional ability of models that are billed by the token."""

    @property
    def priced_as(self) -> str:
        """The model's name in price lists, such as `gpt-4o`."""


class TokenScorer(Protocol):
    """A base and an aligned model that share a tokenizer."""

    def answer(self, queries: Sequence[str], *, max_tokens: int) -> list[AlignedAnswer]:
        """The aligned model's greedy answer to each query in its own chat layout, in the order given."""

    def score(self, answers: Sequence[AlignedAnswer], contexts: Sequence[UrialPrompt]) -> list[list[TokenScores]]:
        """Score each answer under each context by teacher forcing.

        Returns `len(contexts)` lists of `len(answers)` scores, in the order given. The aligned model reads each answer
        once; the base model reads it once after each context, which is rendered for the answer's query.
        """

    def texts(self, ids: Sequence[int]) -> list[str]:
        """The readable text of each token id; a token that is only part of a character reads as U+FFFD."""


@runtime_checkable
class Scorable(Protocol):
    """An optional ability of base models."""

    def token_scorer(self, aligned: ChatGenerator) -> TokenScorer:
        """This model and `aligned` as a `TokenScorer`; InputError if they cannot be compared."""


@runtime_checkable
class Concurrent(Protocol):
    """An optional ability of models behind servers: may be called from several threads at once."""

    @property
    def at_once(self) -> int:
        """How many requests it serves at once now, from any threads; `hand_on`, `end_when` are the calling one's."""


@runtime_checkable
class Paced(Protocol):
    """An optional ability of models behind servers that may be overloaded: adapts its number of requests."""

    def keep_pace(self, memory: PaceMemory) -> None:
        """Start at the pace stored in `memory` for the server; store changes, and what the server says of the model."""


@runtime_checkable
class Ending(Protocol):
    """An optional ability of base models: ends a text while it is written; nothing after its end is paid for."""

    def end_when(self, ended: Callable[[str], bool] | None) -> None:
        """From now on, let each text end as soon as `ended` says so of what is written; None: no longer.

        The text may go on beyond that end. It is left as it was written, and its `finish_reason` is `stop`.
        """


@runtime_checkable
class Gradual(Protocol):
    """An optional ability of generators, judges and proposers: hands on each result while others are in the making.

    Without it, what a batch has cost is lost if the process is killed before the batch is complete.
    """

    def hand_on(self, heard: Callable[[Mapping[int, Any]], None] | None) -> None:
        """From now on call `heard` with results that are complete, by their place in the batch; with None, no longer.

        It is called in the thread of the caller, with each result at most once and before the batch is returned; a
        result that was not handed on is found in the batch. What it raises ends the batch.
        """


@runtime_checkable
class Stoppable(Protocol):
    """An optional ability of models that compute here: may be stopped in the middle of a batch."""

    def stop_when(self, check: Callable[[], None] | None) -> None:
        """From now on call `check` between the steps of the work, in the thread of the caller; with None, no longer.

        What it raises ends the batch, once those results that are complete are handed on (`Gradual`).
        """


@runtime_checkable
class Billed(Protocol):
    """An optional ability of models behind servers: stores each reply that is paid as it arrives."""

    @property
    def identity(self) -> str: ...
    def keep_replies(self, memory: ReplyMemory | None) -> None:
        """From now on send no request without `memory.allow`, nor one whose reply it has; with None, no longer.

        Each reply is stored there, with its cost and under `identity`, before anything is made of it.
        """


class Judge(Protocol):
    """Scores answers from 1 to 5, higher being better, on the aspects due for their queries (`aspects.ASPECTS_OF`)."""

    @property
    def identity(self) -> str:
        """Names judge, model and template version: one line, not empty, the same for as long as the object lives.

        Scores are stored under it, and scores of two identities are never mixed.
        """

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        """One judgment for each pair of query and completion, in the order given.

        The two sequences have the same length; a query may occur more than once. `Judgment.scores` has exactly the
        aspects due for the query, each with a number from 1 to 5. A missing verdict is None, never a low score, and
        `Judgment.missing` says why: unread unless said otherwise. An empty answer is judged like any other.
        `Judgment.judge` is `identity`; the keys of `reasons` are among the aspects scored; each count of `usage` is 0
        or more. Scores are repeatable and do not depend on the rest of the batch.
        """


@runtime_checkable
class Divided(Protocol):
    """An optional ability of judges that consist of several members."""

    def spread(self, judgment: Judgment) -> Mapping[Aspect, float]:
        """The members' highest score minus their lowest, in points, for each aspect with at least two scores.

        It uses only `judgment`, which may come from the store.
        """


@runtime_checkable
class PairwiseJudge(Protocol):
    """An optional ability of judges: compares two answers."""

    @property
    def pairwise_identity(self) -> str:
        """As `Judge.identity`, but names the templates that compare two answers."""

    def compare(
        self, queries: Sequence[Query], firsts: Sequence[Completion], seconds: Sequence[Completion]
    ) -> list[Preference]:
        """Which of two answers is better, for each query in the order given.

        The three sequences have the same length. The judge sees the answers in both orders, so swapping `firsts` and
        `seconds` reverses every verdict, and two equal answers tie. `Preference.aspects` has exactly the aspects due
        for the query. If one of the two verdicts cannot be read, `overall` and `consistent` are None; if the two
        disagree, `overall` is a tie and `consistent` is false. `Preference.judge` is `pairwise_identity`; each count of
        `usage` is 0 or more.
        """


@runtime_checkable
class Tagger(Protocol):
    """An optional ability of judges: labels queries."""

    def tag(self, queries: Sequence[Query]) -> list[QueryTags]:
        """Task, topic and difficulty of each query, in the order given; each is None if it cannot be read."""


@runtime_checkable
class NamedTagger(Tagger, Protocol):
    """A tagger whose tags are stored under a name of their own; those of others are stored under `Judge.identity`."""

    @property
    def tagging_identity(self) -> str:
        """As `Judge.identity`, but names the template for tags; `QueryTags.judge` is the same."""


class Proposer(Protocol):
    """Writes new system prompts and exemplars for a search, from what went wrong so far."""

    @property
    def identity(self) -> str:
        """Names proposer, model and template version: one line, not empty, the same for as long as the object lives.

        What it wrote is stored under it. Only a proposer that gives the same replies to the same questions makes a
        search repeatable; a stored reply is never asked for again.
        """

    def diagnose(self, situation: Situation) -> Diagnosis:
        """At most three weaknesses of the best prompt, the gravest first.

        Query ids and keys of exemplars are among those of `situation`. What cannot be read gives `trouble`, not an
        error.
        """

    def write(self, tasks: Sequence[Task]) -> list[Draft]:
        """One draft for each task, in the order given.

        A task with `remarks` is another attempt at one that failed. A task that the proposer has nothing for, a reply
        that is refused or cannot be read, and a model that cannot be reached give `trouble`, not an error.
        """


class Exporter(Protocol):
    """Writes a prompt in the format of a program that serves it."""

    @property
    def suffix(self) -> str:
        """File name extension with its leading dot and no other: `.json`."""

    def export(self, prompt: UrialPrompt, sampling: Sampling) -> str:
        """The file's content, the same on every call; it is written as UTF-8 with unchanged line endings.

        It holds the system text, the exemplars and `prompt.prefix` exactly, so that they can be read back. PromptError
        if the format cannot represent them; the error gives the number of the exemplar, starting at 1.
        """
