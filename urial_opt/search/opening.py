"""Opening: the options of a search, and how it is created in the store or found there again."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from urial_opt.aspects import QueryKind
from urial_opt.content import content_id
from urial_opt.errors import InputError, UnknownNameError
from urial_opt.evaluation.token_counts import known_length
from urial_opt.objective import COST, COST_NEEDS_PRICE
from urial_opt.records import Role
from urial_opt.roles import DEFAULT_ROUNDS, NO_ONE, Models
from urial_opt.search.effects.earlier import learn_prior, prior_of
from urial_opt.search.prior import Prior
from urial_opt.search.prompt_features import Features
from urial_opt.search.pruners import DEFAULT_PRUNER
from urial_opt.search.reopening import opened_as_json
from urial_opt.search.samplers import SAMPLERS
from urial_opt.search.token_budget import start_within
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_json import space_text
from urial_opt.spending import Terms
from urial_opt.store import Account, SearchRecord, Store


class Interrupted(Exception):  # noqa: N818 - the user's wish, not an error
    """The search `name` was asked to stop, and did so; the same call continues it."""

    def __init__(
        self, name: str, why: str = "it was asked to stop", *, then: str = "the same call continues it"
    ) -> None:
        super().__init__(f"the search {name!r} has stopped: {why}; {then}")
        self.name = name
        self.why = why


class LimitReached(Interrupted):
    """The search stopped at a limit, which `limit` describes: it is reached, or the next block might exceed it."""

    def __init__(self, name: str, limit: str) -> None:
        super().__init__(name, limit, then="the same call with a higher limit continues it")
        self.limit = limit


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """The options of a search other than its space and models."""

    budget: int = 200
    """Number of trials."""
    seed: int = 0
    sampler: str = "thompson"
    pruner: str = DEFAULT_PRUNER
    prior: str = ""
    """Name of a finished search in the store; its best prompts are tried early (see `prior.py`)."""
    until_done: bool = False
    """Stop before the budget is spent once a clearly better prompt is unlikely (see `stopping.py`)."""
    rounds: int = DEFAULT_ROUNDS
    """How many rounds of the proposer there may be, if there is one."""
    parallel: int | None = None
    """How many trials may be under way at once; None: as many as the base model can take (see `in_flight`)."""
    deterministic: bool = False
    """Let decisions wait for each other, so that the same seed gives the same search whatever comes first."""
    join: bool = False
    """Work on the search beside other processes that do."""
    name: str = ""
    """If empty, the name is derived from everything that affects the result, so the same call continues the search."""
    terms: Terms = field(default_factory=Terms)
    continue_anyway: bool = False
    """Continue a search whose trials are of another version of what decides (see `versions.py`)."""

    def __post_init__(self) -> None:
        if self.budget < 1:
            raise InputError(f"a search needs a budget of at least 1 trial, not {self.budget}; give `budget=200`")
        if self.parallel is not None and self.parallel < 1:
            raise InputError(f"there cannot be {self.parallel} trials under way; give `parallel=1` for one at a time")
        if self.deterministic and self.join:
            raise InputError(
                "processes that work together hear of each other in no fixed order; leave out `join` or `deterministic`"
            )
        if self.rounds < 0:
            raise InputError(f"there cannot be {self.rounds} rounds of a proposer; give `rounds=0` for none")
        for what, wanted in (("takes no prior", bool(self.prior)), ("cannot tell when it is done", self.until_done)):
            if wanted and self.sampler in SAMPLERS[1:]:
                raise InputError(f"the sampler {self.sampler!r} {what}; give `sampler={SAMPLERS[0]}`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A search that has been created in the store."""

    name: str
    account: Account
    models: Models
    """Without the proposer if the search has no rounds."""
    space: SearchSpace
    """The space that the search runs on; it has no floor if the search began before floors for exemplars existed."""
    floor: Mapping[str, Any] | None = None
    """What the floor for exemplars has decided; None if it has not."""
    prior: Prior | None = None
    notes: tuple[str, ...] = ()
    """Notes for the user, one sentence each."""


def begin(space: SearchSpace, models: Models, store: Store, options: SearchOptions) -> Begun:
    """Create the search in the store, or find it there, without calling any model.

    InputError if an option is invalid; StoreError if a search of that name exists with other settings.
    """
    _check_weights(space)
    if options.rounds == 0:
        models = _alone(models)
    settings: dict[str, object] = {
        "space": space.name,
        "fingerprint": space.fingerprint,
        "base": models.base.identity,
        "aligned": models.aligned.identity if models.aligned else None,
        "judge": models.judge.identity,
        "seed": options.seed,
        "sampler": options.sampler,
        "weights": {aspect.value: weight for aspect, weight in space.objective.weights.items()},
    }
    notes: tuple[str, ...] = ()
    named = models.opened_as.get(Role.PROPOSER)
    by_default = named is not None and named.name is None
    new = bool(models.proposer and not by_default) or bool(options.prior)
    earlier = None if new else _begun_without_floor(store, space, settings, options)
    prior = _prior(store, space, options)
    if earlier:
        models = _alone(models)
        notes = (f"{earlier.name!r} began before exemplars were judged; it continues without a floor for exemplars.",)
        name, space, settings = earlier.name, replace(space, exemplar_floor={}), dict(earlier.settings)
    else:
        if options.pruner != DEFAULT_PRUNER:
            settings["pruner"] = options.pruner
        if prior:
            settings["prior"] = prior.identity
            notes = (f"It tries the best prompts of {prior.search!r} early.",)
        settings["constraints"] = [str(each) for each in space.constraints]
        settings |= _beyond_weights(space)
        settings["exemplar_floor"] = {aspect.value: least for aspect, least in space.exemplar_floor.items()}
        name = _named(store, space, settings, options)
        if models.proposer and by_default and _is_begun(store, name, settings):
            models = _alone(models)
            notes = (*notes, f"{name!r} began without a proposer, and continues without one.")
        if models.proposer:
            settings |= {"proposer": models.proposer.identity, "rounds": options.rounds}
            name = _named(store, space, settings, options)
    options.terms.check(models.identities)
    if COST in space.objective.pareto and Role.BASE not in options.terms.prices:
        raise InputError(COST_NEEDS_PRICE)
    begins, note = start_within(space, models.base)
    record = store.open_search(name, settings)
    start = begins.candidate(begins.start_params).prompt
    length = known_length(start, models.base)
    price = options.terms.prices.get(Role.BASE)
    opened = opened_as_json(
        models,
        budget=options.budget,
        until_done=options.until_done,
        start_tokens=length,
        price=price,
        prior=prior,
    )
    if not (options.join and record.models):  # they are opened as another process reaches them
        store.describe(name, space=space_text(space), models=opened)
    store.pace(*models.by_role.values())
    notes = (*notes, note) if note else notes
    return Begun(
        name=name,
        account=store.account(name),
        models=models,
        space=begins,
        floor=record.floor,
        prior=prior,
        notes=notes,
    )


def _prior(store: Store, space: SearchSpace, options: SearchOptions) -> Prior | None:
    """The prior; of a search that has begun, as it was then."""
    if not options.prior:
        return None
    if options.name:
        with suppress(UnknownNameError):
            kept = prior_of(store.search(options.name))
            if kept and kept.search == options.prior:
                return kept
    prior = learn_prior(store, options.prior)
    prior.check(Features(space))
    return prior


def _beyond_weights(space: SearchSpace) -> dict[str, object]:
    """The settings of prices and of several aims; a search without any has the name that it always had."""
    prices = {each.value: price for each, price in space.objective.prices.items()}
    found: dict[str, object] = {"prices": prices} if prices else {}
    return found | ({"pareto": list(space.objective.pareto)} if space.objective.pareto else {})


def _check_weights(space: SearchSpace) -> None:
    """InputError if a split has only queries of kinds on which nothing of weight is judged."""
    weights = space.objective.kind_weights()
    kinds: dict[str, set[QueryKind]] = {}
    for query in space.queries.queries:
        kinds.setdefault(query.split, set()).add(query.kind)
    for split, of_split in kinds.items():
        if not any(weights[kind] for kind in of_split):
            raise InputError(
                f"the objective {str(space.objective)!r} weighs nothing that is judged on the {split} queries, which "
                f"are all {max(of_split)} queries; give another `objective=…`, or queries of the other kind"
            )


def _alone(models: Models) -> Models:
    """The models without the proposer."""
    return replace(models, proposer=None, opened_as={**models.opened_as, Role.PROPOSER: NO_ONE})


def _is_begun(store: Store, name: str, settings: dict[str, object]) -> bool:
    """Whether the store has that search with these settings."""
    with suppress(UnknownNameError):
        return store.search(name).settings == settings
    return False


def _begun_without_floor(
    store: Store, space: SearchSpace, settings: dict[str, object], options: SearchOptions
) -> SearchRecord | None:
    """The same search, if it was begun by a version that had no floor for exemplars."""
    for fingerprint in (space.fingerprint, space.fingerprint_without_turns):
        earlier = {**settings, "fingerprint": fingerprint}
        with suppress(UnknownNameError):
            record = store.search(_named(store, space, earlier, options))
            if record.settings == earlier:
                return record
    return None


def _named(store: Store, space: SearchSpace, settings: dict[str, object], options: SearchOptions) -> str:
    return options.name or store.former_search(settings) or f"{space.name}-{content_id(settings)[:6]}"
