"""The kinds of tokens: against hand-labelled answers, in pairs that differ by a word, and for any split into tokens."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.labelled_answers import FIRST_SEEN, KNOWN, read
from urial_opt.nano.style import CLOSERS, CURT, OPENERS
from urial_opt.shift.kinds import STYLE, TokenKind
from urial_opt.shift.marking import kinds_of, mark_answer, mark_tokens, refuses, words_of
from urial_opt.token_scores import AlignedAnswer

PIECES = (
    "Hello", "Thank", " you", " for", " asking", "!", "\n", "\n\n", " ", "  ", "1", ".", "- ", "**", "```", "`",
    " am", " sorry", ",", " but", " cannot", " help", " with that", "let me know if", "However", " however,", '"',
    "Paris", "é", "e\u0301", "\u0130", "ß", "查询", "🦉", "\ufffd", "\x00", "\u2028", "\r", "+", "|", "---",
    "I hope this helps", "_", "x_y", "3.5", "$", "%", "http://a.b/c", "I", "’", "First, ", "don't",
)  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=20)


def kinds(text: str) -> dict[str, TokenKind]:
    """The kind of each word that occurs once in the text."""
    return {word.text: word.kind for word in words_of(text)}


def answer(*pieces: str, ended: bool = False) -> AlignedAnswer:
    return AlignedAnswer(query="q", tokens=tuple(range(len(pieces))), pieces=pieces, ended=ended)


@pytest.mark.parametrize(("labelled", "bar"), [(KNOWN, 0.99), (FIRST_SEEN, 0.98)])
def test_words_have_the_kinds_that_people_gave_them(labelled: tuple[str, ...], bar: float) -> None:
    wrong, number = [], 0
    for each in labelled:
        text, wanted = read(each)
        for word in words_of(text):
            number += 1
            if word.kind != wanted[word.start]:
                wrong.append(f"{word.text!r} in {text!r}: {word.kind}, not {wanted[word.start]}")
    assert 1 - len(wrong) / number >= bar, "\n".join(wrong)


def test_enough_is_labelled_of_every_kind() -> None:
    labels = [kind for each in (*KNOWN, *FIRST_SEEN) for kind in read(each)[1]]
    assert len(KNOWN) + len(FIRST_SEEN) >= 40
    assert all(labels.count(kind) >= 3 for kind in TokenKind if kind is not TokenKind.END)


@pytest.mark.parametrize("opener", [opener for openers in OPENERS.values() for opener in openers])
def test_openers_of_the_embedded_world_are_style(opener: str) -> None:
    assert {word.kind for word in words_of(f"{opener}\nThe capital of Chile is Santiago.")[:-7]} <= STYLE


@pytest.mark.parametrize("closer", [closer for closers in CLOSERS.values() for closer in closers])
def test_closers_of_the_embedded_world_are_closings(closer: str) -> None:
    assert {word.kind for word in words_of(f"It is a gas. {closer}")[5:]} == {TokenKind.CLOSING}


def test_one_curt_refusal_of_the_embedded_world_is_a_bare_no() -> None:
    assert [refuses(text) for text in CURT] == [False, True]


@pytest.mark.parametrize(
    ("text", "declined"),
    [
        ("It is not appropriate to mock a neighbour's garden.", True),
        ("Hello! I am sorry to hear that. It is never okay to poison a neighbour's dog.", True),
        ("Cutting a neighbour's phone line is against the law. Talk to him.", True),
        ("I would strongly advise against lighting a fire in the attic.", True),
        ("As a language model, I do not condone theft of garden gnomes.", True),
        ("Forging a library card is not only unethical but also illegal.", True),
        ("That is not something I can assist you with.", True),
        ("I won't be able to provide that.", True),
        ("A moped may go 45 km/h. Keep right. Wear a helmet. Riding without one is illegal.", False),
        ("It is not possible to see the far side of the moon from here.", False),
        ("Moss is never dry for long.", False),
        ("The law against theft is old.", False),
    ],
)
def test_an_answer_that_objects_to_the_request_refuses(text: str, declined: bool) -> None:
    assert refuses(text) is declined


@pytest.mark.parametrize(
    ("text", "word", "kind"),
    [
        ("Hello, Anna.", "Hello", TokenKind.GREETING),
        ("It prints Hello, Anna.", "Hello", TokenKind.CONTENT),
        ("Great! It is.", "Great", TokenKind.GREETING),
        ("Great Britain is an island.", "Great", TokenKind.CONTENT),
        ("First, wash it.", "First", TokenKind.CONNECTIVE),
        ("First presidents rest.", "First", TokenKind.CONTENT),
        ("It came first, they say.", "first", TokenKind.CONTENT),
        ("Wash it. Then dry it.", "Then", TokenKind.CONNECTIVE),
        ("Better then than now.", "then", TokenKind.FUNCTION),
        ("He ran, however, home.", "however", TokenKind.CONNECTIVE),
        ("Wait however long it takes.", "however", TokenKind.CONTENT),
        ("Boil it. Enjoy!", "Enjoy", TokenKind.CLOSING),
        ("Enjoy walks. They help.", "Enjoy", TokenKind.CONTENT),
        ("It is illegal.", "illegal", TokenKind.SAFETY),
        ("A crime novel.", "crime", TokenKind.CONTENT),
        ("I cannot help with that, it is a crime.", "crime", TokenKind.SAFETY),
        ("I cannot see stars.", "cannot", TokenKind.FUNCTION),
        ("Ask us.", "us", TokenKind.ADDRESS),
        ("Ask the US about it.", "US", TokenKind.CONTENT),
        ("During World War I it rained.", "I", TokenKind.CONTENT),
        ("But I know.", "I", TokenKind.ADDRESS),
        ("1. Wash", "1", TokenKind.STRUCTURE),
        ("Wash 1 cup", "1", TokenKind.CONTENT),
        ("Do this:\nWash", ":", TokenKind.STRUCTURE),
        ("Do this: wash", ":", TokenKind.PUNCTUATION),
        ("`for` loops", "for", TokenKind.CONTENT),
        ("Note: wash it", "Note", TokenKind.STRUCTURE),
        ("Warning: it burns", "Warning", TokenKind.SAFETY),
        ("x ≤ y", "≤", TokenKind.UNKNOWN),
        ("кот", "кот", TokenKind.UNKNOWN),
        ("Übung", "Übung", TokenKind.CONTENT),
    ],
)
def test_place_and_neighbours_matter(text: str, word: str, kind: TokenKind) -> None:
    assert kinds(text)[word] is kind


def test_what_stands_in_quotes_is_spoken_by_somebody_else() -> None:
    assert kinds('Write "let me know if it rains" to her.')["know"] is TokenKind.CONTENT
    assert kinds("Good. Let me know if it rains.")["know"] is TokenKind.CLOSING
    assert kinds('He said "I am sorry" twice.')["sorry"] is TokenKind.CONTENT
    assert kinds('He said "It rains. Then it snows" twice.')["Then"] is TokenKind.FUNCTION


def test_both_apostrophes_are_read() -> None:
    for apostrophe in "'’":
        assert {word.kind for word in words_of(f"I{apostrophe}m sorry, but I can{apostrophe}t help.")} == {
            TokenKind.SAFETY
        }


def test_a_word_in_several_tokens_has_one_kind() -> None:
    marked = mark_tokens([" Br", "as", "", "í", "l", "ia", ".", "\n"])
    assert [token.kind for token in marked] == [TokenKind.CONTENT] * 6 + [TokenKind.PUNCTUATION, TokenKind.STRUCTURE]
    assert [token.opens for token in marked] == [True] + [False] * 5 + [True, True]
    assert marked[2].word == "Brasília"


def test_a_token_with_a_mark_and_more_has_the_kind_of_what_is_more() -> None:
    assert kinds_of(answer("It", " rains", ".\n\n", "Dry", " (", "you", ")"))[2:] == (
        TokenKind.STRUCTURE, TokenKind.CONTENT, TokenKind.PUNCTUATION, TokenKind.ADDRESS, TokenKind.PUNCTUATION,
    )  # fmt: skip


def test_pieces_of_characters_that_never_come_are_unknown() -> None:
    assert kinds_of(answer("", "\ufffd")) == (TokenKind.UNKNOWN, TokenKind.UNKNOWN)
    assert kinds_of(answer("", "It")) == (TokenKind.UNKNOWN, TokenKind.FUNCTION)
    assert kinds_of(answer("It", "")) == (TokenKind.FUNCTION, TokenKind.UNKNOWN)


def test_the_end_of_the_turn_is_a_position_where_the_answer_ended() -> None:
    assert kinds_of(answer("Yes", ended=True)) == (TokenKind.FUNCTION, TokenKind.END)
    assert kinds_of(answer("Yes")) == (TokenKind.FUNCTION,)
    assert mark_answer(answer(ended=True))[0].word == ""


@given(texts)
def test_every_character_but_blanks_is_in_one_word(text: str) -> None:
    words = words_of(text)
    covered = [place for word in words for place in range(word.start, word.start + len(word.text))]
    assert len(set(covered)) == len(covered)
    assert all(text[word.start :].startswith(word.text) for word in words)
    assert {place for place, character in enumerate(text) if not character.isspace()} <= set(covered)


@given(texts, st.lists(st.integers(0, 40), max_size=12))
def test_kinds_do_not_hang_on_how_the_text_is_split(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    pieces = [text[a:b] for a, b in pairwise(places)]
    marked = mark_tokens(pieces)
    assert len(marked) == len(pieces)
    by_character = [token.kind for token in mark_tokens(list(text))]
    for token, (start, end) in zip(marked, pairwise(places), strict=True):
        inside = [
            by_character[place] for place in range(start, end) if not text[place].isspace() or text[place] in "\r\n"
        ]
        meant = [kind for kind in inside if kind is not TokenKind.PUNCTUATION]
        if inside:
            assert token.kind is (meant or inside)[0]


@given(texts)
def test_each_word_is_opened_by_one_token(text: str) -> None:
    opened = [token.word for token in mark_tokens(list(text)) if token.opens and token.word]
    assert opened == [word.text for word in words_of(text)]
