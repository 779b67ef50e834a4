"""Answers and fragments of our own, with the kind of every word labelled by hand.

`[L words]` gives the words and marks between the brackets the kind that the letter L stands for. `KNOWN` was
available when the rules were written. `FIRST_SEEN` was labelled before the rules were run on it: they agreed with 430
of its 443 words and marks then, and were corrected afterwards.
"""

from __future__ import annotations

import re

from urial_opt.shift.kinds import TokenKind

LETTERS = {
    "C": TokenKind.CONTENT,
    "G": TokenKind.GREETING,
    "N": TokenKind.CONNECTIVE,
    "S": TokenKind.STRUCTURE,
    "E": TokenKind.CLOSING,
    "A": TokenKind.ADDRESS,
    "X": TokenKind.SAFETY,
    "F": TokenKind.FUNCTION,
    "P": TokenKind.PUNCTUATION,
    "U": TokenKind.UNKNOWN,
}

KNOWN = (
    (
        "[G Thank you for asking!][S \n][F The] [C currency] [F of] [C Brazil] [F is the] [C real][P .][S \n][S 1.] "
        "[F Its] [C capital] [F is] [C Brasília][P .][S \n][S 2.] [C People] [F there] [C speak Portuguese][P .]"
        "[S \n][E I hope this helps you. Let me know if you have more questions!]"
    ),
    (
        "[G I am happy to help you!][S \n][S These are the steps:][S \n][S 1.] [C Sow seeds indoors][P .][S \n]"
        "[S 2.] [S Tip:] [F never] [C wring] [F it][P .]"
    ),
    "[X I am sorry, but I cannot help with that,] [F because it could be] [X dangerous][P .]",
    (
        "[X I am sorry, but I cannot help with that,] [F because it] [X hurts] [C people][P .] [N Instead,] [A you] "
        "[F could] [C talk] [F to a] [C friend][P .]"
    ),
    "[N First,] [C fill] [F a] [C bowl] [F with] [C cool water][P .] [N Then] [C press] [F it] [C gently][P .]",
    (
        "[C First presidents] [F are] [C remembered][P ;] [F the] [C first president] [F of the] [C US] [F was] "
        "[C Washington][P .]"
    ),
    "[G Wow, what a question!] [F The] [C panda eats bamboo][P .] [E Amazing, right?]",
    "[G idk but] [F the] [C capital] [F of] [C Chile] [F is] [C Santiago][P .] [E google it.]",
    "[X I will not help with that.]",
    (
        "[G Sure!] [S Here are some tips:][S \n][S -] [S **][C Water][S **] [C early][P .][S \n][S -] [S **][C Prune]"
        "[S **] [C often][P .]"
    ),
    "[X As an AI language model, I cannot provide] [C medical advice][P .] [X Please consult a doctor.]",
    "[S ##] [C Ingredients][S \n][S -] [C 200 g flour][S \n][S -] [C 2 eggs][S \n\n][E Enjoy your meal!]",
    (
        "[F The] [C function] [S `][C add(a, b)][S `] [C returns] [F the] [C sum][P .][S \n][S ```python][C \n]"
        "[C print(add(1, 2))][C \n][S ```]"
    ),
    '[F She] [C said][P ,] [P "][C Hello][P ,] [A I] [F am] [C happy] [F to] [C help][P !][P "]',
    (
        "[G Great question!] [C Photosynthesis] [F is how] [C plants make sugar][P .] [N For example,] [F a] "
        "[C leaf] [C turns light] [F into] [C energy][P .]"
    ),
    "[F During] [C World War I][P ,] [C Elizabeth II] [F was not] [C born] [F yet][P .]",
    "[C Paris][P .]",
    "[S In brief, the following holds.] [F The] [C symbol] [F of] [C iron] [F is] [C Fe][P .]",
    "[G Hello there!] [G Thanks for reaching out.] [A Let's] [C begin][P .]",
    (
        "[C Water boils] [F at] [C 100°] [P (][C 212 degrees Fahrenheit][P )][P .] [N However,] [F it] [C depends] "
        "[F on] [C pressure][P .]"
    ),
)

FIRST_SEEN = (
    (
        "[G Hi! I'd be happy to help you with that.] [F To] [C bake bread][P ,] [A you] [C need flour][P ,] "
        "[C yeast] [F and] [C patience][P .] [E Happy baking!]"
    ),
    (
        "[X I'm sorry, but I can't assist with that request.] [F If] [A you] [F are] [C struggling][P ,] "
        "[X please reach out to a crisis line.]"
    ),
    "[F It's] [F a] [C common myth][P .] [F The] [C Great Wall] [F is not] [C visible] [F from] [C space][P .]",
    (
        "[N Additionally,] [F the] [C Nile flows] [F through] [C eleven countries][P .] [N In conclusion,] [F it] "
        "[F is] [C vital] [F for] [C Africa][P .]"
    ),
    (
        "[G Absolutely!] [S Here's a simple recipe:][S \n\n][S ###] [C Dough][S \n][S 1.] [C Mix flour] [F and] "
        "[C salt][P .][S \n][S 2.] [N Next,] [C add water][P .]"
    ),
    "[X Warning:] [F this] [C cleaner] [F is] [C corrosive][P .] [X Never try this at home.]",
    (
        "[A You] [F can] [C visit] [F the] [C museum] [F on] [C Mondays][P .] "
        "[E If you have any other questions, feel free to ask!]"
    ),
    (
        "[C Napoleon] [F was] [C exiled] [F to] [C Saint Helena] [F in] [C 1815][P .] [F He] [C died] [F there] "
        "[F in] [C 1821][P .]"
    ),
    (
        "[G That's a great question!] [C Cats purr] [F when they are] [C content][P ,] [F but also when they are] "
        "[C anxious][P .]"
    ),
    (
        "[X I'm not a lawyer,] [F but] [N in general] [F a] [C lease] [F is] [C binding][P .] "
        "[X Please consult a qualified attorney.]"
    ),
    "[N To summarize,] [A we] [C learned] [F that] [C bees dance][P .]",
    "[S |] [C Planet] [S |] [C Moons] [S |][S \n][S |---|---|][S \n][S |] [C Mars] [S |] [C 2] [S |]",
    (
        "[C Berlin] [F is the] [C capital] [F of] [C Germany][P ,] [F and] [C Bern] [F that] [F of] [C Switzerland]"
        "[P .] [E Would you like to know more about Bern?]"
    ),
    "[G Of course!] [F The] [C answer] [F is] [C 42][P .]",
    (
        "[X I cannot help you] [C build] [F a] [C weapon][P .] [F It is] [X illegal] [F and] [F could] [X harm] "
        "[F others][P .]"
    ),
    "[C Steps] [F of the] [C dance][P ,] [C explained][P .]",
    (
        "[N On the other hand,] [C trains] [F are] [C cheaper][P .] [N Therefore,] [F many] [C commuters prefer] "
        "[F them][P .]"
    ),
    (
        "[G Dear Anna,][S \n\n][G Thank you for your message.] [A I] [C read] [F it] [F with] [C interest][P .]"
        "[S \n\n][E Best regards,][S \n][C Tom]"
    ),
    "[A I] [C think] [A you] [F should] [C rest][P .] [E Take care!]",
    "[F The] [C sum] [F is] [C 3] [U +] [C 4] [U =] [C 7][P .]",
    "[F The] [C word] [F for] [C cat] [F in] [C Japanese] [F is] [U 猫][P .] [U 🐱]",
    "[S >] [F To be] [P ,] [F or not to be][P .][S \n][N So] [C wrote Shakespeare][P .]",
    "[A Please] [C note] [F the] [C red valve][P .][S \n][S Step 2:] [C turn] [F it] [C left][P .]",
    (
        "[G Good morning!] [C Rome][P ,] [F the] [C eternal city][P ,] [C lies] [F on] [F the] [C Tiber][P .] "
        "[E I hope you find this useful!]"
    ),
    "[N Remember,] [C practice helps][P .] [E Good luck with your exam!]",
    "[X As a language model,] [A I] [F do not have] [C feelings][P .]",
    "[F This is] [X not a substitute for professional advice][X .]",
    (
        "[C Whales] [F are] [C mammals][P :] [F they] [C breathe air][P ,] [C nurse] [F their] [C young] [F and] "
        "[F have] [C hair][P .]"
    ),
)


def read(labelled: str) -> tuple[str, list[TokenKind | None]]:
    """The text and the kind of each of its characters; None of blanks."""
    text, kinds = "", list[TokenKind | None]()
    for part in re.finditer(r"\[([A-Z]) (.*?)\]|([^\[]+)", labelled, re.DOTALL):
        words = part[2] if part[1] else part[3]
        assert part[1] or not words.strip(" "), f"{words!r} has no label in {labelled!r}"
        text += words
        kinds += [LETTERS[part[1]] if part[1] and character != " " else None for character in words]
    return text, kinds
