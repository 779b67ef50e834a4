"""`urial-opt evaluate`: measures a prompt, or given answers, on any queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from urial_opt.cli.choosing import chosen_context, chosen_model, chosen_queries, named_candidate
from urial_opt.cli.options import (
    given_prices,
    json_option,
    named,
    opening_options,
    price_option,
    store_option,
    write_file,
)
from urial_opt.cli.output import write_json, write_line

if TYPE_CHECKING:
    from urial_opt.datasets.just_eval import Output
    from urial_opt.evaluation.measurement import Measurement
    from urial_opt.records import Candidate, Completion, Query, Role, Sampling
    from urial_opt.roles import Named
    from urial_opt.spaces.space import SearchSpace
    from urial_opt.spending import Price

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(short_help="Measure a prompt, or given answers, on any queries.")
@click.option(
    "--prompt",
    "prompt_name",
    metavar="WHAT",
    help="URIAL prompt file, or one written by export --format json; or the space's zero-shot, plain-icl or "
    "hand-written prompt.",
)
@click.option("--search", "search_name", metavar="NAME", help="The prompt that this search found.")
@click.option("--trial", type=int, help="Another trial of --search. [default: the one it found]")
@click.option("--zero-shot", is_flag=True, help="The same as --prompt zero-shot.")
@click.option("--outputs", "outputs_file", type=_FILE, help="Given answers, in just-eval's candidate format.")
@click.option(
    "--against",
    metavar="WHAT",
    help="Let the judge compare the answers, query by query, with those under another prompt: zero-shot, plain-icl, "
    "hand-written (the space's) or a prompt file; with --outputs, with those in another file of answers.",
)
@click.option(
    "--queries",
    "source",
    metavar="SOURCE",
    help="A file (.jsonl, .json, .csv, .parquet), or just-eval-instruct, alpaca-eval, mt-bench or lima. "
    "[default: the space's, or those that --outputs answers]",
)
@click.option(
    "--split",
    type=click.Choice(["dev", "validation", "test", "all"]),
    help="[default: test for the space's queries, all for others]",
)
@click.option(
    "--sample", type=click.IntRange(1), help="Ask only this many queries, stratified by kind, task and topic."
)
@click.option("--seed", type=int, help="Seed of --sample, and of answers at a temperature. [default: 0]")
@click.option("--space", "space_name", help="Search space that provides defaults. [default: that of --search, or nano]")
@click.option("--base", help="Base model, such as hf:NAME_OR_FOLDER. [default: the space's]")
@click.option("--judge", help="Judge of the answers. [default: the space's]")
@opening_options("base", "judge")
@click.option("--temperature", type=click.FloatRange(0), help="[default: as the prompt was found, or the space's]")
@click.option("--repetition-penalty", type=click.FloatRange(0, min_open=True), help="[default: likewise]")
@click.option("--max-tokens", type=click.IntRange(1), help="Maximum length of an answer. [default: likewise]")
@click.option("--na-as-five", is_flag=True, help="Count missing verdicts as 5.0, as just-eval's leaderboard does.")
@price_option
@click.option("--just-eval", "results_file", type=_FILE, help="Also write the verdicts in just-eval's result format.")
@store_option
@json_option
def command(
    prompt_name: str | None,
    search_name: str | None,
    trial: int | None,
    outputs_file: Path | None,
    against: str | None,
    source: str | None,
    split: Literal["dev", "validation", "test", "all"] | None,
    sample: int | None,
    seed: int | None,
    space_name: str | None,
    base: str | None,
    judge: str | None,
    temperature: float | None,
    repetition_penalty: float | None,
    max_tokens: int | None,
    price: tuple[str, ...],
    results_file: Path | None,
    store_url: str,
    *,
    zero_shot: bool,
    na_as_five: bool,
    as_json: bool,
) -> None:
    """Measure a prompt, or given answers, on any queries.

    All answers and verdicts are kept in the store: repeating a command costs nothing.

    \b
    Examples:
      urial-opt evaluate --zero-shot
      urial-opt evaluate --prompt found.txt --queries mine.jsonl --sample 100
      urial-opt evaluate --prompt found.txt --against hand-written --judge llm:gpt-4o
      urial-opt evaluate --outputs answers.json --judge llm:gpt-4o --just-eval verdicts.json

    \b
    A row of a query file has the field text (or instruction, query, question, prompt) and may have
      id, kind (regular or safety), task, topic, tags, split, turns (the user's later turns)

    \b
    With --json an object with the keys
      average, interval (95 %), aspects (by name: mean, interval, n of readable verdicts, missing;
        for a panel spread, how far its judges are apart), constraints (constraint, mean, kept),
      queries, missing, na_as_five, prompt (its id; null with --outputs), base, judge,
      tokens (of base and judge: spent, prompt, completion, saved),
      answered_in_prompt (ids of the queries that the prompt already answers),
      spending (by role, what was not in the store: calls, prompt, completion, cached, cost in
        dollars or null), cost (of all roles; null if a price is not known),
      against (null unless requested): judge, queries, overall and aspects (by name): wins, ties,
        losses, unread, won (a tie counts as half a win: mean, interval); consistent (share of the
        pairs with the same verdict in both orders: mean, interval)
    """
    from urial_opt.datasets.just_eval import read_outputs
    from urial_opt.errors import InputError

    if (prompt_name, search_name, outputs_file, zero_shot or None).count(None) != 3:
        raise InputError("choose what to measure: one of --prompt WHAT, --search NAME, --outputs FILE, --zero-shot")
    searched, space = chosen_context(store_url, search_name, trial, space_name)
    decoding = {"temperature": temperature, "repetition_penalty": repetition_penalty, "max_tokens": max_tokens}
    candidate = searched.candidate if searched else named_candidate(prompt_name or "zero-shot", space)
    candidate = replace(candidate, sampling=_decoded(candidate.sampling, decoding, seed))
    outputs = None if outputs_file is None else read_outputs(outputs_file)
    queries = _queries(source, split, space, outputs, sample=sample, seed=seed or 0)
    judge_name = judge or chosen_model("judge", space)
    others = None if against is None else _others(against, space, queries, decoding, given=outputs is not None)
    measured = _measure(
        store_url,
        _Asked(
            space=space, candidate=candidate, queries=queries, outputs=outputs, others=others, na_as_five=na_as_five
        ),
        base=named("base", base or chosen_model("base", space)) if outputs is None else None,
        judge=named("judge", judge_name),
        prices=given_prices(price),
    )
    if results_file is not None:
        _write_verdicts(results_file, measured, na_as_five=na_as_five)
    if as_json:
        write_json(measured.as_json())
    else:
        _show(measured, against)


def _write_verdicts(file: Path, measured: Measurement, *, na_as_five: bool) -> None:
    from urial_opt.datasets.just_eval import results_json

    assessment = measured.assessment
    text = results_json(assessment.evaluation, generator=assessment.base, na_as_five=na_as_five)
    write_file(file, text, option="--just-eval")
    write_line(f"Wrote the verdicts to {file}.", err=True)


def _show(measured: Measurement, against: str | None) -> None:
    from urial_opt.cli.tables import show_assessment, show_bill, show_pairwise

    show_assessment(measured.assessment)
    if measured.comparison is not None:
        show_pairwise(measured.comparison, against=str(against))
    show_bill(measured.bill)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What to measure, on which queries, and what to compare it with."""

    space: SearchSpace
    candidate: Candidate
    queries: Sequence[Query]
    outputs: Sequence[Output] | None
    others: Candidate | list[Completion] | None
    na_as_five: bool


def _measure(
    store_url: str, asked: _Asked, *, base: Named | None, judge: Named, prices: dict[Role, Price]
) -> Measurement:
    """Open the models and measure; progress goes to standard error."""
    from urial_opt.evaluation.assessment import Scoring
    from urial_opt.evaluation.measurement import Answering, measure
    from urial_opt.records import Role
    from urial_opt.roles import base_of, judge_of, notes_of, prices_of
    from urial_opt.store import Store

    def watch(doing: str, done: int) -> None:
        write_line(f"[{doing}] {done}/{len(asked.queries)}", err=True)

    with Store.open(store_url) as store:
        of_whom = f"judge {judge.name}" if base is None else f"base {base.name}, judge {judge.name}"
        write_line(f"space {asked.space.name}, {of_whom}, store {store.name}", err=True)
        opened = judge_of(judge)  # first, because it fails faster
        generator = None if base is None else base_of(base)
        models: dict[Role, object] = ({Role.BASE: generator} if generator else {}) | {Role.JUDGE: opened}
        store.pace(*models.values())
        for note in notes_of(*models.values()):
            write_line(note, err=True)
        return measure(
            asked.queries,
            opened,
            store,
            answers=Answering(generator=generator, candidate=asked.candidate) if generator else asked.outputs or [],
            against=asked.others,
            scoring=Scoring(
                objective=asked.space.objective, constraints=asked.space.constraints, na_as_five=asked.na_as_five
            ),
            prices=prices_of(models, prices),
            watch=watch,
        )


def _others(
    against: str, space: SearchSpace, queries: Sequence[Query], decoding: Mapping[str, Any], *, given: bool
) -> Candidate | list[Completion]:
    """What to compare the answers with: those of a candidate, or given ones."""
    from urial_opt.datasets.just_eval import outputs_for, read_outputs
    from urial_opt.datasets.queries import refuse_later_turns
    from urial_opt.records import Completion

    refuse_later_turns(queries, "--against compares answers to single queries")
    if given:
        answering = outputs_for(queries, read_outputs(Path(against)))
        return [Completion(text=output.text, finish_reason="stop") for output in answering]
    candidate = named_candidate(against, space)
    return replace(candidate, sampling=_decoded(candidate.sampling, decoding, None))


def _decoded(sampling: Sampling, chosen: Mapping[str, Any], seed: int | None) -> Sampling:
    """The sampling with the chosen settings; greedy decoding gets no seed, so that stored answers are reused."""
    sampling = replace(sampling, **{name: value for name, value in chosen.items() if value is not None})
    return sampling if seed is None or not sampling.temperature else replace(sampling, seed=seed)


def _queries(
    source: str | None,
    split: str | None,
    space: SearchSpace,
    outputs: Sequence[Output] | None,
    *,
    sample: int | None,
    seed: int,
) -> Sequence[Query]:
    """The queries of a source, or those that given outputs answer, or the space's; of one split or of all, sampled."""
    from urial_opt.datasets.query_sources import sample_queries

    if source is None and outputs is not None:
        queries: Sequence[Query] = [output.query for output in outputs if split in (None, "all", output.query.split)]
    else:
        queries = chosen_queries(source, split, space, by_default="test")
    return queries if sample is None else sample_queries(queries, sample, seed=seed)
