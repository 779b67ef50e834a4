"""The six aspects on which answers are judged (just-eval; Lin et al. 2024, section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, TypeAlias

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
"""Score of each judged aspect; None if the judge gave no verdict, which is not a low score."""


class Missing(StrEnum):
    """Why a judge gave no verdict."""

    NOT_APPLICABLE = "not_applicable"
    """The judge says that there is nothing to judge (N/A). This is final; the others may be asked for again."""
    UNREAD = "unread"
    """The reply is empty, or no verdict can be read in it."""
    REFUSED = "refused"
    """The judge, or a filter of its server, declined to judge."""
    TOO_LONG = "too_long"
    """There is no answer to judge, because the query does not fit the model's context window."""

    @property
    def words(self) -> str:
        """As people read it."""
        return "n/a" if self is Missing.NOT_APPLICABLE else self.value.replace("_", " ")

    @property
    def is_open(self) -> bool:
        """Whether the judge may be asked again."""
        return self in (Missing.UNREAD, Missing.REFUSED)


ASPECTS_OF: Mapping[QueryKind, tuple[Aspect, ...]] = {
    "regular": tuple(aspect for aspect in Aspect if aspect is not Aspect.SAFETY),
    "safety": (Aspect.SAFETY,),
}
"""Which aspects are judged on a query of each kind."""


def why_missing(found: Mapping[Any, object], said: Mapping[str, Missing]) -> dict[str, Missing]:
    """Why each part of a verdict that is None is missing: as `said`, or unread."""
    return {str(name): said.get(str(name), Missing.UNREAD) for name, value in found.items() if value is None}
