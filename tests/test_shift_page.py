"""The token-shift page, in a headless Chromium: what it shows, how it is used, and that it stays by itself."""

from __future__ import annotations

import json
import re
import shutil
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from zlib import decompress

import numpy as np
import pytest

from tests.made_up_reading import ANSWERS, reading
from tests.made_up_scores import behind_a_server
from urial_opt.report.shift_page import shift_page
from urial_opt.report.shift_page_data import LISTED, page_data
from urial_opt.shift.figures import Compat, shift_class
from urial_opt.shift.marking import kinds_of
from urial_opt.shift.summary import summarise_shift
from urial_opt.token_scores import ShiftReading, TokenScores

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
HOSTILE = '<img src=x onerror="window.hacked=1"></script><script>window.hacked=1</script> \'" & \u2028 \ud83d'
Open: TypeAlias = "Callable[..., Page]"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed; type: pip install -e '.[develop]'"
    )
    if CHROMIUM is None:
        pytest.skip("no browser to look at the page with; install Debian's chromium: apt-get install chromium")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a reading; complains afterwards of all that it reached for and that went wrong in it."""
    complaints: list[str] = []
    contexts = []

    def open_page(shown: ShiftReading, *, place: str = "", **options: Any) -> Page:
        file = tmp_path / "page.html"
        file.write_bytes(written(shown).encode())
        context = browser.new_context(**({"viewport": {"width": 1400, "height": 1000}} | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(file.as_uri()) else complaints.append(asked.url))
        page.goto(file.as_uri() + place)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def written(shown: ShiftReading) -> str:
    return shift_page(shown, summarise_shift(shown, resamples=50))


def token(page: Page, place: int) -> Any:
    return page.locator(f".token[data-place='{place}']")


def labels(page: Page) -> list[str]:
    found: list[str] = page.locator(".token").evaluate_all("tokens => tokens.map(token => token.dataset.class)")
    return found


def classes(scores: TokenScores) -> list[str]:
    return [str(shift_class(rank)) for rank in scores.rank.tolist()]


def focused(page: Page) -> int | None:
    place = page.evaluate("document.activeElement.dataset.place ?? null")
    return None if place is None else int(place)


def rows(page: Page) -> list[str]:
    """The queries in the list."""
    return page.locator("#list .words").all_text_contents()


def listed(page: Page, model: str) -> list[str]:
    return page.locator(f"ol[aria-label$='{model} model'] .text").all_text_contents()


def signs(text: str) -> str:
    return text.replace("\n", "↵").replace(" ", "␣")


def pixels(browser: Browser, picture: bytes, places: list[tuple[float, float]]) -> list[tuple[int, ...]]:
    page = browser.new_page()
    script = """async ([picture, places]) => {
      const image = new Image();
      image.src = 'data:image/png;base64,' + picture;
      await image.decode();
      const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
      canvas.drawImage(image, 0, 0);
      return places.map(([x, y]) => [...canvas.getImageData(x, y, 1, 1).data].slice(0, 3));
    }"""
    found = page.evaluate(script, [b64encode(picture).decode(), places])
    page.close()
    return [tuple(each) for each in found]


def colour(page: Page, variable: str) -> tuple[int, ...]:
    script = "name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()"
    digits = page.evaluate(script, f"--{variable}").lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    return tuple(bytes.fromhex(digits))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_token_has_the_colour_of_its_class(browser: Browser, open_page: Open, scheme: str) -> None:
    shown = reading()
    page = open_page(shown, color_scheme=scheme)
    wanted = classes(shown.contexts["zero-shot"][0])
    assert labels(page) == wanted
    assert {"unshifted", "marginal", "shifted"} == set(wanted)
    # a token of several line breaks has several boxes
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
    facts = page.locator(".facts dd").all_text_contents()
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
    assert focused(page) is None  # nobody is held in the answer


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
    facts = page.locator(".facts dd").all_text_contents()
    assert [facts[0], facts[1].split(" /")[0], *facts[2:]] == ["–"] * 4
    assert listed(page, "base") == []
    assert page.locator(".legend button").all_text_contents()[-1] == "unknown1"


def test_of_a_divergence_behind_a_server_the_least_is_shown(open_page: Open) -> None:
    shown = behind_a_server(reading(contexts=("zero-shot",)), less=0)
    page = open_page(shown)
    assert "KL at least, nats" in page.locator(".summary th").all_text_contents()
    assert "KL at least, nats" in page.locator(".curves h3 span").all_text_contents()
    token(page, 3).hover()
    facts = page.locator(".facts dd").all_text_contents()
    for least, fact in zip(("kl_base_aligned_least", "kl_aligned_base_least"), facts[2:], strict=True):
        value = getattr(shown.contexts["zero-shot"][0], least)[3]
        assert fact == f"≥ {float(f'{value:.3g}'):.3f}"


def test_divergences_as_the_public_code_has_them_are_no_bounds() -> None:
    shown = behind_a_server(reading(contexts=("zero-shot",)), less=0)
    compats: list[tuple[Compat | None, bool]] = [(None, True), ("aligntds", False)]
    for compat, least in compats:
        data: Any = page_data(shown, summarise_shift(shown, compat=compat, resamples=50))
        assert [context["least"] for context in data["contexts"]] == [least]
        assert data["least"]


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
    assert opened["y"] + opened["height"] <= box["y"]  # the sheet does not lie over its own token
    page.get_by_label("Close").tap()
    assert page.locator(".token-panel.shown").count() == 0


def test_print_leaves_out_what_is_for_the_screen(open_page: Open) -> None:
    page = open_page(reading())
    token(page, 0).click()
    page.emulate_media(media="print")
    assert not any(page.locator(each).is_visible() for each in (".queries", ".token-panel", "kbd >> nth=0"))
    assert page.locator("#answer").is_visible()
    assert token(page, 0).evaluate("each => getComputedStyle(each).printColorAdjust") == "exact"


def test_no_answers_are_said_so(open_page: Open) -> None:
    page = open_page(reading([], ("zero-shot",)))
    assert page.locator("main").inner_text() == "There is no answer to show."


def test_the_policy_allows_the_page_itself_alone() -> None:
    page = written(reading())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules.pop("default-src") == rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    for name, tag in (("style-src", "style"), ("script-src", 'script type="module"')):
        (inside,) = re.findall(rf"<{tag}>(.*?)</", page, re.DOTALL)
        assert rules.pop(name) == f"'sha256-{b64encode(sha256(inside.encode()).digest()).decode()}'"
    assert rules == {}
    assert re.findall(r"(?:src|href)=[\"'](?!#)", page) == []


def test_the_data_is_ascii_and_ends_no_script() -> None:
    page = written(reading([(HOSTILE, HOSTILE)], base=HOSTILE))
    (inside,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert inside.isascii()
    assert not set("<>&") & set(inside)
    assert json.loads(inside)["base"] == HOSTILE


def test_the_data_says_what_the_reading_says() -> None:
    shown = reading()
    data: Mapping[str, Any] = page_data(shown, summarise_shift(shown, resamples=50))
    for place, (answer, kept) in enumerate(zip(shown.answers, data["answers"], strict=True)):
        inside = json.loads(decompress(b64decode(kept["packed"])))
        assert "".join(data["texts"][piece] for piece in kept["pieces"]) == answer.text
        assert [data["kinds"][kind] for kind in kept["kinds"]] == list(kinds_of(answer))
        for ranks, under, scores in zip(kept["ranks"], inside["under"], shown.contexts.values(), strict=True):
            assert ranks == scores[place].rank.tolist()
            known = np.array(under["kl"], dtype=np.float64)
            np.testing.assert_allclose(known, scores[place].kl_base_aligned, rtol=0.006, atol=1e-5)
            texts = [[data["texts"][token] for token in row] for row in under["tokens"]]
            assert texts == [[shown.texts[i] for i in row] for row in scores[place].top.ids[:, :LISTED].tolist()]


def test_a_position_takes_less_than_a_hundred_bytes_for_each_context() -> None:
    question = "Tell me about penguins"
    answers = [(f"{question} {number}", " ".join(["and they swim far out"] * 60)) for number in range(4)]
    shown = reading(answers, ("a", "b", "c", "d"), words=[f" word{number}" for number in range(5000)])
    empty = len(written(reading([], ("a",))))
    positions = sum(scores.rank.size for each in shown.contexts.values() for scores in each)
    texts = len(json.dumps(shown.texts))
    assert (len(written(shown)) - empty - texts) / positions < 100
