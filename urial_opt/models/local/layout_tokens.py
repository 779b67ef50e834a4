"""Tokens that depend on the layout around an answer: its first and last one, and the ids that two models share."""

from __future__ import annotations

from urial_opt.errors import InputError
from urial_opt.models.local.causal_model import CausalModel
from urial_opt.prompt import PLAIN_FENCE

_PROBE = """Hello there! It's 1,234.5 km – naïve café, 東京 🌊…

1. **First**, mix:
```python
    x = {'a': 1}
```
\tDone."""
_BEFORE, _AFTER = f"{PLAIN_FENCE}\n", f"\n{PLAIN_FENCE}"
_SPACES = ("▁", "Ġ")
"""How vocabularies write a space: SentencePiece, byte-level BPE of GPT-2."""


def common_vocabulary(base: CausalModel, aligned: CausalModel) -> int:
    """The number of ids, counted from 0, that are the same tokens in both models. InputError if the tokenizers differ.

    Either tokenizer may have added tokens, as chat models have for their turns, in place of an unused one or after all
    others: no answer's text contains them. Embeddings may be padded to different sizes.
    """
    ours, theirs = base.tokenizer.get_vocab(), aligned.tokenizer.get_vocab()
    added = {*base.tokenizer.get_added_vocab(), *aligned.tokenizer.get_added_vocab()}
    for token, _ in sorted(ours.items() ^ theirs.items()):
        if token not in added or (token in ours and token in theirs):
            ids = [f"{vocabulary.get(token, 'not a token')}" for vocabulary in (ours, theirs)]
            raise _different(base, aligned, f"{token!r} is {ids[0]} in one and {ids[1]} in the other")
    probes = [model.tokens([_PROBE], special=False)[0] for model in (base, aligned)]
    if probes[0] != probes[1]:
        raise _different(
            base, aligned, f"they split a text into {len(probes[0])} and {len(probes[1])} tokens, not the same"
        )
    return min(1 + max(vocabulary.values()) for vocabulary in (ours, theirs))


def without_space(aligned: CausalModel, prompt: str, first: int) -> int | None:
    """The token that a base model reads in place of `first`, the answer's first token; None if there is no such token.

    After a chat layout that does not end in whitespace, such as `[/INST]`, the answer's first token includes the space
    between them. In a base model's layout an answer begins a line, where the same word is a token without the space.
    """
    if prompt[-1:].isspace():
        return first
    token = str(aligned.tokenizer.convert_ids_to_tokens(first))
    (text,) = aligned.answer_text.names([first])
    if not (token.startswith(_SPACES) and text.startswith(" ") and text.strip()):
        return first
    twin: int | None = aligned.tokenizer.get_vocab().get(token[1:])
    return twin


def end_of_answer(base: CausalModel, answer: str, tokens: list[int]) -> int | None:
    """The token with which a base model ends this answer, read as `tokens`: the first of its layout's closing fence.

    It is the token that follows the answer's tokens when answer and fence are tokenized together. Where the tokenizer
    merges the answer's last token with the line break, as in `.\\n`, it is the first token of the fence alone.
    """
    before, whole, anchor, anchored = base.tokens(
        [_BEFORE, _BEFORE + answer + _AFTER, "a", f"a{_AFTER}"], special=False
    )
    for start, going_on in (([*before, *tokens], whole), (anchor, anchored)):
        if going_on[: len(start)] == start and len(going_on) > len(start):
            return going_on[len(start)]
    return None


def _different(base: CausalModel, aligned: CausalModel, how: str) -> InputError:
    return InputError(
        f"{base.identity!r} and {aligned.identity!r} have different tokenizers ({how}), so their tokens cannot be "
        "compared; give the aligned model that was tuned from this base model"
    )
