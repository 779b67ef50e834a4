"""A causal language model of transformers: its tokens, its window, and how it reads the prefix that rows share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from urial_opt.errors import AdapterError, InputError
from urial_opt.models.local.batching import Batches
from urial_opt.models.local.decoding import AnswerText
from urial_opt.models.local.expanded_cache import try_expanded_cache
from urial_opt.models.local.loading import ModelRole
from urial_opt.models.local.prefix_cache import KeptPrefixes
from urial_opt.models.local.shared_prefix import Prefix, switch_attention

disable_progress_bar()  # type: ignore[no-untyped-call]

How: TypeAlias = Literal["shared prefix", "expanded cache", "whole prompts"]
"""How the prefix of a batch is read: once and kept once, once and copied to every row, or with every row."""

ROWS = 128
"""Rows side by side, as long as they fit."""
_PREFIX_TOKENS = 16_384
"""Tokens of prefixes kept, in all."""


class CausalModel:
    """A model and its tokenizer, for one caller at a time.

    The model is switched to the attention of `shared_prefix`, which is sdpa for everybody else who calls the model; one
    that it does not serve goes on from an expanded cache, or reads whole prompts.
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
        """Those that end an answer."""
        self._identity = identity
        shared = Prefix(model=model) if switch_attention(model) else None
        self._window = _attention_window(model) if shared else 0
        """Tokens of prompt and answer that shared-prefix attention serves."""
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
        """As `protocols.Noted`: what is slower than it is with most models."""
        if self._window == float("inf"):
            return ()
        where = f" in prompts of more than {self._window} tokens" if self._window else ""
        instead = {
            "expanded cache": "the prefix is read once and its cache copied to every row, which takes time and memory",
            "whole prompts": "every prompt is read whole, which takes time",
        }
        return (f"rows of {self._identity!r} cannot share attention to a prefix{where}: {instead[self._fallback]}",)

    def count_tokens(self, text: str) -> int:
        return len(self.tokens([text], special=True)[0])

    def tokens(self, texts: Sequence[str], *, special: bool) -> list[list[int]]:
        """The tokens of each text; `special` says whether the tokenizer adds its begin-of-text token."""
        ids: list[list[int]] = self.tokenizer(list(texts), add_special_tokens=special, return_attention_mask=False)[
            "input_ids"
        ]
        return ids

    def check_fit(self, prompts: Sequence[Sequence[int]], *, room: int) -> None:
        """AdapterError if a prompt is empty, or is too long for the model with `room` more tokens."""
        if not min(map(len, prompts)):
            raise AdapterError(f"a prompt for {self._identity!r} has no token; give it a query or a system text")
        longest = max(map(len, prompts)) + room
        window = getattr(self.model.config.get_text_config(), "max_position_embeddings", None) or longest
        if longest > window:
            raise AdapterError(
                f"prompt and answer may need {longest} tokens, but {self._identity!r} reads {window}; "
                "use fewer exemplars or a lower max_tokens"
            )

    def prefix_cache(self, longest: int) -> KeptPrefixes | None:
        """What reads the prefix of rows of at most `longest` tokens, answers included; None: each row is read whole."""
        return self._shared if longest <= self._window else self._expanded

    @property
    def _fallback(self) -> How:
        return "expanded cache" if self._expanded else "whole prompts"

    def forget_prefixes(self) -> None:
        """Give back the memory of all prefixes kept."""
        for memory in (self._shared, self._expanded):
            if memory:
                memory.forget()


def number_of_rows(rows: str, role: ModelRole) -> int:
    """The rows side by side that the option `rows` of an opener stands for. InputError if it is no number."""
    if rows == "auto":
        return ROWS
    if not rows.isdecimal() or int(rows) < 1:
        raise InputError(f"{rows!r} rows cannot stand side by side; type a number, as in --{role}-option rows=16")
    return int(rows)


def _end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    configured = model.generation_config.eos_token_id if model.generation_config else None
    tokens = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in (*tokens, tokenizer.eos_token_id) if token is not None)


def _attention_window(model: PreTrainedModel) -> float:
    """Tokens that every layer can look back on: up to here a sliding window is no window."""
    return getattr(model.config.get_text_config(), "sliding_window", None) or float("inf")
