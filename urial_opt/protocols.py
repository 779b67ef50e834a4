"""The sockets: what a generator, a judge and an exporter must do to be plugged in.

All are synchronous and take batches; an adapter that can do several things at once does so inside. Adapters are found
by name through `urial_opt.plugins`. A call may raise `AdapterError`, and nothing else on purpose.
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
        """Names model and revision. Equal identities promise equal greedy completions: answers are stored under it."""

    def generate(self, prefix: str, suffixes: Sequence[str], sampling: Sampling) -> list[Completion]:
        """Continue `prefix + suffix` for each suffix, in the order given.

        The prefix comes apart so that it can be read once. `Completion.text` ends before the stop string, if one came;
        at most `sampling.max_tokens` tokens are generated for each row.
        """


class ChatGenerator(Protocol):
    """An aligned model: answers queries in a chat layout of its own."""

    @property
    def identity(self) -> str:
        """As `Generator.identity`."""

    def answer(self, queries: Sequence[str], sampling: Sampling) -> list[Completion]:
        """Answer each query, in the order given."""


@runtime_checkable
class TokenCounter(Protocol):
    """An optional ability of generators."""

    def count_tokens(self, text: str) -> int:
        """How many tokens the model reads for `text`, begin-of-text token included."""


@runtime_checkable
class Noted(Protocol):
    """An optional ability of generators and judges."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What whoever opened it should know, such as why it is slow; a sentence each."""


@runtime_checkable
class Metered(Protocol):
    """An optional ability of models that are paid by the token."""

    @property
    def priced_as(self) -> str:
        """The model's name in tables of prices, such as `gpt-4o`."""


class TokenScorer(Protocol):
    """A base and an aligned model that read the same tokens."""

    def answer(self, queries: Sequence[str], *, max_tokens: int) -> list[AlignedAnswer]:
        """The aligned model's greedy answer to each query in its own chat layout, in the order given."""

    def score(self, answers: Sequence[AlignedAnswer], contexts: Sequence[UrialPrompt]) -> list[list[TokenScores]]:
        """For each context, in the order given, the scores of each answer, in theirs.

        Teacher-forced: each model reads each answer once, the base model after each context rendered for the query.
        """

    def texts(self, ids: Sequence[int]) -> list[str]:
        """The text of each token, as people know it; a piece of a character reads as U+FFFD."""


@runtime_checkable
class Scorable(Protocol):
    """An optional ability of base models."""

    def token_scorer(self, aligned: ChatGenerator) -> TokenScorer:
        """The two models as a `TokenScorer`. InputError if they cannot be compared, as with different tokenizers."""


@runtime_checkable
class Paced(Protocol):
    """An optional ability of models behind servers that are overloaded at times."""

    def keep_pace(self, memory: PaceMemory) -> None:
        """Go on at the pace that the memory knows of, and tell it what is learnt, from any thread."""


class Judge(Protocol):
    """Scores answers on the aspects due for their queries (`aspects.ASPECTS_OF`)."""

    @property
    def identity(self) -> str:
        """Names judge, model and template version: scores of two identities are never mixed."""

    def judge(self, queries: Sequence[Query], completions: Sequence[Completion]) -> list[Judgment]:
        """One judgment for each pair, in the order given; a verdict that cannot be read is None, never a low score."""


@runtime_checkable
class Divided(Protocol):
    """An optional ability of judges that are several."""

    def spread(self, judgment: Judgment) -> Mapping[Aspect, float]:
        """How far its members' scores in a judgment are apart, in points, by aspect that two of them scored."""


@runtime_checkable
class PairwiseJudge(Protocol):
    """An optional ability of judges."""

    @property
    def pairwise_identity(self) -> str:
        """As `Judge.identity`, with the templates that two answers are compared by."""

    def compare(
        self, queries: Sequence[Query], firsts: Sequence[Completion], seconds: Sequence[Completion]
    ) -> list[Preference]:
        """Which of two answers is better, for each query in the order given; asked in both orders."""


@runtime_checkable
class Tagger(Protocol):
    """An optional ability of judges."""

    def tag(self, queries: Sequence[Query]) -> list[QueryTags]:
        """Task, topic and difficulty of each query, in the order given."""


class Exporter(Protocol):
    """Writes a prompt for whatever shall serve it."""

    @property
    def suffix(self) -> str:
        """File name ending, with its dot."""

    def export(self, prompt: UrialPrompt, sampling: Sampling) -> str:
        """The file's content. PromptError if the format cannot carry this prompt, naming the exemplar."""
