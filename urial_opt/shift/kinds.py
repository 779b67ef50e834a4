"""The kind of each token of an answer: content, style of several sorts, safety, grammar, end of turn, or unknown.

Kinds follow from words and phrases and where they occur, in English, from the answer's text alone; the lists are in
`lexicon`. Every character except whitespace belongs to one word or mark, and a word has one kind. The first rule that
applies decides:

| rule | kind |
|---|---|
| fences with their language, backticks | structure |
| text inside code; a web address | content |
| a line break; at the start of a line, what opens a list item, heading or quotation; rulers; pipes of a table; asterisks; a colon that ends a line | structure |
| "Warning:", "Disclaimer:" … at the start of a line | safety |
| refusals ("I cannot help with that", "it is never okay to"), apologies, disclaimers, advice to see a professional | safety |
| in an unbroken sequence from the start of the answer: thanks, praise of the question, "Hello", "Sure!" | greeting |
| from a clause that begins an offer of help or a hope to have helped, to the end of its sentence | closing |
| good wishes, thanks and questions to the reader, where only closings (and a name) follow to the end of the answer | closing |
| "Tip:", "Step 2:" … at the start of a line; "Here are the steps", "The following" at the start of a sentence | structure |
| "for example", "however" anywhere; "then" at the start of a sentence; "first," there and before a comma | connective |
| text in double quotes is somebody else's speech: only the rules below apply | |
| you, I, we, let's, please, thank you, with all their forms; not "World War I" nor "US" | address |
| illegal, unethical …; and in an answer that refuses, words that give reasons: dangerous, harm, crime … | safety |
| articles, pronouns, prepositions, conjunctions, auxiliaries, quantifiers, "not" | function |
| letters of scripts other than Latin, emoji, mathematical and other symbols, parts of characters | unknown |
| other marks, except directly after a phrase of another kind, where they have its kind | punctuation |
| all other words, and numbers with their signs | content |

A token has the kind of its first character that is neither whitespace nor punctuation. A token of punctuation alone is
punctuation, and one of whitespace alone has the kind of what follows. A token without text belongs to the character
that a later token completes, and is unknown if that character is not one of several bytes.

Limits. Other languages are not recognised: text in Latin letters is treated as English, and its words as content. Tone
beyond the lists is content (a joke, a warm adjective in mid-sentence), and so are the words of a heading. The rules
cannot distinguish a safety word that warns from one that is the topic (an answer about illegal goods). A phrase cut off
at the maximal length is not recognised. Content within the sentence of an offer ("let me know if you would like to hear
about Saturn") counts as closing.
"""  # noqa: E501 - rows of a table

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TokenKind(StrEnum):
    """What a token is for."""

    CONTENT = "content"
    GREETING = "greeting"
    CONNECTIVE = "connective"
    STRUCTURE = "structure"
    CLOSING = "closing"
    ADDRESS = "address"
    SAFETY = "safety"
    FUNCTION = "function"
    """Grammar: neither content nor style."""
    PUNCTUATION = "punctuation"
    END = "end"
    """The end of the turn."""
    UNKNOWN = "unknown"
    """The rules do not apply."""


STYLE = frozenset({TokenKind.GREETING, TokenKind.CONNECTIVE, TokenKind.STRUCTURE, TokenKind.CLOSING, TokenKind.ADDRESS})
"""The kinds that the paper calls stylistic, except safety and the end of the turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word, number, mark or line break of a text."""

    text: str
    start: int
    """Its first character in the text."""
    kind: TokenKind


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedToken:
    """A token's kind and the word that decided it."""

    kind: TokenKind
    word: str
    """The word or mark that decided the kind; empty if there is none, as at the end of the turn."""
    opens: bool
    """Whether this is the first token of that word."""
