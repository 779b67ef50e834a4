"""`urial-opt evaluate`: measures a prompt, or answers that others wrote, on queries from anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from urial_opt.cli.options import (
    given_prices,
    json_option,
    opening,
    opening_options,
    price_option,
    print_json,
    store_option,
    write_file,
)
from urial_opt.roles import notes_of

if TYPE_CHECKING:
    from urial_opt.datasets.just_eval import Output
    from urial_opt.records import Candidate, Completion, Query, Sampling
    from urial_opt.spaces.space import SearchSpace

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(short_help="Measure a prompt, or given answers, on any queries.")
@click.option("--prompt", "prompt_file", type=_FILE, help="URIAL prompt file, or one that export --format json wrote.")
@click.option("--search", "search_name", metavar="NAME", help="The prompt that this search found.")
@click.option("--trial", type=int, help="Another trial of --search. [default: the one it found]")
@click.option("--zero-shot", is_flag=True, help="No prompt: the query alone.")
@click.option("--outputs", "outputs_file", type=_FILE, help="Given answers, in just-eval's candidate format.")
@click.option(
    "--against",
    metavar="WHAT",
    help="Let the judge compare the answers, query by query, with those under another prompt: zero-shot, hand-written "
    "(the space's) or a prompt file; with --outputs, with those in another file of answers.",
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
@click.option("--sample", type=click.IntRange(1), help="Ask only so many, each kind, task and topic in its share.")
@click.option("--seed", type=int, help="Of --sample, and of answers at a temperature. [default: 0]")
@click.option(
    "--space", "space_name", help="Search space that defaults come from. [default: that of --search, or nano]"
)
@click.option("--base", help="Base model, such as hf:NAME_OR_FOLDER. [default: the space's]")
@click.option("--judge", help="Judge of the answers. [default: the space's]")
@opening_options("base", "judge")
@click.option("--temperature", type=click.FloatRange(0), help="[default: as the prompt was found, or the space's]")
@click.option("--repetition-penalty", type=click.FloatRange(0, min_open=True), help="[default: likewise]")
@click.option("--max-tokens", type=click.IntRange(1), help="Longest answer. [default: likewise]")
@click.option("--na-as-five", is_flag=True, help="Count missing verdicts as 5.0, as just-eval's leaderboard does.")
@price_option
@click.option("--just-eval", "results_file", type=_FILE, help="Write the verdicts in just-eval's result format, too.")
@store_option
@json_option
def command(
    prompt_file: Path | None,
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
    """Measure a prompt, or answers that others wrote, on queries from anywhere.

    All answers and verdicts are kept in the store: the same command costs nothing a second time.

    \b
    Examples:
      urial-opt evaluate --zero-shot
      urial-opt evaluate --prompt found.txt --queries mine.jsonl --sample 100
      urial-opt evaluate --prompt found.txt --against hand-written --judge llm:gpt-4o
      urial-opt evaluate --outputs answers.json --judge llm:gpt-4o --just-eval verdicts.json

    \b
    A row of a file of queries holds text (or instruction, query, question, prompt) and may hold
      id, kind (regular or safety), task, topic, tags, split, turns (what the user says later)

    \b
    With --json an object with the keys
      average, interval (95 %), aspects (by name: mean, interval, n that could be read, missing; of a panel
        spread, how far its judges are apart),
      queries, missing, na_as_five, prompt (its id; null with --outputs), base, judge,
      tokens (of base and judge: spent, prompt, completion, saved),
      answered_in_prompt (ids of the queries that stand in the prompt with an answer),
      spending (by role, what was not in the store: calls, prompt, completion, cached, cost in
        dollars or null), cost (of all roles; null if a price is not known),
      against (null unless asked for): judge, queries, overall and aspects (by name): wins, ties,
        losses, unread, won (a tie being half a win: mean, interval); consistent (share of the
        pairs of which both orders say the same: mean, interval)
    """
    from urial_opt import plugins
    from urial_opt.cli.choosing import chosen_model, chosen_space, searched_candidate
    from urial_opt.cli.tables import show_assessment, show_bill, show_duel
    from urial_opt.datasets.just_eval import read_outputs, results_json
    from urial_opt.datasets.query_sources import sample_queries
    from urial_opt.errors import InputError
    from urial_opt.evaluation.assessment import Scoring, assess_outputs, assess_prompt
    from urial_opt.evaluation.evaluator import Evaluator
    from urial_opt.evaluation.pairwise import able_to_compare, hold_duel
    from urial_opt.records import Candidate, Role
    from urial_opt.roles import prices_of
    from urial_opt.spending import Bill, Spent
    from urial_opt.store import Store

    if (prompt_file, search_name, outputs_file, zero_shot or None).count(None) != 3:
        raise InputError("say what to measure by one of: --zero-shot, --prompt FILE, --search NAME, --outputs FILE")
    if trial is not None and search_name is None:
        raise InputError(f"--trial {trial} needs the search that it is of; add --search NAME")
    searched = None if search_name is None else searched_candidate(store_url, search_name, trial)
    space = chosen_space(space_name, searched)
    candidate = searched.candidate if searched else _candidate(prompt_file, space)
    decoding = {"temperature": temperature, "repetition_penalty": repetition_penalty, "max_tokens": max_tokens}
    candidate = replace(candidate, sampling=_decoded(candidate.sampling, decoding, seed))
    outputs = None if outputs_file is None else read_outputs(outputs_file)
    queries = _queries(source, split, space, outputs)
    if sample is not None:
        queries = sample_queries(queries, sample, seed=seed or 0)
    judge_name = judge or chosen_model("judge", space)
    base_name = base or chosen_model("base", space) if outputs is None else None
    scoring = Scoring(objective=space.objective, na_as_five=na_as_five)
    prices = given_prices(price)
    others = None if against is None else _others(against, space, queries, decoding, given=outputs is not None)

    def watch(doing: str) -> Callable[[int], None]:
        return lambda done: click.echo(f"[{doing}] {done}/{len(queries)}", err=True)

    with Store.open(store_url) as store:
        named = f"judge {judge_name}" if base_name is None else f"base {base_name}, judge {judge_name}"
        click.echo(f"space {space.name}, {named}, store {store.name}", err=True)
        opened = plugins.open_judge(judge_name, opening("judge"))  # first: it is the quicker one to refuse
        comparing = None if others is None else able_to_compare(opened)
        generator = None if base_name is None else plugins.open_generator(base_name, opening("base"))
        models: dict[Role, object] = {Role.BASE: generator} if generator else {}
        models[Role.JUDGE] = opened
        store.pace(*models.values())
        for note in notes_of(*models.values()):
            click.echo(note, err=True)
        account = store.account()
        if generator is None:
            given = outputs or []
            assessment = assess_outputs(given, queries, opened, account, scoring=scoring, watch=watch("evaluating"))
            theirs = others if isinstance(others, list) else []
        else:
            evaluator = Evaluator(generator=generator, judge=opened, memory=account)
            assessment = assess_prompt(evaluator, candidate, queries, scoring=scoring, watch=watch("evaluating"))
            theirs = evaluator.answer(others, queries) if isinstance(others, Candidate) else []
        duel = None
        if comparing is not None:
            ours = assessment.evaluation.completions
            duel = hold_duel(queries, ours, theirs, comparing, account, watch=watch("comparing"))
    paid = dict(account.spent)
    spent = {Role.BASE: paid.pop(generator.identity, Spent())} if generator else {}
    spent[Role.JUDGE] = sum(paid.values(), Spent())  # under one identity for scores and another for comparisons
    bill = Bill(spent=spent, prices=prices_of(models, prices))
    if results_file is not None:
        verdicts = results_json(assessment.evaluation, generator=assessment.base, na_as_five=na_as_five)
        write_file(results_file, verdicts, option="--just-eval")
        click.echo(f"Wrote the verdicts to {results_file}.", err=True)
    if as_json:
        compared = {"against": duel.as_json() if duel else None}
        print_json({**assessment.as_json(), "spending": bill.as_json(), "cost": bill.total, **compared})
    else:
        show_assessment(assessment)
        if duel is not None:
            show_duel(duel, against=str(against))
        show_bill(bill)


def _candidate(prompt_file: Path | None, space: SearchSpace) -> Candidate:
    """The prompt in a file, or zero-shot."""
    from urial_opt.prompt_file import read_prompt_file, read_sampling
    from urial_opt.records import Candidate

    if prompt_file is None:
        return space.zero_shot
    sampling = read_sampling(prompt_file) or space.hand_written.sampling
    return Candidate(prompt=read_prompt_file(prompt_file), sampling=sampling, params={})


def _others(
    against: str, space: SearchSpace, queries: Sequence[Query], decoding: Mapping[str, Any], *, given: bool
) -> Candidate | list[Completion]:
    """What the answers are compared with: those of a candidate, or given ones."""
    from urial_opt.datasets.just_eval import outputs_for, read_outputs
    from urial_opt.errors import InputError
    from urial_opt.records import Completion

    if later := next((query for query in queries if query.earlier), None):
        raise InputError(
            f"--against compares answers to single queries, and {later.id!r} is a later turn of a conversation; "
            "leave it out, or give other queries"
        )
    if given:
        answering = outputs_for(queries, read_outputs(Path(against)))
        return [Completion(text=output.text, finish_reason="stop") for output in answering]
    named = {"zero-shot": space.zero_shot, "hand-written": space.hand_written}
    candidate = named[against] if against in named else _candidate(Path(against), space)
    return replace(candidate, sampling=_decoded(candidate.sampling, decoding, None))


def _decoded(sampling: Sampling, chosen: Mapping[str, Any], seed: int | None) -> Sampling:
    """The sampling with what was chosen in its place; a seed is left out of greedy ones, so that none is paid twice."""
    sampling = replace(sampling, **{name: value for name, value in chosen.items() if value is not None})
    return sampling if seed is None or not sampling.temperature else replace(sampling, seed=seed)


def _queries(
    source: str | None, split: str | None, space: SearchSpace, outputs: Sequence[Output] | None
) -> Sequence[Query]:
    """The queries of a source, or those that given outputs answer, or the space's, of one split or of all."""
    from urial_opt.cli.choosing import chosen_queries

    if source is None and outputs is not None:
        return [output.query for output in outputs if split in (None, "all", output.query.split)]
    return chosen_queries(source, split, space, by_default="test")
