"""A stranger's chat template that loops or overflows is refused before it is used."""

from __future__ import annotations

import pytest

from tests.tiny_models import tiny_tokenizer
from urial_opt.errors import InputError
from urial_opt.models.local import template_trial
from urial_opt.models.local.chat_layout import ChatLayout
from urial_opt.models.local.template_trial import try_template

PLAIN = "{% for m in messages %}<{{ m.role }}>{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% set n = namespace(x='ab') %}{% for a in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{{ 'a' * 10000000000 }}",
        "{{ 'a' * 2000000 }}",
    ],
)
def test_a_template_that_does_not_end_is_refused(monkeypatch: pytest.MonkeyPatch, template: str) -> None:
    monkeypatch.setattr(template_trial, "MOST_SECONDS", 2)
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    with pytest.raises(InputError, match="the chat template of 'a model' does not end within 2 s, 1 GiB and 1,000,000"):
        ChatLayout(tokenizer, identity="a model")


def test_a_template_that_ends_or_fails_passes_the_trial() -> None:
    for template in (PLAIN, "{{ raise_exception('no') }}", "{{ 1 / 0 }}", "{% no such tag %}"):
        try_template(template, roles=("user",), owner="a model")
