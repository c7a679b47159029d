"""The page in a real browser: quiet, by itself, on a phone, in the dark, on paper."""

from __future__ import annotations

import json

import pytest

from pipeline.reports import compare, write
from tests import browser
from tests.unit.pipeline.reports.conftest import full
from tests.unit.pipeline.reports.test_html import nasty

pytestmark = pytest.mark.skipif(
    browser.PROGRAM is None,
    reason="no Chromium here; bootstrap/services.sh installs it",
)


@pytest.fixture(scope="module")
def page():
    with browser.opened() as page:
        yield page


@pytest.fixture
def rich(root):
    """A run with something in every part, and its page."""
    return write.write(str(root.path), full(root))


def complaints(page) -> list:
    return [
        *page.seen("Runtime.exceptionThrown"),
        *page.seen("Runtime.consoleAPICalled"),
        *page.seen("Log.entryAdded"),
    ]


def asked(page) -> set[str]:
    return {event["request"]["url"] for event in page.seen("Network.requestWillBeSent")}


def test_the_page_says_nothing_to_the_console_and_asks_nobody(page, rich):
    page.open(rich)

    assert complaints(page) == []
    assert {url for url in asked(page) if not url.startswith("data:")} == {
        rich.as_uri()
    }
    assert page.value("document.querySelectorAll('section').length") == 8


def test_hostile_names_do_nothing(page, root):
    page.open(write.write(str(root.path), nasty(root)))

    assert complaints(page) == []
    assert len(asked(page)) <= 2
    assert page.value("document.scripts.length") == 0
    assert page.value("getComputedStyle(document.body).fontFamily").startswith("system")


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_the_page_is_no_wider_than_the_screen(page, rich, width):
    page.open(rich, width)

    assert page.value("document.documentElement.scrollWidth") <= width


def test_a_long_table_scrolls_by_itself(page, rich):
    page.open(rich, 390)

    beyond = page.value(
        "[...document.querySelectorAll('table, svg, pre')].filter(e => "
        "!e.closest('.scroll') && e.getBoundingClientRect().right > 391).length"
    )
    assert beyond == 0


# Relative luminance and contrast as WCAG 2.2 defines them.
CONTRAST = """
(() => {
  const light = color => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = e => {
    for (; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$/.test(color)) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const ratios = [...document.querySelectorAll('body *')]
    .filter(e => e.localName !== 'title')
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
    .map(e => {
      const style = getComputedStyle(e);
      const front = e.namespaceURI.endsWith('svg') ? style.fill : style.color;
      const [a, b] = [light(front), light(behind(e))].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05);
    });
  return Math.min(...ratios);
})()
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_word_can_be_read(page, rich, dark):
    page.open(rich, dark=dark)

    assert page.value(CONTRAST) >= 4.5


def test_dark_is_dark(page, rich):
    backgrounds = []
    for dark in (False, True):
        page.open(rich, dark=dark)
        expression = "getComputedStyle(document.body).backgroundColor"
        backgrounds.append(page.value(expression))

    assert backgrounds == ["rgb(255, 255, 255)", "rgb(19, 24, 30)"]


def test_every_picture_has_a_title_and_every_table_has_heads(page, rich):
    page.open(rich)

    untitled = (
        "[...document.querySelectorAll('svg')].filter(e => !e.querySelector('title'))"
    )
    headless = (
        "[...document.querySelectorAll('table')].filter(e => !e.querySelector('th'))"
    )
    assert page.value("document.querySelectorAll('svg').length") > 20
    assert page.value(f"{untitled}.length") == 0
    assert page.value(f"{headless}.length") == 0


def test_what_is_folded_is_printed(page, rich):
    page.open(rich)
    folded = "document.querySelector('#data details table').checkVisibility()"
    on_screen = page.value(folded)

    page("Emulation.setEmulatedMedia", media="print")

    assert (on_screen, page.value(folded)) == (False, True)
    assert page.printed().startswith(b"%PDF-")


def test_runs_side_by_side_are_as_quiet(page, root, rich, tmp_path):
    target = tmp_path / "compare.html"
    compare.write(compare.of(str(root.path), ["r1", "r2"]), target)

    page.open(target, 390)

    assert complaints(page) == []
    assert {url for url in asked(page) if not url.startswith("data:")} == {
        target.as_uri()
    }
    assert page.value("document.documentElement.scrollWidth") <= 390


def test_the_browser_would_have_complained(page, tmp_path):
    """The tests above see what they look for."""
    bad = tmp_path / "bad.html"
    script = "<script>console.log(1); fetch('http://127.0.0.1:9/x'); no()</script>"
    bad.write_text(script, encoding="utf-8")

    page.open(bad)

    assert len(complaints(page)) >= 2
    assert "http://127.0.0.1:9/x" in asked(page), json.dumps(page.events)
