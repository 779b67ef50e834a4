"""The chat layout: an aligned model's own template around a query, under a system text or none."""

from __future__ import annotations

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from urial_opt.errors import InputError
from urial_opt.models.local.prefix_cache import common_length


class ChatLayout:
    """Renders queries through the chat template of a tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, identity: str, system: str = "") -> None:
        """InputError if the tokenizer has no chat template, or the template no place for the system text."""
        if not tokenizer.chat_template:
            raise InputError(f"{identity!r} has no chat template, so it is no aligned model; use it as a base: hf:…")
        self._tokenizer = tokenizer
        self._system = [{"role": "system", "content": system}] if system else []
        try:
            renderings = [self.render("a"), self.render("b")]
        except TemplateError as error:
            raise InputError(
                f"the chat template of {identity!r} refuses "
                + (
                    f"the system text {system!r} ({error}); leave out the option system"
                    if system
                    else f"a query ({error})"
                )
            ) from error
        if system.strip() not in renderings[0]:
            raise InputError(
                f"the chat template of {identity!r} drops the system text {system!r}; leave out the option system"
            )
        self.opening = renderings[0][: common_length(renderings)]
        """What stands before most queries."""

    def render(self, query: str) -> str:
        """All that the model reads before its answer: begin-of-text token included, where the model wants one."""
        turns = [*self._system, {"role": "user", "content": query}]
        return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
