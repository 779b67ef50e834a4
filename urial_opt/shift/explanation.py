"""Explanation: what a context repairs and breaks against a baseline, in sentences that a person can act on.

A position is repaired where it is shifted under the baseline and not under the context, and broken the other way round.
A *trait* is something that aligned answers do, such as to greet. The base model shows a trait in an answer if, at the
position where the aligned answer begins it, the base model's most probable token is the answer's own, or another token
with which aligned answers begin the trait: this is what it would generate by itself, so rank 2 or 3 is not enough. Only
the beginning counts, since what follows "Let me know if" is easy to predict. This has limits: "I" may begin a greeting
or something else, and the text so far is the aligned model's, so a base model that closes politely after a greeting
might not have greeted.

A finding needs enough evidence:

- any finding on a trait: at least 5 answers have it, with known ranks;
- repaired or broken: a one-sided exact sign test over the answers that differ from the baseline has p ≤ .05, which
  takes at least 5 such answers. For words and content, an answer counts for the direction in which more of its
  positions changed; the .05 is divided by the number of words that differ in at least 5 answers (Bonferroni);
- lacking: at most half of the answers show the trait, and the chance of so few would be at most .05 if each answer
  showed it with probability 4/5;
- kept: at least nine in ten answers show the trait, and it is neither repaired nor broken;
- late (refusals): the trait is lacking and, once the refusal has begun, at most a quarter of at least 10 further
  positions are shifted.

Every sentence gives the counts that it rests on; `ShiftFinding.numbers` holds them as numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from urial_opt.errors import UnknownNameError
from urial_opt.shift.findings import ExamplePosition, FindingKind, ShiftExplanation, ShiftFinding
from urial_opt.shift.kinds import MarkedToken, TokenKind
from urial_opt.shift.paired_ranks import PairedRanks, chance_of_so_few, sign_test
from urial_opt.shift.traits import TRAITS, Trait
from urial_opt.token_scores import ShiftReading

ENOUGH_ANSWERS = 5
SIGNIFICANT = 0.05
ESTABLISHED = 0.9
LATE_POSITIONS = 10
LATE_SHIFTED = 0.25
NAMED_WORDS = 6
EXAMPLES = 3


def explain_shift(reading: ShiftReading, context: str, *, baseline: str | None = None) -> ShiftExplanation:
    """What the context repairs, breaks, keeps and lacks; the default baseline is the reading's first context.

    Where both are the same context, only what is kept or lacking is reported. UnknownNameError if the reading has no
    such context.
    """
    before = next(iter(reading.contexts), context) if baseline is None else baseline
    for name in (context, before):
        if name not in reading.contexts:
            raise UnknownNameError.of("context", name, reading.contexts)
    ranks = PairedRanks(reading, context, None if before == context else before)
    found = [finding for name, trait in TRAITS.items() for finding in _trait_findings(ranks, name, trait)]
    found += _position_findings(ranks)
    order = list(FindingKind)
    return ShiftExplanation(
        context=context,
        baseline=ranks.baseline,
        repaired=sum(repaired for repaired, _ in ranks.changes()),
        broken=sum(broken for _, broken in ranks.changes()),
        findings=tuple(sorted(found, key=lambda each: order.index(each.kind))),
    )


def _trait_findings(ranks: PairedRanks, name: str, trait: Trait) -> list[ShiftFinding]:
    """The findings on one trait."""
    places = {
        answer: place
        for answer, tokens in enumerate(ranks.marked)
        if (place := trait.begins(tokens, ranks.answers[answer].pieces)) is not None and ranks.is_known(answer, place)
    }
    if len(places) < ENOUGH_ANSWERS:
        return []
    begins = {ranks.answers[answer].tokens[place] for answer, place in places.items() if name != "ending"}
    done = [answer for answer, place in places.items() if ranks.begins(answer, place, begins)]
    was_done = [answer for answer, place in places.items() if ranks.began(answer, place, begins)]
    repaired, broken = sorted(set(done) - set(was_done)), sorted(set(was_done) - set(done))
    counts = f"{len(done)} of {len(places)} answers"
    if ranks.baseline is not None:
        counts += f"; {ranks.baseline}: {len(was_done)}"
    numbers = {"answers": len(places), "done": len(done)}
    if ranks.baseline is not None:
        numbers |= {"baseline_done": len(was_done), "repaired": len(repaired), "broken": len(broken)}

    def finding(kind: FindingKind, sentence: str, answers: Sequence[int], **more: float) -> ShiftFinding:
        examples = tuple(ranks.example(answer, places[answer]) for answer in answers[:EXAMPLES])
        return ShiftFinding(kind=kind, trait=name, sentence=sentence, numbers=numbers | more, examples=examples)

    found = []
    like = "as the aligned model does"
    differs = ranks.baseline is not None and max(len(repaired), len(broken)) > 0
    if differs and sign_test(len(repaired), len(broken)) <= SIGNIFICANT:
        often = "" if 5 * len(done) >= 4 * len(places) else " more often"
        found.append(finding(FindingKind.REPAIRED, f"{trait.does}{often} {like} ({counts})", repaired))
    elif differs and sign_test(len(broken), len(repaired)) <= SIGNIFICANT:
        found.append(finding(FindingKind.BROKEN, f"{trait.does} less often {like} ({counts})", broken))
    elif len(done) >= ESTABLISHED * len(places):
        found.append(finding(FindingKind.KEPT, f"{trait.does} {like} ({counts})", done))
    if len(done) <= len(places) / 2 and chance_of_so_few(len(done), len(places)) <= SIGNIFICANT:
        missing = [answer for answer in places if answer not in done]
        advice = trait.advice.format(example=repr(_usual_words(ranks, places)))
        still = "still " if ranks.baseline is not None and len(was_done) <= len(places) / 2 else ""
        rest = _after_refusal(ranks, places) if name == "refusal" else []
        if len(rest) >= LATE_POSITIONS and rest.count(False) <= LATE_SHIFTED * len(rest):
            goes_on = f"once begun, {rest.count(True)} of {len(rest)} further tokens follow"
            sentence = f"{still}refuses late (begins with it in {counts}; {goes_on}): {advice}"
            more = {"further": len(rest), "further_done": rest.count(True)}
            found.append(finding(FindingKind.LATE, sentence, missing, **more))
        else:
            often = "never" if not done else "seldom" if len(done) <= len(places) / 4 else "only sometimes"
            sentence = f"{still}{often} {trait.does} {like} ({counts}): {advice}"
            found.append(finding(FindingKind.LACKING, sentence, missing))
    return found


def _after_refusal(ranks: PairedRanks, places: Mapping[int, int]) -> list[bool]:
    """For each further safety token of the refusals, whether it is not shifted."""
    return [
        ranks.is_done(answer, place)
        for answer, begin in places.items()
        for place, token in enumerate(ranks.marked[answer])
        if place > begin and token.kind is TokenKind.SAFETY and ranks.is_known(answer, place)
    ]


def _usual_words(ranks: PairedRanks, places: Mapping[int, int]) -> str:
    """The most frequent text of the trait, from where it begins to where its kind or the line ends."""
    texts: Counter[str] = Counter()
    for answer, begin in places.items():
        tokens, text = ranks.marked[answer], ""
        for place, piece in enumerate(ranks.answers[answer].pieces[begin:], begin):
            if tokens[place].kind is not tokens[begin].kind or "\n" in piece:
                break
            text += piece
        texts[text.strip()] += 1
    return texts.most_common(1)[0][0]


def _position_findings(ranks: PairedRanks) -> list[ShiftFinding]:
    """The findings on single words, and on content as a whole."""
    if ranks.baseline is None:
        return []
    return [
        finding
        for repairs in (True, False)
        for finding in (_word_finding(ranks, repairs=repairs), _content_finding(ranks, repairs=repairs))
        if finding is not None
    ]


def _word_finding(ranks: PairedRanks, *, repairs: bool) -> ShiftFinding | None:
    """The words that are most clearly repaired, or broken; None if there are none."""
    votes = {
        word: (better, worse)
        for word, changes in _changes_of_words(ranks).items()
        for better, worse in [_votes(changes, repairs=repairs)]
        if better + worse >= ENOUGH_ANSWERS
    }
    named_words = [(a - b, word) for word, (a, b) in votes.items() if sign_test(a, b) <= SIGNIFICANT / len(votes)]
    if not named_words:
        return None
    named_words = sorted(named_words, key=lambda each: (-each[0], each[1]))[:NAMED_WORDS]
    changes = ranks.changes()
    number = sum(change[0 if repairs else 1] for change in changes)
    named = ", ".join(f"{word!r} (in {answers} answers)" for answers, word in named_words)
    return ShiftFinding(
        kind=FindingKind.REPAIRED if repairs else FindingKind.BROKEN,
        trait="words",
        sentence=f"{'repairs' if repairs else 'breaks'} {number} positions, most clearly {named}",
        numbers={"repaired": sum(r for r, _ in changes), "broken": sum(b for _, b in changes)},
        examples=_changed(ranks, lambda token: token.word.lower() == named_words[0][1], repairs=repairs),
    )


def _changes_of_words(ranks: PairedRanks) -> dict[str, list[tuple[int, int]]]:
    """By word: for each answer in which it changed, how many of its tokens are repaired and how many broken."""
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for answer, tokens in enumerate(ranks.marked):
        for place, token in enumerate(tokens):
            done, was_done = ranks.is_done(answer, place), ranks.was_done(answer, place)
            if token.word and done != was_done and ranks.is_known(answer, place):
                repaired, broken = found.get((token.word.lower(), answer), (0, 0))
                found[token.word.lower(), answer] = repaired + done, broken + was_done
    by_word: dict[str, list[tuple[int, int]]] = {}
    for (word, _), change in found.items():
        by_word.setdefault(word, []).append(change)
    return by_word


def _content_finding(ranks: PairedRanks, *, repairs: bool) -> ShiftFinding | None:
    def is_content(token: MarkedToken) -> bool:
        return token.kind is TokenKind.CONTENT

    changes = ranks.changes(is_content)
    better, worse = _votes(changes, repairs=repairs)
    if not better or sign_test(better, worse) > SIGNIFICANT:
        return None
    repaired, broken = (sum(change[side] for change in changes) for side in (0, 1))
    return ShiftFinding(
        kind=FindingKind.REPAIRED if repairs else FindingKind.BROKEN,
        trait="content",
        sentence=f"is {'nearer to' if repairs else 'further from'} the aligned model's content in {better} answers and "
        f"{'further' if repairs else 'nearer'} in {worse} ({repaired} content tokens repaired, {broken} broken)",
        numbers={"repaired": repaired, "broken": broken, "answers_for": better, "answers_against": worse},
        examples=_changed(ranks, is_content, repairs=repairs),
    )


def _votes(changes: Sequence[tuple[int, int]], *, repairs: bool) -> tuple[int, int]:
    """The answers in which more is repaired than broken, and those with less; swapped unless `repairs`."""
    up, down = (sum(r > b for r, b in changes), sum(r < b for r, b in changes))
    return (up, down) if repairs else (down, up)


def _changed(
    ranks: PairedRanks, choose: Callable[[MarkedToken], bool], *, repairs: bool
) -> tuple[ExamplePosition, ...]:
    """The first such positions, one for each answer."""
    found = []
    for answer, tokens in enumerate(ranks.marked):
        for place, token in enumerate(tokens):
            turned = ranks.is_done(answer, place), ranks.was_done(answer, place)
            if choose(token) and ranks.is_known(answer, place) and turned == (repairs, not repairs):
                found.append(ranks.example(answer, place))
                break
    return tuple(found[:EXAMPLES])
