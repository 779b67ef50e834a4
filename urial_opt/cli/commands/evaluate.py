"""`urial-opt evaluate`: measures a prompt, or given answers, on any queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from urial_opt.cli.choosing import chosen_context, chosen_model, chosen_queries, named_context, of_split
from urial_opt.cli.decoding import choose_decoding, chosen_reading, decoded, decoding_line, decoding_options
from urial_opt.cli.former_names import search_argument
from urial_opt.cli.measured import report
from urial_opt.cli.options import (
    ask_again_option,
    asking_again,
    chosen_terms,
    json_option,
    named,
    opening_options,
    refuse_unwritable,
    run_limits,
    space_option,
    store_option,
)
from urial_opt.cli.output import write_line

if TYPE_CHECKING:
    from urial_opt.datasets.just_eval import Output
    from urial_opt.evaluation.measurement import Answering, Measurement
    from urial_opt.protocols import Generator
    from urial_opt.records import Candidate, Completion, Query, Role
    from urial_opt.roles import Named
    from urial_opt.spaces.contexts import Context
    from urial_opt.spaces.space import SearchSpace

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(short_help="Measure a prompt, or given answers, on any queries.")
@search_argument
@click.option(
    "--prompt",
    "prompt_name",
    metavar="WHAT",
    help="URIAL prompt file, or one written by export --format json; or the space's zero-shot, plain-icl or "
    "hand-written prompt.",
)
@click.option("--trial", type=int, help="Another trial of the search. [default: the one it found]")
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
    help="A file (.jsonl, .json, .csv, .tsv, .parquet), or just-eval-instruct, alpaca-eval, mt-bench or lima. "
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
@space_option
@click.option("--base", help="Base model, such as hf:NAME_OR_FOLDER. [default: the space's]")
@click.option("--judge", help="Judge of the answers. [default: the space's]")
@opening_options("base", "judge")
@decoding_options
@click.option("--na-as-five", is_flag=True, help="Count verdicts N/A as 5.0, as just-eval's leaderboard does.")
@ask_again_option
@partial(run_limits, tokens=False)
@click.option("--just-eval", "results_file", type=_FILE, help="Also write the verdicts in just-eval's result format.")
@store_option
@json_option
def command(
    search_name: str | None,
    prompt_name: str | None,
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
    max_new_tokens: int | None,
    results_file: Path | None,
    store_url: str,
    *,
    zero_shot: bool,
    na_as_five: bool,
    as_json: bool,
) -> None:
    """Measure a prompt, or given answers, on any queries.

    NAME is a stored search, whose found prompt is measured; in its place may stand --prompt, --outputs or --zero-shot.
    All answers and verdicts are kept in the store: repeating a command costs nothing, and at a limit (--max-cost,
    --max-time; exit code 3) the same command goes on. Tokens have no limit here.

    \b
    Examples:
      urial-opt evaluate --zero-shot
      urial-opt evaluate NAME --split dev
      urial-opt evaluate --prompt found.txt --queries mine.jsonl --sample 100
      urial-opt evaluate --prompt found.txt --against hand-written --judge llm:gpt-4o
      urial-opt evaluate --outputs answers.json --judge llm:gpt-4o --just-eval verdicts.json

    \b
    A row of a query file has the field text (or instruction, query, question, prompt) and may have
      id, kind (regular or safety), task, topic, tags, split, turns (the user's later turns)

    \b
    With --json an object with the keys
      average, interval (95 %), objective (of the space), value (what it makes of it, null where that is the
        average: mean, interval), prompt_tokens, answer_tokens (mean, interval), aspects (by name: mean, interval, n
        of readable verdicts, missing and why: not_applicable, unread, refused, too_long (for the base model); for a
        panel spread, how far its judges are apart), constraints (constraint, mean, kept), queries, missing,
        not_applicable, unread, refused, too_long, too_long_queries (ids), na_as_five, prompt (its id; null with
        --outputs), base, judge, space, tokens (of base and judge: spent, prompt, completion, saved), decoding (null
        with --outputs), answers, answered_in_prompt (ids of the queries that the prompt answers), spending (by
        role, what was not in the store: calls (answers or verdicts), requests, prompt, completion, cached, cost in
        dollars or null), cost (of all roles; null if not known),
      against (null unless requested): judge, queries, overall and aspects (by name): wins, ties,
        losses, unread, won (a tie counts as half a win: mean, interval); missing (verdicts, by
        the reason); too_long_queries; consistent (share of the pairs with the same verdict in
        both orders: mean, interval)
    """
    from urial_opt.datasets.just_eval import read_outputs

    choose_decoding(max_tokens=max_new_tokens)
    refuse_unwritable(results_file, option="--just-eval")
    _refuse_two(prompt_name, search_name or trial, outputs_file, zero_shot or None)
    searched, space = chosen_context(store_url, search_name, trial, space_name, base=base)
    context = searched.context if searched else named_context(prompt_name or "zero-shot", space)
    outputs = None if outputs_file is None else read_outputs(outputs_file)
    queries = _queries(source, split, space, outputs, sample=sample, seed=seed or 0)
    asked = _Asked(
        space=space,
        context=context,
        candidate=decoded(context.candidate, seed),
        queries=queries,
        outputs=outputs,
        others=None if against is None else _others(against, space, queries, given=outputs is not None),
        fives=na_as_five,
    )
    measured = _measure(
        store_url,
        asked,
        judge=named("judge", judge or chosen_model("judge", space)),
        base=named("base", base or chosen_model("base", space)) if outputs is None else None,
    )
    report(measured, asked.as_json(), results_file=results_file, against=against, as_json=as_json)


def _refuse_two(*given: object) -> None:
    """InputError unless one thing to measure is given, and one alone."""
    from urial_opt.errors import InputError

    if sum(each is not None for each in given) != 1:
        raise InputError(
            "choose what to measure, one thing: the NAME of a search, --prompt WHAT, --outputs FILE or --zero-shot"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What to measure, on which queries, and what to compare it with."""

    space: SearchSpace
    context: Context
    candidate: Candidate
    """The candidate of the context, decoded as the options say."""
    queries: Sequence[Query]
    outputs: Sequence[Output] | None
    others: Candidate | list[Completion] | None
    fives: bool
    """Whether verdicts N/A count as 5."""

    def as_json(self) -> dict[str, object]:
        """What the measurement was made with."""
        sampling = None if self.outputs is not None else asdict(self.candidate.sampling)
        return {"space": self.space.name, "decoding": sampling, "answers": chosen_reading()}


def _measure(store_url: str, asked: _Asked, *, base: Named | None, judge: Named) -> Measurement:
    """Open the models and measure; progress goes to standard error."""
    from urial_opt.cli.accounts import paying
    from urial_opt.evaluation.assessment import Scoring
    from urial_opt.evaluation.measurement import measure
    from urial_opt.records import Role
    from urial_opt.roles import base_of, judge_of, notes_of
    from urial_opt.store import Store

    progress = "Nothing is measured yet."

    def watch(doing: str, done: int) -> None:
        nonlocal progress
        progress = f"{doing.capitalize()}: {done} of {len(asked.queries)} queries are done."
        write_line(f"[{doing}] {done}/{len(asked.queries)}", err=True)

    with Store.open(store_url) as store:
        of_whom = f"judge {judge.name}" if base is None else f"base {base.name}, judge {judge.name}"
        write_line(f"space {asked.space.name}, {of_whom}, store {store.name}", err=True)
        if base is not None:
            write_line(decoding_line(asked.candidate.sampling, asked.context.decoding_from), err=True)
        opened = judge_of(judge)  # first, because it fails faster
        generator = None if base is None else base_of(base)
        models: dict[Role, object] = ({Role.BASE: generator} if generator else {}) | {Role.JUDGE: opened}
        store.pace(*models.values())
        store.again.most = asking_again()
        for note in notes_of(*models.values()):
            write_line(note, err=True)
        terms, account = chosen_terms(models), store.account(command="evaluate")
        scoring = Scoring(objective=asked.space.objective, constraints=asked.space.constraints, na_as_five=asked.fives)
        with paying(account, models, terms, stored=lambda: progress):
            return measure(
                asked.queries,
                opened,
                store,
                answers=_answering(generator, asked.candidate) if generator else asked.outputs or [],
                against=asked.others,
                scoring=scoring,
                prices=terms.prices,
                account=account,
                watch=watch,
            )


def _answering(generator: Generator, candidate: Candidate) -> Answering:
    from urial_opt.evaluation.measurement import Answering

    return Answering(generator=generator, candidate=candidate, as_public=chosen_reading() == "as-public")


def _others(against: str, space: SearchSpace, queries: Sequence[Query], *, given: bool) -> Candidate | list[Completion]:
    """What to compare the answers with: those of a candidate, or given ones."""
    from urial_opt.datasets.just_eval import outputs_for, read_outputs
    from urial_opt.datasets.queries import refuse_later_turns
    from urial_opt.records import Completion

    refuse_later_turns(queries, "--against compares answers to single queries")
    if given:
        answering = outputs_for(queries, read_outputs(Path(against)))
        return [Completion(text=output.text, finish_reason="stop") for output in answering]
    return decoded(named_context(against, space).candidate)


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
        queries: Sequence[Query] = of_split([output.query for output in outputs], split)
    else:
        queries = chosen_queries(source, split, space, by_default="test")
    return queries if sample is None else sample_queries(queries, sample, seed=seed)
