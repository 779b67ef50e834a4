"""Token-shift pages: how tests write one, and what they read from it in a browser."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from urial_opt.report.shift_page import render_shift_page
from urial_opt.shift.figures import shift_class
from urial_opt.shift.summary import summarise_shift
from urial_opt.token_scores import ShiftReading, TokenScores

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = '<img src=x onerror="window.hacked=1"></script><script>window.hacked=1</script> \'" & \u2028 \ud83d'
Open: TypeAlias = "Callable[..., Page]"


def written(shown: ShiftReading) -> str:
    return render_shift_page(shown, summarise_shift(shown, resamples=50))


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


def facts_shown(page: Page) -> list[str]:
    """The facts of the token that is pointed at, once the page has drawn them."""
    facts = page.locator(".facts dd")
    facts.first.wait_for()
    return facts.all_text_contents()


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
