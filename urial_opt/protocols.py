"""The sockets: what a generator, a judge and an exporter must do to be plugged in.

Methods are synchronous and take batches; an adapter that can work in parallel does so inside the call. An adapter is
called from one thread at a time. Results are lists with one entry for each input, in the order of the inputs; an empty
batch gives an empty list. Apart from what is said below, the only error raised on purpose is `AdapterError`.

`urial_opt.plugins` finds adapters by name. `urial_opt.testing.contracts` has a class of tests for each of Generator,
ChatGenerator, Judge, PairwiseJudge and Exporter; the tests of an adapter inherit from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from urial_opt.aspects import Aspect
from urial_opt.prompt import UrialPrompt
from urial_opt.records import Completion, Judgment, Preference, Query, QueryTags, Sampling

if TYPE_CHECKING:  # it loads numpy, which no command needs for its help
    from urial_opt.token_scores import AlignedAnswer, TokenScores
from urial_opt.memory import PaceMemory


class Generator(Protocol):
    """A base model: continues text."""

    @property
    def identity(self) -> str:
        """Names model and revision: one line, not empty, the same for as long as the object lives.

        Completions are stored under it, so equal identities promise equal greedy completions.
        """

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        """One completion of `prefix + suffix` for each suffix, in the order given.

        The prefix is separate only so that a model can read it once: moving its end, or all of it, into the suffixes
        changes no completion. Nor does the rest of the batch, and greedy decoding gives the same each time.

        `Completion.text` ends before the stop string that is complete first, however many there are. At most
        `sampling.max_tokens` tokens are generated for each completion. `finish_reason` is `length` if that limit cut
        the text off, and `stop` if a stop string or the model itself ended it. `usage` counts tokens, each count 0 or
        more; a count that is not known is 0.
        """


class ChatGenerator(Protocol):
    """An aligned model: answers queries in its own chat layout."""

    @property
    def identity(self) -> str:
        """As `Generator.identity`; also names the system text, if the model answers under one."""

    def answer(self, queries: Sequence[str], sampling: Sampling) -> list[Completion]:
        """One answer to each query, in the order given.

        Each query is a conversation of its own. Stop strings, the limit on tokens, `finish_reason`, `usage` and greedy
        decoding: as `Generator.generate`. A query that a server's filter refuses has an empty answer.
        """


@runtime_checkable
class TokenCounter(Protocol):
    """An optional ability of generators."""

    def count_tokens(self, text: str) -> int:
        """Number of tokens that the model reads for `text`, begin-of-text token included."""


@runtime_checkable
class Noted(Protocol):
    """An optional ability of generators and judges."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about it, such as why it is slow; one sentence each."""


@runtime_checkable
class Metered(Protocol):
    """An optional ability of models that are paid for by the token."""

    @property
    def priced_as(self) -> str:
        """The model's name in price lists, such as `gpt-4o`."""


class TokenScorer(Protocol):
    """A base and an aligned model that share a tokenizer."""

    def answer(self, queries: Sequence[str], *, max_tokens: int) -> list[AlignedAnswer]:
        """The aligned model's greedy answer to each query in its own chat layout, in the order given."""

    def score(self, answers: Sequence[AlignedAnswer], contexts: Sequence[UrialPrompt]) -> list[list[TokenScores]]:
        """The scores of each answer (inner lists, in the order of `answers`) under each context (outer list, likewise).

        Teacher-forced: the aligned model reads each answer once, the base model once after each context, rendered for
        the answer's query.
        """

    def texts(self, ids: Sequence[int]) -> list[str]:
        """The readable text of each token id; a token that is only part of a character reads as U+FFFD."""


@runtime_checkable
class Scorable(Protocol):
    """An optional ability of base models."""

    def token_scorer(self, aligned: ChatGenerator) -> TokenScorer:
        """This model and `aligned` as a `TokenScorer`.

        InputError if they cannot be compared, for example because their tokenizers differ.
        """


@runtime_checkable
class Paced(Protocol):
    """An optional ability of models behind servers that may be overloaded."""

    def keep_pace(self, memory: PaceMemory) -> None:
        """Start at the pace that `memory` holds for the server, and record changes in it, from any thread."""


class Judge(Protocol):
    """Scores answers on the aspects due for their queries (`aspects.ASPECTS_OF`), from 1 to 5; higher is better."""

    @property
    def identity(self) -> str:
        """Names judge, model and template version: one line, not empty, the same for as long as the object lives.

        Scores are stored under it, and scores of two identities are never mixed.
        """

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        """One judgment for each pair of query and completion, in the order given.

        The two sequences have the same length; a query may occur more than once. `Judgment.scores` has exactly the
        aspects due for the query, each with a number from 1 to 5, or None where the verdict cannot be read: never a low
        score instead. An empty answer is judged like any other. `Judgment.judge` is `identity`; `reasons` has no other
        keys than the aspects scored; each count of `usage` is 0 or more. Scores do not depend on the rest of the batch,
        and are the same each time.
        """


@runtime_checkable
class Divided(Protocol):
    """An optional ability of judges that consist of several."""

    def spread(self, judgment: Judgment) -> Mapping[Aspect, float]:
        """Highest minus lowest score of its members in a judgment, in points, for each aspect with two scores or more.

        Reads only `judgment`, which may come from the store.
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

        The three sequences have the same length. The judge is asked in both orders, so that swapping `firsts` and
        `seconds` turns every verdict, and two equal answers tie. `Preference.aspects` has exactly the aspects due for
        the query. `overall` is None where one of the two verdicts cannot be read, and `consistent` is None there too;
        where the two verdicts disagree, `overall` is a tie and `consistent` is false. `Preference.judge` is
        `pairwise_identity`; each count of `usage` is 0 or more.
        """


@runtime_checkable
class Tagger(Protocol):
    """An optional ability of judges: labels queries."""

    def tag(self, queries: Sequence[Query]) -> list[QueryTags]:
        """Task, topic and difficulty of each query, in the order given; None where one cannot be read."""


class Exporter(Protocol):
    """Writes a prompt in the format of a program that serves it."""

    @property
    def suffix(self) -> str:
        """File name ending with one dot, at its start: `.json`."""

    def export(self, prompt: UrialPrompt, sampling: Sampling) -> str:
        """The file's content, which is written as UTF-8 with its line ends unchanged; the same each time.

        Carries system text, exemplars and `prompt.prefix` exactly, so that they can be read back. PromptError if the
        format cannot carry them; it names the exemplar by its number, from 1.
        """
