"""Takes pictures of every page of three servers and writes an index of them.

usage: screenshots.py OUT EMPTY ONE SAMPLE      (base URLs; CHROMIUM names the browser)
The one run of ONE is the newest measured run of SAMPLE, sent to it.
"""

import html
import json
import os
import re
import shutil
import sys
import urllib.request
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import sync_playwright

OUT, EMPTY, ONE, SAMPLE = sys.argv[1:5]
VIEWS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]
# A page of each kind is enough: the first of these patterns that a link matches, once.
KINDS = [
    r"/benchmarks/[^?]+$", r"/benchmarks/[^?]+\?metric=", r"/runs/\d+$", r"/runs/\d+\?show=all", r"/runs/\d+\?open=",
    r"/trends\?.*benchmark=", r"/trends\?.*show=overlay", r"/trends\?.*x=commit", r"/environments/\d+$", r"/alerts/\d+$",
    r"/pulls/\d+$", r"/compare/.+", r"/rules.+", r"/api/docs.*", r"/runs/\d+/profile/\d+$", r"/runs/\d+/profile/\d+\?against=",
]


def read(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def send_one_run():
    runs = json.loads(read(f"{SAMPLE}/api/v1/runs"))["runs"]
    measured = next((run for run in runs if run["kind"] != "sample"), runs[0])
    report = read(f"{SAMPLE}/api/v1/runs/{measured.get('id') or measured['run_id']}/report")
    request = urllib.request.Request(f"{ONE}/api/v1/runs", data=report, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return answer.status


def pages(page, base):
    """The links of the header, then one page of each other kind, found by following links."""
    wanted, kinds, seen, waiting = [], set(), set(), ["/"]
    while waiting:
        path = waiting.pop(0)
        if path in seen or len(seen) > 40:
            continue
        seen.add(path)
        answer = page.goto(base + path)
        if not answer or answer.status != 200 or not (answer.header_value("content-type") or "").startswith("text/html"):
            continue
        wanted.append(path)
        header = page.eval_on_selector_all(".top nav a, footer a", "all => all.map(a => a.getAttribute('href'))")
        links = page.eval_on_selector_all("main a[href]", "all => all.map(a => a.getAttribute('href'))")
        for link in header + links:
            url = urlsplit(urljoin(path, link or ""))
            target = url.path + (f"?{url.query}" if url.query else "")
            if url.netloc or target in seen or target in waiting:
                continue
            if link in header:
                waiting.append(target)
                continue
            kind = next((k for k in KINDS if re.match(k, target) and k not in kinds), None)
            if kind and not target.startswith("/api"):
                kinds.add(kind)
                waiting.append(target)
    return wanted


def slug(path):
    return re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")[:70] or "home"


os.makedirs(OUT, exist_ok=True)
send_one_run()
rows, trouble = [], []
with sync_playwright() as playwright:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
    finder = browser.new_page()
    found = [(name, base, path) for name, base in [("empty", EMPTY), ("one run", ONE), ("sample", SAMPLE)] for path in pages(finder, base)]
    found += [("sample", SAMPLE, "/login"), ("sample", SAMPLE, "/no-such-page")]
    contexts = {view: browser.new_context(viewport={"width": view[0], "height": 900}, color_scheme=view[1]) for view in VIEWS}
    for number, (name, base, path) in enumerate(found):
        files = []
        for view in VIEWS:
            page = contexts[view].new_page()
            page.on("pageerror", lambda error: trouble.append(f"{name} {path}: {error}"))
            page.goto(base + path)
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                trouble.append(f"{name} {path} scrolls sideways at {view[0]} px")
            file = f"{number:03}-{name.replace(' ', '-')}-{slug(path)}-{view[0]}-{view[1]}.png"
            page.screenshot(path=os.path.join(OUT, file), full_page=True)
            page.close()
            files.append(file)
        rows.append((name, path, files))
    browser.close()

with open(os.path.join(OUT, "index.html"), "w", encoding="utf-8") as index:
    index.write("<!doctype html><html lang=en><meta charset=utf-8><title>kvmark: every page</title>"
                "<style>body{font:14px/20px system-ui;margin:24px}section{margin:0 0 32px}div{display:flex;gap:12px;align-items:start;overflow-x:auto}"
                "img{border:1px solid #ccc;display:block}a{flex:none}</style><h1>Every page</h1>")
    for name, path, files in rows:
        index.write(f"<section><h2>{html.escape(name)}: {html.escape(path)}</h2><div>")
        for (width, scheme), file in zip(VIEWS, files):
            shown = 420 if width > 400 else 160
            index.write(f'<a href="{file}"><img src="{file}" width="{shown}" alt="{html.escape(path)}, {width} px, {scheme}" loading=lazy></a>')
        index.write("</div></section>")
    index.write("</html>")
print(f"{len(rows)} pages, {len(rows) * len(VIEWS)} pictures: {os.path.join(OUT, 'index.html')}")
print("\n".join(trouble))
sys.exit(1 if trouble else 0)
