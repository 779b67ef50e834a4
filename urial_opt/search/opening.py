"""Opening: what a search is asked for, and how it begins or is found again in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from urial_opt.content import content_id
from urial_opt.errors import InputError
from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.protocols import ChatGenerator
from urial_opt.records import (
    Role,
)
from urial_opt.spaces.space import SearchSpace
from urial_opt.spending import Terms
from urial_opt.store import Account, Store


class Interrupted(Exception):  # noqa: N818 - the user's wish, not an error
    """The search was asked to stop, and did so between two blocks; the same command goes on with it."""


class LimitReached(Interrupted):
    """The search stopped between two blocks because going on would pass a limit of its terms, named by `limit`."""

    def __init__(self, name: str, limit: str) -> None:
        super().__init__(name)
        self.limit = limit


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """What a search is asked for beside its space and models."""

    budget: int = 200
    """How many trials."""
    seed: int = 0
    sampler: str = "thompson"
    name: str = ""
    """Empty: made from everything that decides the outcome, so that the same command goes on with the same search."""
    prune_by_shift: bool = False
    """Stop a prompt before any query is judged, when it leaves the base model further from the aligned one."""
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A search that the store knows of."""

    name: str
    account: Account
    roles: Mapping[Role, str]
    """Identity of each role's model."""


def begin(
    space: SearchSpace,
    evaluator: Evaluator,
    store: Store,
    *,
    aligned: ChatGenerator | None = None,
    options: SearchOptions = SearchOptions(),
) -> Begun:
    """Create the search in the store, or find it there, without asking anything. Errors as `search`."""
    if options.budget < 1:
        raise InputError(f"a search needs a budget of at least 1 trial, not {options.budget}; type --budget 200")
    settings = {
        "space": space.name,
        "fingerprint": space.fingerprint,
        "base": evaluator.generator.identity,
        "aligned": aligned.identity if aligned else None,
        "judge": evaluator.judge.identity,
        "seed": options.seed,
        "sampler": options.sampler,
        "weights": {aspect.value: weight for aspect, weight in space.objective.weights.items()},
    }
    if options.prune_by_shift:
        settings["prune_by_shift"] = True
    roles = {Role.BASE: evaluator.generator.identity, Role.JUDGE: evaluator.judge.identity}
    roles |= {Role.ALIGNED: aligned.identity} if aligned else {}
    options.terms.check(roles)
    name = options.name or f"{space.name}-{content_id(settings)[:6]}"
    store.open_search(name, settings)
    store.pace(evaluator.generator, evaluator.judge, aligned)
    return Begun(name=name, account=store.account(name), roles=roles)
