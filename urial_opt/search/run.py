"""Run: a whole search, from the floor for exemplars through the race on `dev` to the final measurement on `test`."""

from __future__ import annotations

from collections.abc import Callable

from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.evaluation.scorecard import strata_of
from urial_opt.roles import Models
from urial_opt.search.final import finish
from urial_opt.search.floor import exemplars_to_judge, hold_to_floor
from urial_opt.search.opening import Begun, SearchOptions, begin
from urial_opt.search.progress import Phase, Progress
from urial_opt.search.racing import Race
from urial_opt.search.result import SearchResult
from urial_opt.search.running import RunningSearch
from urial_opt.search.samplers import make_sampler
from urial_opt.search.shift_probe import PROBES, watch_shift
from urial_opt.search.standing import Standing
from urial_opt.search.study import SearchStudy
from urial_opt.search.trials import learn_stored_trials, run_trials
from urial_opt.search.widening import recall_rounds
from urial_opt.spaces.space import SearchSpace
from urial_opt.spending import Meter
from urial_opt.store import Store

LEAST_CHANCE = 0.2
"""A challenger is stopped if its chance of ending ahead is lower: late in a search, most prompts nearly tie."""


def search_space(
    space: SearchSpace,
    models: Models,
    store: Store,
    *,
    options: SearchOptions = SearchOptions(),
    watch: Callable[[Progress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> SearchResult:
    """Run a search, or continue it, to its end.

    `watch` is called with the progress; `stop` is called between blocks of queries. Interrupted if `stop` returns true,
    LimitReached before a limit would be exceeded; all results are kept, and the same call continues the search.
    InputError if an option is invalid; StoreError if the store fails, AdapterError if a model or the judge fails.
    """
    make_sampler(options.sampler, space, seed=options.seed)  # a wrong name fails before anything is stored
    begun = begin(space, models, store, options)
    search = _running(begun, models, store, options, watch, stop)
    _apply_floor(search)
    recall_rounds(search)
    learn_stored_trials(search)
    with SearchStudy(store, begun.name, make_sampler(options.sampler, search.space, seed=options.seed)) as study:
        run_trials(search, study)
    return finish(search)


def _running(
    begun: Begun,
    models: Models,
    store: Store,
    options: SearchOptions,
    watch: Callable[[Progress], None],
    stop: Callable[[], bool],
) -> RunningSearch:
    space = begun.space
    blocks = space.queries.blocks("dev", space.block, seed=options.seed)
    strata = strata_of([query for block in blocks for query in block], space.objective)
    return RunningSearch(
        begun=begun,
        space=space,
        models=models,
        evaluator=Evaluator(generator=models.base, judge=models.judge, memory=begun.account),
        store=store,
        options=options,
        blocks=blocks,
        standing=Standing(race=Race(strata=strata, least_chance=LEAST_CHANCE)),
        shift=watch_shift(
            models.base,
            models.aligned,
            begun.account,
            queries=blocks[0][:PROBES],
            max_tokens=space.hand_written.sampling.max_tokens,
        ),
        watch=watch,
        stop=stop,
        meter=Meter(options.terms),
    )


def _apply_floor(search: RunningSearch) -> None:
    """Bar the exemplars below the floor and report how many there are."""
    total = len(exemplars_to_judge(search.space))

    def before_block(done: int, queries: int) -> None:
        search.check_limits(queries)
        search.report(Phase.EXEMPLARS, done=done, total=total)

    floor = hold_to_floor(search.space, search.models.judge, search.begun.account, before_block=before_block)
    search.space = floor.space
    search.notes = (*search.begun.notes, *floor.notes)
