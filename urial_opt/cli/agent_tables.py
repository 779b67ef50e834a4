"""Agent tables: prints what a proposer wrote in a search, and the family tree of a prompt, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from urial_opt.cli.choosing import chosen_trial
from urial_opt.cli.layout import Figure, print_figures, say
from urial_opt.cli.output import write_json
from urial_opt.cli.suggestions import say_suggestions, suggested
from urial_opt.cli.tables import interval
from urial_opt.records import TrialRecord
from urial_opt.search.agent.ancestry import Step, fate_in_short, left_out, rounds_json, steps_to
from urial_opt.search.agent.assignments import weakness_of
from urial_opt.search.agent.widening import Effect, counted, effects
from urial_opt.spaces.lineage import ACCEPTED, Attempt, Round
from urial_opt.store import SearchRecord, Store

_PARTS = {"system": "system prompt", "exemplar": "exemplar"}
_CLIPPED = 160
"""Characters of an exemplar's query that are shown."""


def show_agent(store: Store, search: SearchRecord, trial: int | None, *, drafts: bool, as_json: bool) -> None:
    """Print all `drafts` of a search's proposer; or else the family tree of the found, or of that trial's prompt."""
    rounds = store.rounds(search.name)
    if drafts:
        records = store.trials(search.name)
        if as_json:
            write_json({"name": search.name, "rounds": rounds_json(rounds, records)})
        else:
            show_rounds(rounds, records, search.name)
        return
    record = chosen_trial(store, search, trial)
    steps = steps_to(store, search, record)
    if as_json:
        parts = [step.as_json() for step in steps]
        write_json({"name": search.name, "trial": record.number, "left_out": left_out(rounds), "parts": parts})
    else:
        say(f"Search {search.name}, trial {record.number}", bold=True)
        show_lineage(steps, rounds, search.name)


def show_lineage(steps: Sequence[Step], rounds: Sequence[Round], name: str) -> None:
    """Print the parts of a prompt, each with what it was made from."""
    written = sum(step.ancestor.attempt is not None for step in steps)
    if not rounds:
        say("The search had no proposer: a person wrote every part of this prompt.")
    else:
        who = " and ".join(dict.fromkeys(repr(each.proposer) for each in rounds))
        some = f"{written} of the {len(steps)} parts" if written else "no part"
        share = "every part" if written == len(steps) else some
        say(f"The proposer {who} wrote {share} of this prompt.")
    for step in steps:
        say()
        _show_step(step, depth=0)
    if rounds:
        say()
        _say_left_out(rounds)
        say_suggestions("All drafts:", suggested("inspect", name, "--rounds"))


def _show_step(step: Step, *, depth: int) -> None:
    ancestor, attempt = step.ancestor, step.ancestor.attempt
    margin = "    " * depth
    what = _PARTS[ancestor.part]
    if attempt is None or ancestor.round is None:
        say(f"{what} {ancestor.name}, written by a person", first=margin, rest=f"{margin}  ", bold=not depth)
    else:
        tried = f", attempt {attempt.number + 1}" if attempt.number else ""
        say(f"{what} {ancestor.name}, written in round {ancestor.round.number}{tried}", first=margin, bold=not depth)
        for line in (
            f"against: {step.weakness}" if step.weakness else "",
            f"because: {attempt.proposal.reason}" if attempt.proposal.reason else "",
            f"first look: {_effect(step.effect)}" if step.effect else "",
        ):
            if line:
                say(line, first=f"{margin}  ", rest=f"{margin}    ")
    if depth or attempt is not None:
        if step.query:
            say(f"query: {_clipped(step.query)}", first=f"{margin}  ", rest=f"{margin}    ")
        say(step.text.strip(), first=f"{margin}  | ", rest=f"{margin}  | ")
    if step.parents:
        say("made from", first=f"{margin}  ")
    for parent in step.parents:
        _show_step(parent, depth=depth + 1)


def _effect(effect: Effect) -> str:
    others = f", with {len(effect.shows) - 1} others" if len(effect.shows) > 2 else ""
    others = ", with one other" if len(effect.shows) == 2 else others
    gain = interval(effect.gain, signed=True)
    return f"{gain} on {_counted_queries(effect.queries)}{others} (trial {effect.trial} against trial {effect.best})"


def _counted_queries(number: int) -> str:
    return f"{number} {'query' if number == 1 else 'queries'}"


def _clipped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _CLIPPED else f"{line[: _CLIPPED - 1]}…"


def show_rounds(rounds: Sequence[Round], records: Sequence[TrialRecord], name: str) -> None:
    """Print what a proposer diagnosed and wrote, round by round, with the fate of each draft."""
    if not rounds:
        say(f"The search {name} took no round of a proposer.")
        return
    say(f"Search {name}: {counted(len(rounds), 'round')} of a proposer")
    seen = {key: effect for effect in effects(rounds, records) for key in effect.shows}
    for each in rounds:
        say()
        _show_round(each, seen)
    say()
    _say_left_out(rounds)
    if any(attempt.draft.asked for each in rounds for attempt in each.attempts):
        say_suggestions("What the proposer was asked and replied:", suggested("inspect", name, "--rounds", "--json"))


def _show_round(of: Round, seen: Mapping[str, Effect]) -> None:
    state = "" if of.closed else ", not finished yet"
    say(f"Round {of.number}, after {counted(of.after, 'trial')}{state}; the best was trial {of.best}", bold=True)
    say(f"proposer {of.proposer}", rest="  ")
    for sentence in of.shift:
        say(sentence, first="  ", rest="    ")
    if of.diagnosis and of.diagnosis.trouble:
        say(f"no diagnosis: {of.diagnosis.trouble}", rest="  ")
    for weakness in of.diagnosis.weaknesses if of.diagnosis else ():
        style = f"; style {weakness.style!r}" if weakness.style else ""
        say(f"weakness: {weakness.sentence} ({_counted_queries(len(weakness.queries))}{style})", rest="  ")
    if of.attempts:
        say()
        _print_drafts(of, seen)
    for attempt in of.attempts:
        _show_draft(of, attempt)


def _print_drafts(of: Round, seen: Mapping[str, Effect]) -> None:
    tokens = [each.draft.usage.prompt_tokens + each.draft.usage.completion_tokens for each in of.attempts]
    gains = [interval(seen[each.key].gain, signed=True) if each.key in seen else "–" for each in of.attempts]
    figures = [
        Figure(name="part", cells=[_sort(each) for each in of.attempts], left=True),
        *([Figure(name="tokens", cells=[f"{each:,}" for each in tokens])] if any(tokens) else []),
        Figure(name="fate", cells=[fate_in_short(each) for each in of.attempts], left=True),
        Figure(name="first look [95 %]", short="first look\n[95 %]", cells=gains),
    ]
    print_figures([_number(each) for each in of.attempts], figures, corner="draft")


def _number(attempt: Attempt) -> str:
    """`3`, and `3b` for the second attempt at the third task."""
    return f"{attempt.task + 1}{'abcdefgh'[attempt.number] if attempt.number else ''}"


def _sort(attempt: Attempt) -> str:
    return attempt.key or _PARTS[attempt.proposal.part]


def _show_draft(of: Round, attempt: Attempt) -> None:
    proposal, draft = attempt.proposal, attempt.draft
    made = " and ".join(map(repr, proposal.parents))
    say()
    style = f" in the style {proposal.style!r}" if proposal.style else ""
    fate = f"in the pool as {attempt.key!r}" if attempt.fate == ACCEPTED else attempt.fate or "not decided yet"
    say(
        f"Draft {_number(attempt)}: {_PARTS[proposal.part]}{f' from {made}' if made else ''}{style}: {fate}",
        first="  ",
        rest="    ",
    )
    against = weakness_of(of, attempt)
    if against:
        say(f"against: {against.sentence}", first="    ", rest="      ")
    if draft.reason:
        say(f"because: {draft.reason}", first="    ", rest="      ")
    if proposal.query and not draft.trouble:
        say(f"query: {_clipped(proposal.query)}", first="    ", rest="      ")
    if not draft.trouble:
        say(proposal.text.strip(), first="    | ", rest="    | ")


def _say_left_out(rounds: Sequence[Round]) -> None:
    drafts = sum(len(each.attempts) for each in rounds)
    accepted = sum(len(each.accepted) for each in rounds)
    fates = [f"{number} {_kept_out_by(what)}" for what, number in left_out(rounds).items()]
    why = f"; left out: {', '.join(fates)}" if fates else ""
    say(f"Of {counted(drafts, 'draft')} in {counted(len(rounds), 'round')}, {accepted} entered the pool{why}.")


def _kept_out_by(what: str) -> str:
    if what.startswith("guard"):
        return f"by the {what}"
    return "without a text" if what == "no text" else what
