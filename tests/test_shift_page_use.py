"""How the token-shift page is used, in a headless Chromium: keys, pointer, search, filters, small screens, paper."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.made_up_reading import ANSWERS, reading
from tests.shift_pages import Open, classes, focused, labels, listed, rows, signs, token
from urial_opt.report.shift_page_data import LISTED
from urial_opt.shift.marking import kinds_of

pytest_plugins = ["tests.page_browser"]


def test_keys_walk_open_and_close(open_page: Open) -> None:
    page = open_page(reading())
    token(page, 0).focus()
    for key, place in {"ArrowRight": 1, "ArrowLeft": 0, "End": len(labels(page)) - 1, "Home": 0}.items():
        page.keyboard.press(key)
        assert focused(page) == place
    page.keyboard.press("ArrowDown")
    below = focused(page)
    assert below is not None
    assert token(page, below).bounding_box()["y"] > token(page, 0).bounding_box()["y"] + 10
    page.keyboard.press("ArrowUp")
    assert focused(page) == 0
    assert token(page, 0).evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.locator(".token-panel.pinned:focus").wait_for()
    assert token(page, 0).get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowRight")
    page.locator(".token-panel[aria-label='Token: !']").wait_for()
    page.keyboard.press("Escape")
    assert focused(page) == 1
    assert page.locator(".token-panel.pinned").count() == 0


def test_tab_goes_from_shifted_token_to_shifted_token(open_page: Open) -> None:
    shown = reading()
    page = open_page(shown)
    places = np.flatnonzero(shown.contexts["zero-shot"][0].rank > 3).tolist()
    token(page, places[0]).focus()
    walked = [focused(page)]
    for _ in places[1:]:
        page.keyboard.press("Tab")
        walked.append(focused(page))
    assert walked == places
    page.keyboard.press("Tab")
    assert focused(page) is None  # the focus can leave the answer


def test_a_pointer_does_not_move_what_was_opened(open_page: Open) -> None:
    page = open_page(reading())
    token(page, 0).click()
    token(page, 8).hover()
    assert page.locator(".token-panel").get_attribute("aria-label") == "Token: Hello"
    token(page, 0).click()
    assert page.locator(".token-panel.pinned").count() == 0


def test_another_context_keeps_the_place(open_page: Open) -> None:
    shown = reading()
    page = open_page(shown, viewport={"width": 1400, "height": 600})
    page.keyboard.press("j")
    token(page, 9).click()
    page.evaluate("scrollTo(0, 200)")
    for number, name in enumerate(shown.contexts, start=1):
        page.keyboard.press(str(number))
        assert labels(page) == classes(shown.contexts[name][1])
        assert page.locator(".token.open").get_attribute("data-place") == "9"
        assert page.evaluate("scrollY") == 200
        page.locator(".facts dd", has_text=re.compile(rf"^{shown.contexts[name][1].rank[9]}$")).first.wait_for()
        top = shown.contexts[name][1].top
        assert listed(page, "base")[:LISTED] == [signs(shown.texts[int(each)]) for each in top.ids[9, :LISTED]]
        assert page.locator(".summary tr[aria-current] th").text_content() == name
    page.locator(".segments label", has_text="zero-shot").click()
    assert labels(page) == classes(shown.contexts["zero-shot"][1])


def test_the_address_keeps_the_place_too(open_page: Open) -> None:
    shown = reading()
    page = open_page(shown, place="#2/3/10/1")
    assert page.locator("#answer-heading").text_content() == shown.answers[1].query
    assert page.locator(".token.open").get_attribute("data-place") == "9"
    assert page.locator("#compare").is_checked()
    page.keyboard.press("k")
    page.keyboard.press("c")
    page.reload()
    assert page.locator("#answer-heading").text_content() == shown.answers[0].query
    assert labels(page) == classes(shown.contexts["found"][0])


@pytest.mark.parametrize("place", ["#99/99/999/9", "#-1/x//", "#%3Cimg%3E"])
def test_an_address_of_no_place_is_forgiven(open_page: Open, place: str) -> None:
    assert open_page(reading(), place=place).locator(".token").count() > 0


def test_a_comparison_tells_what_is_repaired_and_broken(open_page: Open) -> None:
    shown = reading(seed=3)
    page = open_page(shown)
    page.get_by_label("compare with zero-shot").check()
    for context in ("hand-written", "found"):
        page.locator(".segments label", has_text=context).click()
        for place in range(len(shown.answers)):
            page.locator(f"#list button[data-answer='{place}']").click()
            before, now = (shown.contexts[name][place].rank > 3 for name in ("zero-shot", context))
            words = {(1, 0): "repaired", (0, 1): "broken", (1, 1): "still shifted", (0, 0): "never shifted"}
            wanted = [words[int(a), int(b)] for a, b in zip(before, now, strict=True)]
            assert labels(page) == wanted
            counts = wanted[: len(shown.answers[place].tokens)]
            assert page.locator(".legend button").all_text_contents() == [
                f"{word}{counts.count(word)}" for word in ("repaired", "broken", "still shifted", "never shifted")
            ]


def test_search_looks_into_queries_and_answers(open_page: Open) -> None:
    page = open_page(reading())
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    queries = list(ANSWERS)
    for wanted, found in {
        "PENGUINS": [queries[3]],
        "locksmith": [queries[1]],
        "can": queries[:2],
    }.items():
        page.locator("#search").fill(wanted)
        assert rows(page) == found
    page.locator("#search").fill("locksmith")
    assert page.locator("#answer-heading").text_content() == queries[1]
    assert [text.strip() for text in page.locator(".token.found").all_text_contents()] == ["locksmith"]
    page.locator("#search").fill("zebra")
    assert rows(page) == []
    page.get_by_role("button", name="Show all").click()
    assert rows(page) == queries


def test_filters_by_class_and_kind(open_page: Open) -> None:
    shown = reading()
    page = open_page(shown)
    shifted = page.locator(".legend button", has_text="shifted").last
    shifted.click()
    assert shifted.get_attribute("aria-pressed") == "true"
    matching = page.locator(".token.match").evaluate_all("tokens => tokens.map(token => token.dataset.class)")
    assert matching == ["shifted"] * classes(shown.contexts["zero-shot"][0]).count("shifted")
    page.locator("#kind").select_option("greeting")
    places = [
        place
        for place, (kind, label) in enumerate(
            zip(kinds_of(shown.answers[0]), classes(shown.contexts["zero-shot"][0]), strict=True)
        )
        if kind == "greeting" and label == "shifted"
    ]
    assert page.locator(".token.match").evaluate_all("tokens => tokens.map(t => +t.dataset.place)") == places
    token(page, places[0]).focus()
    page.keyboard.press("ArrowRight")
    assert focused(page) == places[1]
    assert set(rows(page)) < set(ANSWERS)


def test_queries_in_order_of_their_shift(open_page: Open) -> None:
    shown = reading()
    page = open_page(shown)
    shares = {
        answer.query: float(np.mean(scores.rank[: len(answer.tokens)] > 3))
        for answer, scores in zip(shown.answers, shown.contexts["zero-shot"], strict=True)
    }
    page.locator("#order").select_option("most shifted")
    assert rows(page) == sorted(shares, key=lambda query: -shares[query])
    page.locator("#order").select_option("least shifted")
    assert rows(page) == sorted(shares, key=lambda query: shares[query])
    page.locator("#list button").first.click()
    page.keyboard.press("ArrowDown")
    assert page.locator("#answer-heading").text_content() == rows(page)[1]


def test_a_phone_shows_all_within_its_width(open_page: Open) -> None:
    page = open_page(reading(), viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("#list").is_hidden()
    token(page, 30).tap()
    sheet = page.locator(".token-panel.shown")
    sheet.wait_for()
    box, opened = sheet.bounding_box(), token(page, 30).bounding_box()
    assert box is not None
    assert (box["x"], box["width"], box["y"] + box["height"]) == (0, 360, 740)
    assert opened["y"] + opened["height"] <= box["y"]  # the sheet does not cover its own token
    page.get_by_label("Close").tap()
    assert page.locator(".token-panel.shown").count() == 0


def test_print_leaves_out_what_is_for_the_screen(open_page: Open) -> None:
    page = open_page(reading())
    token(page, 0).click()
    page.emulate_media(media="print")
    assert not any(page.locator(each).is_visible() for each in (".queries", ".token-panel", "kbd >> nth=0"))
    assert page.locator("#answer").is_visible()
    assert token(page, 0).evaluate("each => getComputedStyle(each).printColorAdjust") == "exact"
