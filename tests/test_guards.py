"""Guards: each keeps out what it should, says what to do in words, and lets good writing pass."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urial_opt.prompt import Exemplar
from urial_opt.search.agent.facts import missing_code, missing_names, missing_numbers
from urial_opt.search.agent.guards import GUARDS, NEAR, failures
from urial_opt.search.agent.likeness import Likeness
from urial_opt.spaces.proposals import Proposal
from urial_opt.spaces.space import SearchSpace
from urial_opt.spaces.space_file import load_space

RIVER = "Which river runs through Rome?"
ORIGINAL = Exemplar(
    query="What should I know about Lisbon?",
    answer="Lisbon is the capital of Portugal. About 545,000 people live there, and the Tagus meets the sea there.",
    style="bare",
    tags=("regular", "bare"),
)
RESTYLED = Proposal(
    part="exemplar",
    query=ORIGINAL.query,
    text=(
        "Happy to help! Lisbon is the capital of Portugal.\n\n1. About 545000 people live there.\n"
        "2. The Tagus meets the sea there.\n\nLet me know if you want to hear more."
    ),
    style="friendly",
    restyled=ORIGINAL,
    parents=("Lisbon/bare",),
)
CREATED = Proposal(part="exemplar", query=RIVER, text="The Tiber runs through Rome.", style="bare")
SYSTEM = Proposal(part="system", text="# Instruction\n\nBelow are questions and patient, well ordered answers.\n")
PORTUGUESE = "Lisboa (Lisbon) é a capital de Portugal, onde vivem 545000 pessoas à beira do rio Tagus, junto ao mar."


def restyled(original: str, text: str) -> Proposal:
    """The answer of an exemplar, and what became of it."""
    query = "How do I do it?"
    return replace(RESTYLED, query=query, text=text, restyled=replace(ORIGINAL, query=query, answer=original))


@pytest.fixture(scope="module")
def space() -> SearchSpace:
    return load_space("urial")


def named(proposal: Proposal, space: SearchSpace) -> list[str]:
    return [failure.guard for failure in failures(proposal, space)]


@pytest.mark.parametrize("proposal", [RESTYLED, CREATED, SYSTEM], ids=["restyled", "created", "system"])
def test_good_writing_passes(proposal: Proposal, space: SearchSpace) -> None:
    assert failures(proposal, space) == []


@pytest.mark.parametrize(
    ("guard", "proposal", "remark"),
    [
        ("empty", replace(SYSTEM, text=" \n"), "The text is empty."),
        ("empty", replace(CREATED, query=""), "The query is empty."),
        ("looping", replace(CREATED, text=f"The Tiber. {'It runs through Rome. ' * 3}"), "'it runs through rome.'"),
        ("looping", replace(SYSTEM, text="The answers are very very very very good.\n"), "repeats itself ('very')"),
        ("looping", replace(CREATED, text=f"The Tiber! {'la' * 20}"), "say each thing once"),
        ("looping", replace(CREATED, text="它穿过罗马" * 5), "say each thing once"),
        ("facts", replace(RESTYLED, text=RESTYLED.text.replace("545", "645")), "numbers of the original: '545000'"),
        ("facts", replace(RESTYLED, text=RESTYLED.text.replace("Tagus", "Douro")), "names of the original: 'Tagus'"),
        ("layout", replace(SYSTEM, text="Answers.\n\n# Query:\nHow?\n"), "('# Query')"),
        ("layout", replace(SYSTEM, text="Answers.\n```\nHow?\n"), "contains a fence or a heading"),
        ("layout", replace(SYSTEM, text="<|im_start|>system\nYou are kind.\n"), "chat markup"),
        ("layout", replace(CREATED, text="User: again?\nAssistant: The Tiber."), "a speaker's name"),
        ("layout", replace(CREATED, text="The Tiber.\n\n# Query:\nAnd Paris?"), "('# Query')"),
        ("layout", replace(CREATED, text="The Tiber.\n```\n\nAnd Paris?"), "would end it"),
        ("layout", replace(CREATED, query="Which river?\n```\nRome"), "The query contains a fence"),
        ("empty", replace(CREATED, text="🌊🌊🌊"), "no words"),
        ("facts", restyled("Boil 10 minutes.", "Boil twelve minutes."), "'10'"),
        ("facts", restyled("Boil ten minutes.", "Boil twelve minutes."), "'10'"),
        ("facts", restyled("It fell on 9 November 1989.", "It fell on 9 November 1990."), "'1989'"),
        ("facts", restyled("Run `ls -la` now.", "Run the list command."), "pieces of code of the original: 'ls -la'"),
        ("facts", restyled("See https://a.pt/x.", "See the site."), "addresses of the original: 'https://a.pt/x'"),
        ("facts", restyled("```\nprint(a)\n```", "```\nprint(b)\n```"), "'print(a)'"),
        ("layout", replace(CREATED, text="The Tiber.\n\n## query:\nNext?"), "'## query'"),
        ("layout", replace(CREATED, text="The Tiber.\n\nQuery: Next?\nAnswer: Yes."), "'Query:'"),
        ("layout", replace(CREATED, text="The Tiber.\n\n### Response:\nYes."), "'### Response'"),
        ("layout", replace(CREATED, text="The Tiber.\n### Instruction: more"), "'### Instruction'"),
        ("layout", replace(SYSTEM, text="Below are answers.\n\n# ANSWER:\nYes\n"), "'# ANSWER'"),
        ("layout", replace(CREATED, text="<div class='a'><b>The Tiber</b></div>"), "<div class='a'>"),
        ("layout", replace(CREATED, text="The Tiber. [[ ## completed ## ]]"), "'[[ ##'"),
        ("layout", replace(CREATED, text="{new_answer}"), "a placeholder ('{new_answer}')"),
        ("layout", replace(SYSTEM, text="Below are [insert topic] questions.\n"), "a placeholder"),
        ("layout", replace(CREATED, text="The Tiber \u202eruns."), "RIGHT-TO-LEFT OVERRIDE"),
        ("layout", replace(CREATED, text="The Tiber \ufffd runs."), "REPLACEMENT CHARACTER"),
        ("layout", replace(CREATED, text="The Tiber \x07 runs."), "U+0007"),
        ("layout", replace(CREATED, text="The Ti\u200bber runs."), "ZERO WIDTH SPACE"),
        ("layout", replace(SYSTEM, text="Here is the new system text:\n\nBelow are answers.\n"), "about itself"),
        ("layout", replace(CREATED, text="Sure! Here's a rewritten version of the answer: The Tiber."), "about itself"),
        ("language", replace(CREATED, text="台伯河流经罗马市中心，然后流入第勒尼安海。"), "another language"),
        ("length", replace(SYSTEM, text="word " * 5_000), "write at most"),
        ("language", replace(RESTYLED, text=PORTUGUESE), "another language (pt) than the original (en)"),
        ("language", replace(SYSTEM, text="Es folgen Fragen und geduldige, gut geordnete Antworten.\n"), "(de)"),
        ("refusal", replace(CREATED, text="I'm sorry, but I cannot help with that request."), "the query is harmless"),
    ],
)  # fmt: skip
def test_each_guard_keeps_out_what_it_should(guard: str, proposal: Proposal, remark: str, space: SearchSpace) -> None:
    [found] = [failure for failure in failures(proposal, space) if failure.guard == guard]
    assert remark in found.remark


@pytest.mark.parametrize(
    "proposal",
    [
        restyled("Boil it for 10 minutes with 2 eggs.", "Boil it for ten minutes with two eggs."),
        restyled("Boil it for ten minutes with two eggs.", "Boil it for 10 minutes with 2 eggs."),
        restyled("Twenty-one of them came.", "21 of them came, my friend."),
        restyled("The wall fell on 9 November 1989.", "On November 9th, 1989, the wall fell."),
        restyled("About 45% of 3.5 million live there.", "About 45 percent of 3,5 million live there."),
        restyled("It is the 3rd largest of all.", "It is the third largest of all."),
        restyled("Type:\n\n```\nprint(7)\n```", "Sure:\n\n```python\nprint(7)\n```"),
        restyled("Type:\n\n```html\n<div>x</div>\n```", "Sure:\n\n```html\n<div>x</div>\n```"),
        restyled("Run `ls -la` and see https://a.pt/x.", "Happily! `ls -la` does it (https://a.pt/x)."),
        restyled("Dear [Your name], type <b> for bold.", "Type <b> for bold, dear [Your name]!"),
        restyled("Steps: Wash it. Then: Cook it.", "Sure! First wash it, then cook it."),
        replace(CREATED, query="What helps against a cold?", text="I'm sorry to hear that you are ill. Drink tea."),
        replace(CREATED, query="Is three less than four?", text="It is 3 < 4 and a<b holds, so 5 > 2."),
        replace(CREATED, text="# Rome\nThe Tiber 👩‍👩‍👧 runs there! 🌊"),
        replace(CREATED, query="ما النهر الذي يمر عبر روما؟", text="يمر نهر التيبر عبر مدينة روما في إيطاليا."),
        replace(CREATED, query="哪条河流经罗马城？", text="台伯河流经罗马市中心，然后流入第勒尼安海。"),
    ],
)
def test_what_is_said_in_other_words_passes(proposal: Proposal, space: SearchSpace) -> None:
    assert failures(proposal, space) == []


def test_every_guard_has_a_case() -> None:
    marks = test_each_guard_keeps_out_what_it_should.pytestmark  # type: ignore[attr-defined]
    cases = {case[0] for mark in marks for case in mark.args[1]}
    assert cases | {"known query", "in the pool"} == set(GUARDS)


@pytest.mark.parametrize("split", ["dev", "validation", "test"])
def test_a_query_near_one_of_any_split_is_kept_out_without_repeating_it(split: str, space: SearchSpace) -> None:
    query = next(query for query in space.queries.queries if query.split == split)
    words = query.text.rstrip("?.!").split()
    turned = replace(CREATED, query=" ".join([*words[-2:], *words[:-2]]) + "?")
    [failure] = failures(turned, space)
    assert failure.guard == "known query"
    assert not set(words) & {word for word in failure.remark.split() if len(word) > 4}
    old = replace(ORIGINAL, query=turned.query, answer=turned.text)
    again = replace(turned, restyled=old, text=f"Happy to help! {turned.text}")
    assert failures(again, space) == [], "a restyled exemplar asks nothing new"


def test_what_is_in_the_pool_is_kept_out(space: SearchSpace) -> None:
    exemplar = next(iter(space.exemplars.values()))
    same = Proposal(part="exemplar", query=exemplar.query, text=f"{exemplar.answer.upper()} ", kind="safety")
    assert "in the pool" in named(same, space)
    assert "in the pool" not in named(replace(same, text=f"{exemplar.answer} Truly."), space)
    system = Proposal(part="system", text=next(iter(space.system_prompts.values())))
    assert named(system, space) == ["in the pool"]


def test_a_barred_exemplar_does_not_come_back(space: SearchSpace) -> None:
    key, exemplar = next(iter(space.exemplars.items()))
    barred = replace(space, exemplars={k: e for k, e in space.exemplars.items() if k != key}, barred={key: exemplar})
    again = Proposal(part="exemplar", query=exemplar.query, text=exemplar.answer, kind="safety")
    assert "in the pool" in named(again, barred)


def test_a_code_block_is_kept_and_allowed(space: SearchSpace) -> None:
    code = "```python\nprint(6 * 7)\n```"
    original = replace(ORIGINAL, answer=f"Type this:\n\n{code}\n\nIt prints 42.")
    kept = replace(RESTYLED, restyled=original, text=f"Sure! Here you are:\n\n{code}\n\nIt prints 42. Have fun!")
    assert failures(kept, space) == []
    lost = replace(kept, text="Sure! Print six times seven in Python, 6 * 7. It prints 42. Have fun!")
    assert "print(6 * 7)" in failures(lost, space)[0].remark


def test_a_refrain_may_stay_and_lists_of_like_sentences_are_no_loop(space: SearchSpace) -> None:
    song = "Row, row, row your boat. Merrily we go. Merrily we go. Merrily we go. Life is a dream."
    original = replace(ORIGINAL, query="What do they sing?", answer=song)
    sung = replace(RESTYLED, query=original.query, restyled=original, text=f"Happy to sing! {song}")
    assert failures(sung, space) == []
    steps = "1. Cut the apples.\n2. Cut the pears.\n3. Cut the plums.\n4. Cut the figs.\n5. Mix them all.\n" + "-" * 50
    assert failures(replace(CREATED, query="How do I make a fruit salad?", text=steps), space) == []


def test_numbers_are_compared_without_their_grouping_and_without_enumerators() -> None:
    assert missing_numbers("1. In 1,902 we had 3.5 kg.\n2. Call 112.", "112; 3.5 of 1902") == []
    assert missing_numbers("Version 3.11 of 2022", "Version 3.1 of 2022") == ["3.11"]


def test_names_are_words_capitalised_inside_a_sentence() -> None:
    original = "Yes. The painter was Berthe Morisot's friend, and I knew Manet."
    assert missing_names(original, "berthe morisot, Manet") == []
    assert missing_names(original, "A painter's friend") == ["Berthe", "Morisot", "Manet"]
    assert missing_names("Yes. Here you are! Have fun: Bye.", "") == []


def test_nouns_of_german_are_no_names(space: SearchSpace) -> None:
    sea = "Die Stadt liegt am Meer, und viele Menschen leben dort am Ufer des Flusses mit ihren Booten und Netzen."
    original = replace(ORIGINAL, answer=sea)
    friendly = "Gerne! Am Meer liegt die Stadt, und am Fluss leben viele Leute mit ihren Booten und Netzen."
    assert failures(replace(RESTYLED, restyled=original, text=friendly), space) == []


@given(st.text())
def test_a_text_keeps_all_of_its_own_facts(text: str) -> None:
    assert missing_numbers(text, text) == missing_names(text, text) == missing_code(text, text) == []


def test_likeness_is_decided_by_rare_words(space: SearchSpace) -> None:
    asked = [f"Where does the {animal} live?" for animal in ("tiger", "lion", "heron", "otter", "lynx")]
    others = [query.text for query in space.queries.queries]
    likeness = Likeness.of([*asked, "How can I pick the lock of a neighbour?", *others])
    assert likeness.nearest("Where does the badger live?") < NEAR < likeness.nearest("Live where does the lion?")
    assert likeness.nearest("How do I pick my neighbour's lock, please?") > NEAR
    assert likeness.nearest("") == Likeness.of([]).nearest("Where?") == 0.0
