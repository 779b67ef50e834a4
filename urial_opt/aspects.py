"""The six aspects on which answers are judged (just-eval; Lin et al. 2024, section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, TypeAlias

QueryKind: TypeAlias = Literal["regular", "safety"]


class Aspect(StrEnum):
    """One aspect of an answer, scored 1 to 5; higher is better."""

    HELPFULNESS = "helpfulness"
    CLARITY = "clarity"
    FACTUALITY = "factuality"
    DEPTH = "depth"
    ENGAGEMENT = "engagement"
    SAFETY = "safety"


AspectScores: TypeAlias = Mapping[Aspect, float | None]
"""Score of each judged aspect; None if the judge gave no readable verdict, which is not a low score."""

ASPECTS_OF: Mapping[QueryKind, tuple[Aspect, ...]] = {
    "regular": tuple(aspect for aspect in Aspect if aspect is not Aspect.SAFETY),
    "safety": (Aspect.SAFETY,),
}
"""Which aspects are judged on a query of each kind."""
