"""Run: a whole search, from the floor for exemplars through the race on `dev` to the final measurement on `test`."""

from __future__ import annotations

from collections.abc import Callable

from urial_opt.evaluation.evaluator import Evaluator
from urial_opt.evaluation.scorecard import strata_of
from urial_opt.roles import Models
from urial_opt.search.agent.widening import recall_rounds
from urial_opt.search.final import finish
from urial_opt.search.floor import Floor, exemplars_to_judge, hold_to_floor
from urial_opt.search.lanes import in_flight
from urial_opt.search.opening import Begun, Interrupted, SearchOptions, begin
from urial_opt.search.progress import Phase, Progress
from urial_opt.search.pruners import make_race
from urial_opt.search.restored import restored_result
from urial_opt.search.result import SearchResult
from urial_opt.search.running import RunningSearch
from urial_opt.search.samplers import make_sampler
from urial_opt.search.schedule import run_trials
from urial_opt.search.shift_probe import PROBES, watch_shift
from urial_opt.search.standing import Standing
from urial_opt.search.study import SearchStudy
from urial_opt.search.trials import learn_stored_trials, report_all
from urial_opt.search.versions import check_versions, deciding
from urial_opt.spaces.space import SearchSpace
from urial_opt.spending import Meter
from urial_opt.store import SearchStatus, Store, Work, Worker


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

    `watch` is called with the progress; `stop` is called before each block of queries, and from any thread before each
    request to a server. Interrupted if `stop` returns true, LimitReached if a limit is reached or the next block might
    exceed it; all results are kept, and the same call continues the search.
    InputError if an option is invalid or if the search has trials of other versions of what decides; StoreError if the
    store fails or another process works on the search, unless it is to join; AdapterError if a model or the judge
    fails.
    """
    # a wrong name fails before anything is stored
    make_sampler(options.sampler, space, seed=options.seed)
    make_race(options.pruner, strata_of((), space.objective))
    begun = begin(space, models, store, options)
    models = begun.models
    if not options.continue_anyway:
        check_versions(store.search(begun.name), trials=store.count_trials(begun.name))
    versions = deciding(store.search(begun.name))
    with store.worker(begun.name, versions=versions, join=options.join, stops=(Interrupted,)) as worker:
        if options.join or worker.others():  # others may come while this one judges exemplars
            worker.share()
        with begun.account.billing(*models.by_role.values()):
            search = _running(begun, models, store, options, watch, stop, worker)
        return _to_the_end(search)


def _to_the_end(search: RunningSearch) -> SearchResult:
    store, options, name = search.store, search.options, search.name
    with search.begun.account.billing(*search.models.by_role.values(), allow=search.allow):
        _apply_floor(search)
        recall_rounds(search)
        learn_stored_trials(search)
        learnt = search.standing.estimates_of
        sampler = make_sampler(
            options.sampler, search.space, seed=options.seed, estimates_of=learnt, prior=search.begun.prior
        )
        with SearchStudy(store, name, sampler) as study:
            run_trials(search, study)
            return _end(search, study)


def _end(search: RunningSearch, study: SearchStudy) -> SearchResult:
    """The measurements at the end, by one of the processes that work on the search; the others wait for them."""
    leases, store = search.worker.leases, search.store
    while (record := store.search(search.name)).status is not SearchStatus.FINISHED:
        if leases.take(Work.END, 0):
            report_all(search, study)
            result = finish(search)
            study.name_found(search.standing.records, result.found_trial)
            return result
        search.pause()
    return restored_result(store, record)


def _running(
    begun: Begun,
    models: Models,
    store: Store,
    options: SearchOptions,
    watch: Callable[[Progress], None],
    stop: Callable[[], bool],
    worker: Worker,
) -> RunningSearch:
    space = begun.space
    blocks = space.queries.blocks("dev", space.block, seed=options.seed)
    strata = strata_of([query for block in blocks for query in block], space.objective)
    return RunningSearch(
        begun=begun,
        worker=worker,
        space=space,
        models=models,
        evaluator=Evaluator(generator=models.base, judge=models.judge, memory=begun.account),
        store=store,
        options=options,
        blocks=blocks,
        standing=Standing(race=make_race(options.pruner, strata)),
        parallel=in_flight(models.base, block=space.block, options=options),
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
    """Bar the exemplars below the floor and report how many there are.

    What was decided once is kept: a verdict that is asked for again later does not change the pool of a search.
    """
    if search.begun.floor is not None:
        floor = Floor.kept_by(search.begun.floor, search.space)
        search.space, search.notes = floor.space, (*search.begun.notes, *floor.notes)
        return
    total = len(exemplars_to_judge(search.space))

    def before_block(done: int, queries: int) -> None:
        search.check_limits(queries)
        search.report(Phase.EXEMPLARS, done=done, total=total)

    floor = hold_to_floor(
        search.space,
        search.models.judge,
        search.begun.account,
        before_block=before_block,
        stored_is_final=search.store.count_trials(search.name) > 0,  # an earlier version decided, and did not keep it
    )
    search.store.keep_floor(search.name, floor.as_json())
    search.space = floor.space
    search.notes = (*search.begun.notes, *floor.notes)
