"""The data of the token-shift page, as its scripts read it: numbers rounded, and every text stored once.

    base, aligned     identities of the models
    least             whether "kl" and "reverse" of tokens are lower bounds of the divergences, as behind a server
    texts             every text, referred to by its index; the most frequent first, so that their indices are short
    kinds             names of the kinds of token, referred to by index
    contexts          by context: {"name", "shares": [unshifted, marginal, shifted], "kl": KL(base || aligned), "least":
                      whether that is a lower bound, "end": [ended answers, those whose end has rank 1], "difference":
                      of the share shifted, to the first context}
    curves            by context: {"shifted", "kl": KL(base || aligned), "probability"}, each [means, lows, highs] over
                      positions
    reach             number of answers that reach each position of the curves
    answers           each {"query", "ended", "pieces", "kinds", "ranks": by context, "packed"}

An estimate is [mean, low, high]. Unknown numbers are null, unknown ranks 0. The details of an answer, which the page
needs for one token at a time, are in `packed` (JSON, zlib, base64), which takes a third of the space: {"tokens": of the
answer, "aligned", "under": by context}. The latter two are {"tokens", "permille": ten of each for each position, most
probable first, -1 where there is none, "probability": of the answer's token}; contexts also have "kl":
KL(base || aligned) and "reverse": KL(aligned || base).
"""

from __future__ import annotations

import json
import math
import zlib
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from urial_opt.records import Estimate
from urial_opt.shift.figures import ContextShift, CurvePoint, TokenShift
from urial_opt.shift.kinds import TokenKind
from urial_opt.shift.marking import kinds_of
from urial_opt.token_scores import AlignedAnswer, Floats, ShiftReading, TokenScores, TopTokens

LISTED = 10
"""Most probable tokens shown for each model."""
_DIGITS = 3
"""Significant digits of every number."""
_KINDS = tuple(TokenKind)


def page_data(reading: ShiftReading, shift: TokenShift) -> dict[str, object]:
    """The object described at the top of this file."""
    texts = _Texts(reading)
    return {
        "base": reading.base,
        "aligned": reading.aligned,
        "least": any(s.kl_base_aligned_least is not None for scores in reading.contexts.values() for s in scores),
        "texts": texts.kept,
        "kinds": [str(kind) for kind in _KINDS],
        "contexts": [_context(name, shift) for name in reading.contexts],
        "curves": [_curves(shift.contexts[name].curve) for name in reading.contexts],
        "reach": [point.answers for point in next((each.curve for each in shift.contexts.values()), ())],
        "answers": [
            _answer(answer, [scores[place] for scores in reading.contexts.values()], texts)
            for place, answer in enumerate(reading.answers)
        ],
    }


class _Texts:
    """All texts, and the index of each."""

    def __init__(self, reading: ShiftReading) -> None:
        used = [np.array(answer.tokens, dtype=np.int64) for answer in reading.answers]
        for scores in (scores for each in reading.contexts.values() for scores in each):
            used += [top.ids[:, :LISTED].ravel() for top in (scores.top, scores.aligned_top)]
        tokens, numbers = np.unique(np.concatenate([np.array([-1]), *used]), return_counts=True)
        texts = [reading.texts.get(token, f"#{token}") for token in tokens.tolist()]
        counts = Counter(piece for answer in reading.answers for piece in answer.pieces)
        for text, number in list(zip(texts, numbers.tolist(), strict=True))[1:]:
            counts[text] += number
        self.kept = [text for text, _ in counts.most_common()]
        self._places = {text: place for place, text in enumerate(self.kept)}
        self._tokens = tokens
        self._of_token = np.array([-1, *(self._places[text] for text in texts[1:])])

    def places(self, texts: Sequence[str]) -> list[int]:
        return [self._places[text] for text in texts]

    def of_tokens(self, tokens: npt.ArrayLike) -> object:
        """The indices of the tokens' texts, as nested lists of the same shape; -1 where there is no token."""
        places: object = self._of_token[np.searchsorted(self._tokens, np.asarray(tokens, dtype=np.int64))].tolist()
        return places


def _context(name: str, shift: TokenShift) -> dict[str, object]:
    figures: ContextShift = shift.contexts[name]
    end = figures.end_of_turn
    difference = shift.differences.get(name)
    return {
        "name": name,
        "shares": [_estimate(each) for each in (figures.unshifted, figures.marginal, figures.shifted)],
        "kl": _estimate(figures.kl_base_aligned or figures.kl_base_aligned_least),
        "least": figures.kl_base_aligned is None and figures.kl_base_aligned_least is not None,
        "end": [end.answers, round(end.unshifted.mean * end.answers) if end.unshifted else 0],
        "difference": _estimate(difference.shifted) if difference else None,
    }


def _curves(points: Sequence[CurvePoint]) -> dict[str, list[list[float | None]]]:
    return {
        name: [list(column) for column in zip(*map(_estimate, estimates), strict=True)]
        for name, estimates in (
            ("shifted", [point.shifted for point in points]),
            ("kl", [point.kl_base_aligned or point.kl_base_aligned_least for point in points]),
            ("probability", [point.probability for point in points]),
        )
    }


def _answer(answer: AlignedAnswer, scores: Sequence[TokenScores], texts: _Texts) -> dict[str, object]:
    aligned = scores[0]  # the aligned model's scores do not depend on the base model's context
    packed = {
        "tokens": texts.of_tokens(answer.tokens),
        "aligned": {**_lists(aligned.aligned_top, texts), "probability": _numbers(aligned.aligned_probability)},
        "under": [
            {
                **_lists(each.top, texts),
                "probability": _numbers(each.probability),
                "kl": _numbers(_known(each.kl_base_aligned, each.kl_base_aligned_least)),
                "reverse": _numbers(_known(each.kl_aligned_base, each.kl_aligned_base_least)),
            }
            for each in scores
        ],
    }
    return {
        "query": answer.query,
        "ended": answer.ended,
        "pieces": texts.places(answer.pieces),
        "kinds": [_KINDS.index(kind) for kind in kinds_of(answer)],
        "ranks": [each.rank.tolist() for each in scores],
        "packed": b64encode(zlib.compress(compact_json(packed).encode("ascii"))).decode("ascii"),
    }


def _lists(top: TopTokens, texts: _Texts) -> dict[str, object]:
    permille = np.round(1000 * top.probabilities[:, :LISTED])
    return {
        "tokens": texts.of_tokens(top.ids[:, :LISTED]),
        "permille": np.where(np.isnan(permille), -1, permille).astype(np.int64).tolist(),
    }


def _known(divergence: Floats, least: Floats | None) -> Floats:
    return divergence if least is None else least


def _numbers(values: Floats) -> list[float | None]:
    return [_short(value) for value in values.tolist()]


def _estimate(estimate: Estimate | None) -> list[float | None]:
    if estimate is None:
        return [None, None, None]
    return [_short(each) for each in (estimate.mean, estimate.low, estimate.high)]


def _short(value: float) -> float | None:
    """The value with few digits, 0 if it is too small to be shown, and None for NaN and infinity, which JSON lacks."""
    if not math.isfinite(value):
        return None
    return float(f"{value:.{_DIGITS}g}") if abs(value) >= 1e-5 else 0.0


def compact_json(value: object) -> str:
    """JSON in ASCII without spaces; lone surrogates are escaped."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
