"""A causal language model of transformers: its tokens, its window, and its cache of shared prefixes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from urial_opt.errors import AdapterError, ContextError, InputError
from urial_opt.models.local.batching import Batches
from urial_opt.models.local.decoding import AnswerText
from urial_opt.models.local.expanded_cache import try_expanded_cache
from urial_opt.models.local.loading import ModelRole
from urial_opt.models.local.prefix_cache import KeptPrefixes
from urial_opt.models.local.shared_prefix import Prefix, switch_attention
from urial_opt.models.local.sharing import turn_of

disable_progress_bar()  # type: ignore[no-untyped-call]

How: TypeAlias = Literal["shared prefix", "expanded cache", "whole prompts"]
"""How the prefix of a batch is read: once, with one shared cache; once, with a copy of the cache for each row; or
again with every row."""

ROWS = 128
"""Rows in a batch, as long as they fit in memory."""
_PREFIX_TOKENS = 16_384
"""Tokens of all cached prefixes together."""


class CausalModel:
    """A model and its tokenizer, for one caller at a time.

    Others may hold the same model, and take turns in computing with it (`sharing.turn_of`). Prefix caches and batch
    sizes are each holder's own. The model is switched to the attention of `shared_prefix`, which is plain sdpa for
    other callers of the model. A model that does not support it uses an expanded cache, or else reads whole prompts.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        identity: str,
        rows: int = ROWS,
    ) -> None:
        self.model = model.train(mode=False)
        self.tokenizer = tokenizer
        self.batches = Batches(rows, owner=identity, release=self.forget_prefixes)
        self.answer_text = AnswerText(tokenizer)
        self.end_tokens = _end_tokens(model, tokenizer)
        """The tokens that end an answer."""
        self._identity = identity
        with turn_of(model):
            shared = Prefix(model=model) if switch_attention(model) else None
            self._window = _attention_window(model) if shared else 0
            """Longest prompt and answer, in tokens, that shared-prefix attention supports."""
            expanded = try_expanded_cache(model) if self._window < float("inf") else None
        self._shared, self._expanded = (
            None if empty is None else KeptPrefixes(empty, budget=_PREFIX_TOKENS) for empty in (shared, expanded)
        )
        self.how: How = "shared prefix" if shared else self._fallback

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def notes(self) -> tuple[str, ...]:
        """As `protocols.Noted`: what is slower than with most models."""
        if self._window == float("inf"):
            return ()
        where = f" in prompts of more than {self._window} tokens" if self._window else ""
        instead = {
            "expanded cache": "the prefix is read once and its cache copied to every row, which takes time and memory",
            "whole prompts": "every prompt is read whole, which takes time",
        }
        return (f"rows of {self._identity!r} cannot share attention to a prefix{where}: {instead[self._fallback]}",)

    def stop_when(self, check: Callable[[], None] | None) -> None:
        """As `protocols.Stoppable`: between two tokens of all rows, and between batches."""
        self.batches.stop_when(check)

    def count_tokens(self, text: str) -> int:
        return len(self.tokens([text], special=True)[0])

    def tokens(self, texts: Sequence[str], *, special: bool) -> list[list[int]]:
        """The tokens of each text; `special` says whether the tokenizer adds its begin-of-text token."""
        ids: list[list[int]] = self.tokenizer(list(texts), add_special_tokens=special, return_attention_mask=False)[
            "input_ids"
        ]
        return ids

    def check_fit(self, prompts: Sequence[Sequence[int]], *, room: int) -> None:
        """AdapterError if a prompt is empty; ContextError if it does not fit the window with `room` more tokens."""
        if not min(map(len, prompts)):
            raise AdapterError(f"a prompt for {self._identity!r} has no token; give it a query or a system text")
        longest = max(map(len, prompts)) + room
        window = self.context_window or longest
        if longest > window:
            raise ContextError(
                f"prompt and answer may need {longest} tokens, but {self._identity!r} reads {window}; "
                "use fewer exemplars or a lower max_tokens"
            )

    @property
    def context_window(self) -> int | None:
        """How many tokens the model reads, answers included; None if its configuration does not say."""
        return getattr(self.model.config.get_text_config(), "max_position_embeddings", None)

    def prefix_cache(self, longest: int) -> KeptPrefixes | None:
        """The cache for prefixes of rows of up to `longest` tokens, answers included; None: each row is read whole."""
        return self._shared if longest <= self._window else self._expanded

    @property
    def _fallback(self) -> How:
        return "expanded cache" if self._expanded else "whole prompts"

    def forget_prefixes(self) -> None:
        """Free the memory of all cached prefixes."""
        for cache in (self._shared, self._expanded):
            if cache:
                cache.clear()


def number_of_rows(rows: str, role: ModelRole) -> int:
    """The batch size that the option `rows` gives. InputError if it is not a positive number."""
    if rows == "auto":
        return ROWS
    if not rows.isdecimal() or int(rows) < 1:
        raise InputError(f"{rows!r} is not a number of rows; give a number, such as rows=16 for the {role} model")
    return int(rows)


def _end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    configured = model.generation_config.eos_token_id if model.generation_config else None
    tokens = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in (*tokens, tokenizer.eos_token_id) if token is not None)


def _attention_window(model: PreTrainedModel) -> float:
    """Tokens that every layer attends to: shorter rows are not affected by a sliding window."""
    return getattr(model.config.get_text_config(), "sliding_window", None) or float("inf")
