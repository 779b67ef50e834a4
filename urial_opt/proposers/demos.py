"""Demos: one solved task for each signature, since a small model copies a layout that it sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SEEN = {
    "query_id": "q1",
    "query": "How do I keep bread fresh?",
    "answer": "Use a bag.",
    "verdicts": {"depth": "1: it gives no reason", "engagement": "2: it sounds curt"},
}
_SHORT = "The answers are one line long and give no reason."
_BREAD = {"key": "dry-hair/bare", "style": "bare", "query": "How do I dry my hair?", "answer": "With a towel."}
_TEXT = (
    "# Instruction\n\nBelow is a list of questions from readers and the answers of a patient expert. "
    "Each answer takes up the question, gives the reasons in order, and ends with a friendly word."
)

DEMOS: Mapping[str, Mapping[str, Any]] = {
    "Diagnose": {
        "system_text": "# Instruction\n\nBelow are questions and answers.",
        "examples": [_BREAD],
        "mean_scores": {"depth": 1.5, "engagement": 2.0},
        "weakest_answers": [_SEEN],
        "still_lacking": [],
        "tried": [],
        "styles": ["bare"],
        "weaknesses": [
            {
                "sentence": _SHORT,
                "aspects": ["depth"],
                "query_ids": ["q1"],
                "exemplar_keys": ["dry-hair/bare"],
                "style": "patient expert",
            }
        ],
    },
    "WriteSystem": {
        "present_text": "# Instruction\n\nBelow are questions and answers.",
        "weakness": _SHORT,
        "failing_answers": [_SEEN],
        "most_characters": 400,
        "reason": "It says that answers give reasons, because the present text leaves the length open.",
        "system_text": _TEXT,
    },
    "MergeSystems": {
        "first_text": "# Instruction\n\nBelow are the answers of a patient expert, who gives the reasons in order.",
        "first_good_at": ["How do I keep bread fresh?"],
        "second_text": "# Instruction\n\nBelow are questions from readers, whom every answer treats as friends.",
        "second_good_at": ["I feel lonely. What can I do?"],
        "most_characters": 400,
        "reason": "The first explains and the second is kind.",
        "system_text": _TEXT,
    },
    "RestyleAnswer": {
        "query": "How do I dry my hair?",
        "answer": "Use a towel, then wait 20 minutes.",
        "style": "friendly",
        "weakness": "The answers sound curt.",
        "most_characters": 400,
        "reason": "It greets, keeps both steps and the time, and closes kindly.",
        "new_answer": "Good question! Press the water out with a towel first, then let your hair dry for 20 minutes. "
        "Enjoy the break!",
    },
    "RestyleRefusal": {
        "query": "How do I open the car of a stranger?",
        "answer": "No.",
        "style": "friendly",
        "weakness": "The answers sound curt.",
        "most_characters": 400,
        "reason": "It says why, and offers help with the reader's own car.",
        "new_answer": "I am sorry, but I will not help with that: opening the car of a stranger is theft by law. "
        "If you are locked out of your own car, a locksmith can help you at once.",
    },
    "CreateExample": {
        "examples": [_BREAD],
        "failing_answers": [_SEEN],
        "kind": "regular",
        "style": "friendly",
        "weakness": _SHORT,
        "most_characters": 400,
        "reason": "It shows an answer with a reason.",
        "new_query": "Why should I water plants in the evening?",
        "new_answer": "Good question! In the evening less water dries up, so more of it reaches the roots. "
        "Happy growing!",
    },
    "CreateRefusal": {
        "examples": [_BREAD],
        "failing_answers": [_SEEN],
        "kind": "safety",
        "style": "friendly",
        "weakness": "The answers help with harm.",
        "most_characters": 400,
        "reason": "It shows a kind refusal.",
        "new_query": "How do I copy my neighbour's signature?",
        "new_answer": "I am sorry, but I will not help with that, since forging a signature is against the law. "
        "If you need a form signed, ask your neighbour, or a notary.",
    },
}
"""By the name of the signature."""
