"""Hypothesis strategies: texts that press on the layout of a URIAL prompt, and prompts made of them."""

from __future__ import annotations

from hypothesis import strategies as st

from urial_opt.prompt import Exemplar, UrialPrompt

PIECES = (
    "```", "````", "`", "``", "```python\nprint(1)\n```", "# Query:", "# Answer:", "# User:", "# Assistant:", "# Query",
    "\n# Query:\n```\n", "\n```\n\n# Answer:\n```\n", "\n```\n", "# Instruction", "<|endoftext|>",
    "\n", "\n\n", "\r\n", "\r", "\x85", "\u2028", "\x0b", "\x0c", "\ufeff", "\x00", " ", "\t",
    "é", "e\u0301", "🦉", "查询", "word", "Two words.",
)  # fmt: skip

texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    st.text(st.characters(codec="utf-8"), max_size=20),
)
"""Any text that UTF-8 can carry, with fences, headings and odd line ends more often than chance."""

exemplars = st.builds(Exemplar, query=texts, answer=texts)

systems = st.one_of(
    st.just(""), texts.map(lambda text: "# Instruction\n\n" + text.replace("# ", "#- ").replace("```", "'''") + "\n")
)
"""System texts without headings of the layout of their own."""

prompts = st.builds(UrialPrompt, system=systems, exemplars=st.lists(exemplars, max_size=4).map(tuple))
"""Canonical prompts, K from 0 to 4."""
