"""Looks at the pages of three servers (many nights, one night, none) with Chromium.

usage: look.py FULL ONE EMPTY EXPORT ALERTS TOKEN      (base URLs, the folder of an export of the first, a
server with an open alert and a token that may handle it; CHROMIUM names the browser, default: found in PATH)
Prints what does not hold, one line each; exit code 1 if anything does not.
"""

import json
import os
import shutil
import sys
from contextlib import contextmanager
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

FULL, ONE, EMPTY, EXPORT, ALERTS, TOKEN = sys.argv[1:7]
TREND = "/benchmarks/KVEventConcurrency?metric=latency_p99&param.concurrency=100&param.cpu=2&environment=1"
MANY = "/trends?benchmark=KVEventConcurrency&metric=latency_p99&environment=1"
EVIL = "/benchmarks/%3Cscript%3Ealert(1)%3C%2Fscript%3E"
PAGES = [(FULL, path) for path in [
    "/", "/trends", MANY, MANY + "&show=overlay", MANY + "&show=overlay&x=commit&y=first&range=all", "/trends?environment=all&show=overlay", "/help", TREND, TREND + "&range=all", TREND + "&range=30d&y=log", TREND + "&y=baseline&x=evenly", TREND + "&x=commit&dist=histogram", EVIL,
    "/runs", "/runs?kind=pull", "/runs/1", "/runs/313", "/runs/313?show=all", "/nothing",
    "/alerts", "/alerts?state=all", "/alerts?state=resolved&environment=1", "/alerts/1",
    "/compare", "/compare/309...313", "/compare/309...313?show=all&open=none", "/compare/301...main?show=slower", "/environments", "/environments/1", "/status", "/pulls", "/pulls/12", "/pulls/12?push=1",
    "/rules", "/rules?show=all", "/login", "/api", "/annotations", "/annotations?series=1&run=3", "/annotations/1",
]] + [(base, path) for base in (ONE, EMPTY) for path in ("/", "/trends", "/runs", "/compare", "/pulls", "/alerts", "/rules", "/status", "/environments", "/annotations", "/help")] + [(ONE, "/runs/1"), (ONE, TREND)]
# Name, width, colour scheme, script, audited by axe.
VIEWS = [
    ("light", 1280, "light", True, True),
    ("dark and narrow", 390, "dark", True, True),
    ("no script", 1280, "light", False, False),
]
# Text that leaves its drawing, is smaller than 10 px, or lies on other text of the same drawing.
TEXTS = """() => {
  const found = [];
  for (const svg of document.querySelectorAll('svg.ch')) {
    const outer = svg.getBoundingClientRect();
    if (!outer.width) continue;
    const boxes = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect(), parseFloat(getComputedStyle(text).fontSize) * outer.width / svg.viewBox.baseVal.width]);
    for (const [text, box, size] of boxes) {
      if (box.left < outer.left - 1 || box.right > outer.right + 1 || box.top < outer.top - 1 || box.bottom > outer.bottom + 1) found.push(`leaves its drawing: ${text}`);
      if (size < 9.9) found.push(`${size} px: ${text}`);
    }
    for (let i = 0; i < boxes.length; i++) for (let j = 0; j < i; j++) {
      const [a, b] = [boxes[i][1], boxes[j][1]];
      const over = Math.min(a.right, b.right) - Math.max(a.left, b.left), high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (over > 1 && high > 4) found.push(`overlap: ${boxes[i][0]} and ${boxes[j][0]}`);
    }
  }
  return found;
}"""

failures = []


def check(holds, what):
    if not holds:
        failures.append(what)


@contextmanager
def opened(browser, base, path, width=1280, scheme="light", script=True):
    """A page in a browser of its own; what it must not do is noted when it is left."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script)
    page = context.new_page()
    where = f"{path} ({width} px, {scheme}{'' if script else ', no script'})"
    expected = 404 if path == "/nothing" else 200
    page.on("console", lambda m: check(m.type != "error" or expected != 200, f"{where}: console: {m.text}"))
    page.on("pageerror", lambda e: check(False, f"{where}: {e}"))
    page.on("dialog", lambda d: (check(False, f"{where}: a dialog: {d.message}"), d.dismiss()))
    page.on("request", lambda r: check(urlsplit(r.url).netloc == urlsplit(base).netloc or r.url.startswith("data:"), f"{where}: asks {r.url}"))
    answer = page.goto(base + path)
    check(answer.status == expected, f"{where}: status {answer.status}")
    check("'unsafe-inline'" not in answer.headers.get("content-security-policy", "'unsafe-inline'"), f"{where}: no strict policy")
    yield page, where
    context.close()


def everywhere(browser):
    axe = Axe()
    for base, path in PAGES:
        for _, width, scheme, script, audited in VIEWS:
            with opened(browser, base, path, width, scheme, script) as (page, where):
                check(page.locator("h1").first.is_visible(), f"{where}: no h1 is seen")
                check(len(page.locator("main").inner_text()) > 20, f"{where}: nothing to read")
                if not script:
                    continue
                check(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), f"{where}: scrolls sideways")
                for found in page.evaluate(TEXTS):
                    check(False, f"{where}: {found}")
                red, *_ = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
                check((red < 60) == (scheme == "dark"), f"{where}: background {red}")
                if audited:
                    found = axe.run(page).response["violations"]
                    for violation in found:
                        nodes = [node["html"][:160] for node in violation["nodes"][:3]]
                        check(False, f"{where}: axe {violation['id']}: {violation['help']} {nodes}")


def one_drawing(browser):
    for width, seen, unseen in [(1280, "wide", "narrow"), (390, "narrow", "wide")]:
        with opened(browser, FULL, TREND, width) as (page, where):
            check(page.locator(f"figure.trend svg.{seen}").is_visible(), f"{where}: {seen} is not seen")
            check(not page.locator(f"figure.trend svg.{unseen}").is_visible(), f"{where}: {unseen} is seen, too")


def hover(browser, path, nights):
    with opened(browser, FULL, path) as (page, where):
        box = page.locator("figure.trend svg.wide").bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
        tip = page.locator(".tip")
        tip.wait_for()
        text = tip.inner_text()
        for wanted in ["2026" if nights < 60 else "UTC", "latency_p99", "µs", "7-day baseline", "index: free what nobody holds", "(a.k.)"]:
            check(wanted in text, f"{where}: the tip says {text!r}, not {wanted}")
        at = tip.bounding_box()
        check(at["x"] >= 0 and at["x"] + at["width"] <= 1280, f"{where}: the tip leaves the window: {at}")
        page.mouse.move(box["x"] + box["width"] * 0.942, box["y"] + box["height"] * 0.5)
        page.locator(".tip", has_text="critical").wait_for()
        last = tip.bounding_box()
        check(last["x"] + last["width"] < box["x"] + box["width"] * 0.935, f"{where}: the tip lies over the last nights: {last}")
        page.mouse.move(5, 5)
        tip.wait_for(state="detached")


def keys(browser):
    with opened(browser, FULL, TREND) as (page, where):
        page.locator("figure.trend").focus()
        page.keyboard.press("ArrowLeft")
        tip = page.locator(".tip")
        tip.wait_for()
        check("1 Mar 2026" in tip.inner_text(), f"{where}: the first key shows the last night: {tip.inner_text()!r}")
        page.keyboard.press("ArrowLeft")
        check("28 Feb 2026" in tip.inner_text(), f"{where}: the next key goes back: {tip.inner_text()!r}")
        page.keyboard.press("Home")
        check("Dec 2025" in tip.inner_text(), f"{where}: Home goes to the first night: {tip.inner_text()!r}")
        page.keyboard.press("Escape")
        check(tip.count() == 0, f"{where}: Escape does not close the tip")
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        page.wait_for_url("**/runs/*")


def zoom(browser):
    with opened(browser, FULL, TREND) as (page, where):
        box = page.locator("figure.trend svg.wide").bounding_box()
        middle = box["y"] + box["height"] * 0.5
        page.mouse.move(box["x"] + box["width"] * 0.3, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=5)
        check(page.locator("svg.wide .sel").count() == 1, f"{where}: the part to zoom to is not shown")
        page.mouse.up()
        page.wait_for_url("**from=*")
        check("param.concurrency=100" in page.url and "to=2026-" in page.url, f"{where}: zoom leads to {page.url}")
        nights = int(page.locator("section.first .sh p").inner_text().split(" · ")[-1].split()[0])
        check(10 <= nights <= 30, f"{where}: the zoom shows {nights} nights")


def together(browser):
    for path, drawing, charts in [(MANY, "half", 5), (MANY + "&show=overlay", "wide", 1)]:
        with opened(browser, FULL, path) as (page, where):
            drawings = page.locator(f".many-charts svg.{drawing}")
            check(drawings.count() == charts, f"{where}: {drawings.count()} drawings")
            before = page.locator("[data-at='0']").inner_text()
            box = drawings.first.bounding_box()
            middle = box["y"] + box["height"] * 0.5
            page.mouse.move(box["x"] + box["width"] * 0.5, middle)
            page.locator(".now b").wait_for()
            cursors = page.locator(f".many-charts svg.{drawing} path.cur").count()
            check(cursors == charts, f"{where}: {cursors} of {charts} charts show the night")
            dots = page.locator(f".many-charts svg.{drawing} circle.cur").count()
            check(dots == 5, f"{where}: {dots} of 5 series show their value")
            check("index: free what nobody holds" in page.locator(".now").inner_text(), f"{where}: {page.locator('.now').inner_text()!r}")
            at_night = page.locator("[data-at='4']").inner_text()
            check("µs" in at_night and " of " in at_night, f"{where}: a series says {at_night!r} of the night")
            page.mouse.move(2, 2)
            page.wait_for_function("before => document.querySelector(\"[data-at='0']\").innerText === before", arg=before)
            page.locator(".many-charts").focus()
            page.keyboard.press("ArrowLeft")
            page.locator(".now", has_text="1 Mar 2026").wait_for()
            page.keyboard.press("Home")
            page.locator(".now", has_text="Dec 2025").wait_for()
            page.keyboard.press("Escape")
            check(page.locator("path.cur").count() == 0, f"{where}: Escape leaves the cursor")
            page.mouse.move(box["x"] + box["width"] * 0.3, middle)
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=5)
            check(page.locator(f"svg.{drawing} rect.sel").count() == charts, f"{where}: not every chart shows the part to zoom to")
            page.mouse.up()
            page.wait_for_url("**from=*")
            check("metric=latency_p99" in page.url and "to=2026-" in page.url, f"{where}: zoom leads to {page.url}")


def days_by_form(browser):
    with opened(browser, FULL, MANY, script=False) as (page, where):
        page.locator("input[name=from]").fill("2026-02-10")
        page.locator("input[name=to]").fill("2026-02-20")
        page.locator("form.days button").click()
        check("from=2026-02-10" in page.url and "benchmark=KVEventConcurrency" in page.url, f"{where}: the form leads to {page.url}")
        check(page.locator("svg.half").count() == 5, f"{where}: no charts of these days")


def explained(browser):
    with opened(browser, FULL, "/runs/313", script=False) as (page, where):
        page.locator("#measurements td a").first.click()
        check("open=" in page.url, f"{where}: a verdict leads to {page.url}")
        check(page.locator("dl.explain dd").count() > 5, f"{where}: nothing is explained")


def offline(browser):
    """An export opens from a folder: no error, no request beyond it, and a night can be pointed at."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    root = f"file://{os.path.abspath(EXPORT)}/"
    page.on("console", lambda m: check(m.type != "error", f"export: console: {m.text} at {page.url}"))
    page.on("pageerror", lambda e: check(False, f"export: {e} at {page.url}"))
    page.on("request", lambda r: check(r.url.startswith((root, "data:")), f"export: asks {r.url}"))
    page.goto(root + "index.html")
    check("Exported" in page.locator("aside[aria-label=Export]").inner_text(), "export: it does not say what it is")
    page.locator(".top nav a", has_text="Trends").click()
    check(page.url.startswith(root + "trends-"), f"export: Trends leads to {page.url}")
    names = sorted(name for name in os.listdir(EXPORT) if name.endswith(".html"))
    check(len(names) > 20, f"export: {len(names)} pages")
    trends = [name for name in names if name.startswith("benchmarks-kveventconcurrency")]
    for name in names[:: max(1, len(names) // 20)] + trends[:1]:
        page.goto(root + name)
        check(page.locator("h1").first.is_visible(), f"export: {name} has no h1")
    page.locator("figure.trend").focus()
    page.keyboard.press("ArrowLeft")
    page.locator(".tip").wait_for()
    check("latency_p99" in page.locator(".tip").inner_text() or "events" in page.locator(".tip").inner_text(), "export: a night says nothing")
    check("zoom" not in page.locator("figure.trend").inner_text(), "export: it offers a zoom that no server draws")
    context.close()


def narrow_tip(browser):
    with opened(browser, FULL, TREND, 390) as (page, where):
        page.locator("figure.trend").focus()
        page.keyboard.press("End")
        tip, drawing = page.locator(".tip"), page.locator("figure.trend svg.narrow")
        tip.wait_for()
        check(tip.bounding_box()["y"] >= drawing.bounding_box()["y"] + drawing.bounding_box()["height"] - 1, f"{where}: the tip is not below the chart")


def keyboard_alone(browser):
    with opened(browser, FULL, "/") as (page, where):
        page.keyboard.press("Tab")
        check(page.evaluate("document.activeElement.textContent") == "Skip to content", f"{where}: the skip link is not first")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        check(page.evaluate("!!document.activeElement.closest('main')"), f"{where}: the skip link does not lead into main")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        check(outline != "none", f"{where}: focus is not seen")


def live(browser):
    key = "11111111-2222-4333-8444-555555555555"
    progress = {
        "run_key": key, "kind": "manual", "commit": "7be91d4aaaaaaaaa", "branch": "main", "environment_name": "ci-a",
        "started_at": "2026-03-01T05:40:00Z", "total": 180, "done": 112, "eta_seconds": 840,
        "benchmarks": [{"name": "KVEventConcurrency", "done": 50, "total": 64, "state": "running"}], "log": ["<script>alert(1)</script>"],
    }
    context = browser.new_context()
    post = lambda: context.request.post(f"{FULL}/api/v1/live/{key}", data=json.dumps(progress), headers={"content-type": "application/json"})
    url = urlsplit(post().json()["url"]).path
    with opened(browser, FULL, url) as (page, where):
        check("112 of 180" in page.locator("h1").inner_text(), f"{where}: {page.locator('h1').inner_text()}")
        for violation in Axe().run(page).response["violations"]:
            check(False, f"{where}: axe {violation['id']}: {violation['help']}")
        progress["done"] = 139
        check(post().ok, f"{where}: the second message is not taken")
        page.locator("h1", has_text="139 of 180").wait_for()
        check(page.locator("progress").get_attribute("value") == "139", f"{where}: the bar stands still")
    with opened(browser, FULL, url, script=False) as (page, where):
        check("139 of 180" in page.locator("h1").inner_text(), f"{where}: {page.locator('h1').inner_text()}")
    context.close()


def handled(browser):
    """An alert is handled by keys alone, by who is logged in."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(ALERTS + "/alerts/1")
    page.keyboard.press("a")
    check(page.evaluate("'login' in document.activeElement.dataset"), "/alerts/1: a leads nobody to the login")
    page.keyboard.press("Enter")
    page.wait_for_url("**/login?to=*")
    # The field takes the focus with the first drawing, which may come after the page is loaded.
    page.locator("#token:focus").wait_for()
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_url(ALERTS + "/alerts/1")
    check("test (token 1)" in page.locator(".top .who").inner_text(), f"/alerts/1: the header says {page.locator('.top .who').inner_text()}")
    page.goto(ALERTS + "/alerts")
    page.keyboard.press("j")
    check(page.locator("tr.at").count() == 1, "/alerts: j chooses no row")
    page.keyboard.press("?")
    check(page.evaluate("document.activeElement.id") == "keys", "/alerts: ? does not lead to the keys")
    page.keyboard.press("n")
    page.wait_for_url("**/alerts/*#key-n")
    check(page.evaluate("document.activeElement.name") == "text", "/alerts: n does not lead to the note of the row")
    page.go_back()
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url("**/alerts/*")
    page.keyboard.press("?")
    check(page.evaluate("document.activeElement.id") == "keys", "/alerts/1: ? does not lead to the keys")
    page.keyboard.press("a")
    page.locator(".facts b", has_text="acknowledged").wait_for()
    page.keyboard.press("s")
    check(page.evaluate("document.activeElement.name") == "text", "/alerts/1: s does not lead to the owner")
    for violation in Axe().run(page).response["violations"]:
        nodes = [node["html"][:160] for node in violation["nodes"][:3]]
        check(False, f"/alerts/1, logged in: axe {violation['id']}: {violation['help']} {nodes}")
    page.keyboard.type("a.k.")
    page.keyboard.press("Enter")
    page.locator(".facts b", has_text="a.k.").wait_for()
    page.keyboard.press("d")
    page.keyboard.type("fan broken")
    page.keyboard.press("Enter")
    page.locator(".facts", has_text="fan broken").wait_for()
    check("dismissed" in page.locator("h1").inner_text(), f"/alerts/1: {page.locator('h1').inner_text()}")
    page.goto(ALERTS + "/alerts/1")
    page.keyboard.press("b")
    check(page.url.endswith("#bisect"), f"/alerts/1: b leads to {page.url}")
    context.close()


def annotated(browser):
    """A night is annotated by forms alone, by who is logged in, and every chart that covers it says so."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
    page = context.new_page()
    page.goto(ALERTS + TREND + "&range=all")
    rings = page.locator("figure.trend svg.wide circle.glyph").count()
    page.goto(ALERTS + "/runs/300")
    page.locator("a", has_text="Annotate").click()
    page.locator("main a", has_text="Log in").click()
    page.fill("#token", TOKEN)
    page.locator("main button", has_text="Log in").click()
    check("/annotations?run=300" in page.url, f"the login leads to {page.url}")
    page.fill("input[name=text]", "<b>new kernel</b>")
    page.locator("button", has_text="Write down").click()
    check("/runs/300" in page.url and "<b>new kernel</b>" in page.locator("#notes").inner_text(), f"{page.url} does not say what was written")
    page.goto(ALERTS + TREND + "&range=all")
    check("<b>new kernel</b>" in page.locator("#notes").inner_text(), "the trend does not say what was written")
    drawn = page.locator("figure.trend svg.wide circle.glyph").count()
    check(drawn == rings + 1, f"the trend draws {drawn} annotations and drew {rings} before")
    page.locator("#notes li", has_text="new kernel</b>").locator("a").click()
    page.fill("input[name=text]", "an older kernel")
    page.locator("button", has_text="Correct").click()
    check("an older kernel" in page.locator("h1").inner_text(), f"corrected: {page.locator('h1').inner_text()}")
    page.locator("button", has_text="Delete").click()
    page.goto(ALERTS + "/runs/300")
    check(page.locator("#notes", has_text="older kernel").count() == 0, "what was deleted is still there")
    context.close()


def printed(browser):
    with opened(browser, FULL, TREND, scheme="dark") as (page, where):
        page.emulate_media(media="print", color_scheme="dark")
        check(not page.locator(".top nav").is_visible(), f"{where}: the links are printed")
        check(page.evaluate("getComputedStyle(document.body).color") == "rgb(22, 24, 29)", f"{where}: not printed in ink")


with sync_playwright() as playwright:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    browser = playwright.chromium.launch(executable_path=chromium, args=[
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync",
    ])
    for look in [everywhere, one_drawing, keys, zoom, together, days_by_form, explained, offline, narrow_tip, keyboard_alone, live, handled, annotated, printed]:
        try:
            look(browser)
        except Exception as error:
            check(False, f"{look.__name__}: {error}")
    for path, nights in [(TREND + "&range=30d", 30), (TREND + "&range=all", 157)]:
        try:
            hover(browser, path, nights)
        except Exception as error:
            check(False, f"hover {path}: {error}")
    browser.close()
print("\n".join(failures))
sys.exit(1 if failures else 0)
