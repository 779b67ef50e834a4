"""What the token-shift page shows, in a headless Chromium."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.made_up_reading import reading
from tests.made_up_scores import behind_a_server
from tests.shift_pages import HOSTILE, Open, classes, colour, facts_shown, labels, listed, pixels, signs, token
from urial_opt.report.shift_page_data import LISTED
from urial_opt.shift.marking import kinds_of
from urial_opt.shift.summary import summarise_shift

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest_plugins = ["tests.page_browser"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_token_has_the_colour_of_its_class(browser: Browser, open_page: Open, scheme: str) -> None:
    shown = reading()
    page = open_page(shown, color_scheme=scheme)
    wanted = classes(shown.contexts["zero-shot"][0])
    assert labels(page) == wanted
    assert {"unshifted", "marginal", "shifted"} == set(wanted)
    # a token with several line breaks has several boxes
    first = "tokens => tokens.map(token => token.getClientRects()[0].toJSON())"
    boxes = page.locator(".token").evaluate_all(first)
    picture = page.screenshot()
    assert len(picture) > 20_000
    found = pixels(browser, picture, [(box["x"] + box["width"] / 2, box["y"] + 2) for box in boxes])
    assert found == [colour(page, label) for label in wanted]
    assert len(set(found)) == 3


def luminance(rgb: tuple[int, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in rgb)]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_on_every_colour(open_page: Open, scheme: str) -> None:
    page = open_page(reading(), color_scheme=scheme)
    pairs = [("ink", ground) for ground in (
        "page", "paper", "unshifted", "marginal", "shifted", "unknown", "repaired", "broken", "remaining", "neither"
    )] + [("quiet", "page"), ("quiet", "paper"), ("paper", "accent")]  # fmt: skip
    for text, ground in pairs:
        lights = sorted(luminance(colour(page, each)) for each in (text, ground))
        assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5, (text, ground)


def test_classes_part_where_the_paper_parts_them(open_page: Open) -> None:
    shown = reading(contexts=("zero-shot", "found"))
    for name, ranks in (("zero-shot", [1, 2, 3, 4, 4, 3]), ("found", [1, 1, 4, 3, 4, 1])):
        shown.contexts[name][0].rank[: len(ranks)] = ranks
    page = open_page(shown)
    assert labels(page)[:6] == ["unshifted", "marginal", "marginal", "shifted", "shifted", "marginal"]
    page.keyboard.press("c")
    assert labels(page)[2:5] == ["broken", "repaired", "still shifted"]


def test_classes_are_told_without_colour(open_page: Open) -> None:
    shown = reading()
    page = open_page(shown)
    script = """tokens => tokens.map(token => {
      const { textDecorationStyle, textDecorationThickness, textDecorationColor } = getComputedStyle(token);
      const seen = textDecorationColor !== 'rgba(0, 0, 0, 0)';
      return [token.dataset.class, seen && [textDecorationStyle, textDecorationThickness].join(' ')];
    })"""
    lines = dict(page.locator(".token").evaluate_all(script))
    assert lines == {"unshifted": False, "marginal": "dotted 2px", "shifted": "solid 3px"}
    for place, (label, rank) in enumerate(zip(labels(page), shown.contexts["zero-shot"][0].rank.tolist(), strict=True)):
        name = token(page, place).get_attribute("aria-label")
        assert f": {label}, rank {rank}, {kinds_of(shown.answers[0])[place]}" in name


def test_the_text_is_the_answer_to_the_letter(open_page: Open) -> None:
    shown = reading()
    page = open_page(shown)
    script = """box => { const copy = box.cloneNode(true);
      copy.querySelectorAll('.mark, .end').forEach(mark => mark.remove()); return copy.textContent; }"""
    for answer in shown.answers:
        assert page.locator("#answer-heading").text_content() == answer.query
        assert page.locator("#answer").evaluate(script) == answer.text
        assert page.locator(".token.end").count() == answer.ended
        page.keyboard.press("j")


@pytest.mark.parametrize("how", ["hover", "focus", "click", "tap"])
def test_a_token_shows_both_lists(open_page: Open, how: str) -> None:
    shown = reading()
    page = open_page(shown, has_touch=True)
    getattr(token(page, 3), how)()
    page.locator(".lists").wait_for()
    scores = shown.contexts["zero-shot"][0]
    for model, top in (("base", scores.top), ("aligned", scores.aligned_top)):
        texts = [signs(shown.texts[int(each)]) for each in top.ids[3, :LISTED]]
        assert listed(page, model)[:LISTED] == texts
        shares = page.locator(f"ol[aria-label$='{model} model'] .p").all_text_contents()[:LISTED]
        for said, share in zip(shares, top.probabilities[3], strict=False):
            assert abs(float(said.strip("<%\u00a0 ")) - 100 * share) <= 0.1
    own = page.locator(".lists li.own .text").all_text_contents()
    assert own == [signs(shown.answers[0].pieces[3])] * 2
    facts = facts_shown(page)
    assert facts[0] == str(scores.rank[3])
    assert facts[2] == f"{float(f'{scores.kl_base_aligned[3]:.3g}'):.3f}"


def test_a_token_beyond_the_list_is_shown_at_its_rank(open_page: Open) -> None:
    shown = reading()
    (place, *_) = np.flatnonzero(shown.contexts["zero-shot"][0].rank > LISTED).tolist()
    page = open_page(shown)
    token(page, place).hover()
    last = page.locator("li.beyond")
    assert last.locator(".n").text_content() == str(shown.contexts["zero-shot"][0].rank[place])
    assert last.locator(".text").text_content() == signs(shown.answers[0].pieces[place])


def test_the_summary_is_that_of_the_figures(open_page: Open) -> None:
    shown = reading()
    figures = summarise_shift(shown, resamples=50)
    page = open_page(shown)
    for line, name in zip(page.locator(".summary tbody tr").all(), shown.contexts, strict=True):
        cells = line.locator("td").all_inner_texts()
        shifted = figures.contexts[name].shifted
        assert shifted is not None
        mean, low, high = map(float, re.findall(r"\d+\.\d+", cells[0]))
        assert [mean, low, high] == pytest.approx(
            [100 * x for x in (shifted.mean, shifted.low, shifted.high)], abs=0.06
        )
        end = figures.contexts[name].end_of_turn
        assert end.unshifted is not None
        assert cells[-1] == f"{round(end.unshifted.mean * end.answers)} of {end.answers}"
    assert page.locator(".curves svg[role=img]").count() == 3
    for drawn in page.locator(".curves .line").all():
        assert re.fullmatch(r"M[\d. ]+(L[\d. ]+)+", drawn.get_attribute("d") or "")
    token(page, 2).hover()
    point = figures.contexts["zero-shot"].curve[2]
    assert point.shifted is not None
    assert page.locator(".curves output").first.text_content() == f"at 3: {100 * point.shifted.mean:.1f} %"


def test_whatever_a_text_holds_stays_text(open_page: Open) -> None:
    shown = reading([(HOSTILE, "Hello " + HOSTILE)], ("<b>zero</b>", HOSTILE), words=[HOSTILE], base=HOSTILE)
    for name in shown.contexts:
        (scores,) = shown.contexts[name]
        scores.top.ids[:, 1] = next(number for number, text in shown.texts.items() if text == HOSTILE)
    page = open_page(shown)
    token(page, 0).click()
    page.keyboard.press("2")
    page.keyboard.press("c")
    said = HOSTILE.replace("\u2028", "⟨U+2028⟩").replace("\ud83d", "⟨U+D83D⟩")
    assert page.locator("#answer-heading").text_content() == said
    assert page.locator("#models b").first.text_content() == said
    assert page.locator("#answer").inner_text().startswith("Hello " + said[:40])
    page.locator(".lists .text", has_text="onerror").first.wait_for()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img, b b, #answer script").count() == 0


def test_what_cannot_be_seen_is_named(open_page: Open) -> None:
    shown = reading([("Tab\tand \x07", "A\x00b\x1b\u202ec\u200d")], ("zero-shot",))
    answer = replace(shown.answers[0], pieces=("", "A", *shown.answers[0].pieces[1:-1]))
    page = open_page(replace(shown, answers=[answer]))
    assert page.locator("#answer-heading").text_content() == "Tab\tand ␇"
    text = page.locator("#answer").inner_text()
    assert text.startswith("▫A")
    assert all(name in text for name in ("␀", "␛", "⟨U+202E⟩"))
    assert not re.search("[\x00\x1b\u202e]", text)
    assert page.locator(".compare").is_hidden()


def test_what_is_not_known_is_shown_as_such(open_page: Open) -> None:
    shown = reading(contexts=("zero-shot",))
    for scores in shown.contexts["zero-shot"]:
        scores.rank[1] = 0
        for values in (scores.probability, scores.kl_base_aligned, scores.kl_aligned_base):
            values[1] = np.nan
        scores.top.ids[1] = -1
        scores.top.probabilities[1] = np.nan
    page = open_page(shown)
    assert labels(page)[1] == "unknown"
    assert "rank unknown" in (token(page, 1).get_attribute("aria-label") or "")
    token(page, 1).hover()
    facts = facts_shown(page)
    assert [facts[0], facts[1].split(" /")[0], *facts[2:]] == ["–"] * 4
    assert listed(page, "base") == []
    assert page.locator(".legend button").all_text_contents()[-1] == "unknown1"


def test_of_a_divergence_behind_a_server_the_least_is_shown(open_page: Open) -> None:
    shown = behind_a_server(reading(contexts=("zero-shot",)), less=0)
    page = open_page(shown)
    assert "KL(base ‖ aligned) at least, nats" in page.locator(".summary th").all_text_contents()
    assert "KL(base ‖ aligned) ≥" in page.locator(".curves h3 span").all_text_contents()
    token(page, 3).hover()
    facts = facts_shown(page)
    for least, fact in zip(("kl_base_aligned_least", "kl_aligned_base_least"), facts[2:], strict=True):
        value = getattr(shown.contexts["zero-shot"][0], least)[3]
        assert fact == f"≥ {float(f'{value:.3g}'):.3f}"


def test_no_answers_are_said_so(open_page: Open) -> None:
    page = open_page(reading([], ("zero-shot",)))
    assert page.locator("main").inner_text() == "There is no answer to show."
