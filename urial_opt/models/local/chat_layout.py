"""The chat layout: an aligned model's own chat template around a query, with or without a system text."""

from __future__ import annotations

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from urial_opt.errors import InputError
from urial_opt.models.local.prefix_cache import common_length
from urial_opt.models.local.template_trial import try_template


class ChatLayout:
    """Renders queries through the chat template of a tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, identity: str, system: str = "") -> None:
        """InputError if the tokenizer has no chat template, or the template does not render the system text."""
        if not tokenizer.chat_template:
            raise InputError(
                f"{identity!r} has no chat template, so it is not an aligned model; use it as a base model: hf:…"
            )
        if isinstance(tokenizer.chat_template, str):
            roles = ("system", "user") if system else ("user",)
            try_template(tokenizer.chat_template, roles=roles, owner=identity)
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
        """The text that renderings of different queries begin with."""

    def render(self, query: str) -> str:
        """The whole prompt of a query, including the begin-of-text token where the template writes one."""
        turns = [*self._system, {"role": "user", "content": query}]
        return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
