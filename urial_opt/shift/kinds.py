"""The kind of each token of an answer: content, style of several sorts, safety, grammar, end of turn, or unknown.

It is told by words and phrases in their places, in English, from the answer's text alone; the lists of them are in
`token_lexicon`. Every character but blanks belongs to one word or mark, and a word has one kind. The first rule that
speaks of it decides:

| rule | kind |
|---|---|
| fences with their language, backticks | structure |
| what stands in code; a web address | content |
| a line break; at the start of a line, what opens a list item, heading or quotation; rulers; pipes of a table; asterisks; a colon that ends a line | structure |
| "Warning:", "Disclaimer:" … at the start of a line | safety |
| refusals ("I cannot help with that"), apologies, disclaimers, advice to see a professional | safety |
| from the start of the answer on, as long as one follows the other: thanks, praise of the question, "Hello", "Sure!" | greeting |
| a clause that begins an offer of help or a hope to have helped, to the end of its sentence | closing |
| good wishes, thanks and questions back, where nothing but closings (and a name) follows to the end of the answer | closing |
| "Tip:", "Step 2:" … at the start of a line; "Here are the steps", "The following" at the start of a sentence | structure |
| "for example", "however" anywhere; "then" at the start of a sentence; "first," there and before a comma | connective |
| what stands in double quotes is spoken by somebody else: only the rules below hold | |
| you, I, we, let's, please, thank you, with all their forms; not "World War I" nor "US" | address |
| illegal, unethical …; and in an answer that refuses, the words of its reasons: dangerous, harm, crime … | safety |
| articles, pronouns, prepositions, conjunctions, auxiliaries, quantifiers, "not" | function |
| letters of other scripts than Latin, emoji, mathematical and other symbols, pieces of characters | unknown |
| other marks: punctuation; directly after a phrase of another kind, its kind | punctuation |
| all other words, and numbers with their signs | content |

A token has the kind of the first of its characters that is neither blank nor punctuation; of punctuation alone,
punctuation; of blanks alone, the kind of what follows. A token without text belongs to the character that a later token
carries, and is unknown if that is not one of several bytes.

What to expect of it. It knows no other language: whatever is written in Latin letters passes for English, and its words
for content. Tone beyond the lists is content (a joke, a warm adjective in mid-sentence), and so are the words of a
heading. Whether a safety word is a warning or the matter itself (an answer about illegal goods) it cannot tell, and it
follows the lists. A phrase cut off at the maximal length is not recognised. Content that stands in the sentence of an
offer ("let me know if you would like to hear about Saturn") counts as closing.
"""  # noqa: E501 - rows of a table

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from urial_opt.shift import lexicon as lexicon


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
    """The rules cannot tell."""


STYLE = frozenset({TokenKind.GREETING, TokenKind.CONNECTIVE, TokenKind.STRUCTURE, TokenKind.CLOSING, TokenKind.ADDRESS})
"""The kinds that the paper calls stylistic, but for safety and the end of the turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word, number, mark or line break of a text."""

    text: str
    start: int
    """Its first character in the text."""
    kind: TokenKind


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedToken:
    """What is known of one token."""

    kind: TokenKind
    word: str
    """The word or mark that decided its kind; empty for the end of the turn and where there is none."""
    opens: bool
    """Whether it is the first token of that word."""
