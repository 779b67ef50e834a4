"""Language: in which language a text is written, as far as that is clear."""

from __future__ import annotations

from functools import cache
from typing import Any

SURE = 0.9
"""The least probability with which a language counts as identified."""


def language_of(text: str) -> str | None:
    """The ISO 639-1 code of the text's language (py3langid, after Lui and Baldwin 2012); None if it is not clear."""
    language, probability = _identifier().classify(text)
    return str(language) if probability >= SURE else None


@cache
def _identifier() -> Any:  # noqa: ANN401 - the library has no types
    from py3langid.langid import (  # type: ignore[import-untyped]  # here, because it takes half a second
        MODEL_FILE,
        LanguageIdentifier,
    )

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
