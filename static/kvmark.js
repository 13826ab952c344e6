// Hover, keys, zoom and live pages. Every page is whole without it.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const day = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });

  /** An element with a class and a text; texts are never read as HTML. */
  const make = (name, className, ...children) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    element.append(...children);
    return element;
  };
  const draw = (name, attributes, parent) => {
    const element = parent.appendChild(document.createElementNS(SVG, name));
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    return element;
  };

  const read = url => fetch(url).then(answer => answer.json());
  const withUnit = (number, unit) => unit ? number + (unit === "%" ? "%" : " " + unit) : number;
  const isoDay = time => new Date(time).toISOString().slice(0, 10);
  const zoomTo = (url, times) => {
    const [from, to] = times.sort((a, b) => a - b).map(isoDay);
    location.href = `${url}${url.includes("?") ? "&" : "?"}from=${from}&to=${to}`;
  };

  function trend(figure) {
    // A file of an export knows its axis, and no server to ask for another one.
    const byDate = "zoom" in figure.dataset, canZoom = Boolean(figure.dataset.zoom);
    const embedded = figure.querySelector("script");
    let loading, nights = embedded ? JSON.parse(embedded.textContent) : null;
    let current = -1, from = null, tip = null, cursor = null;

    const load = () => nights ? Promise.resolve(nights)
      : loading ??= read(figure.dataset.points).then(all => nights = all);
    // The style sheet shows one of the two drawings.
    const drawing = () => [...figure.querySelectorAll("svg[data-plot]")].find(svg => svg.getClientRects().length);
    const frame = svg => {
      const [left, top, right, bottom, x0, x1, y0, y1, log] = svg.dataset.plot.split(" ").map(Number);
      return {
        left, top, right, bottom,
        x: i => left + ((byDate ? nights[i][0] : nights[i][13] ?? i) - x0) / (x1 - x0) * (right - left),
        y: value => bottom - ((log ? Math.log(value) : value) - y0) / (y1 - y0) * (bottom - top),
        time: x => x0 + Math.min(1, Math.max(0, (x - left) / (right - left))) * (x1 - x0),
      };
    };
    const place = (svg, event) => {
      const box = svg.getBoundingClientRect();
      return (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
    };
    const hide = () => {
      tip?.remove(); cursor?.remove();
      tip = cursor = null; current = -1;
    };

    function show(i) {
      const svg = drawing();
      if (!svg || !nights.length) return;
      i = Math.max(0, Math.min(nights.length - 1, i));
      if (i === current && cursor?.parentNode === svg) return;
      hide();
      current = i;
      const plot = frame(svg), x = plot.x(i);
      const [time, height, value, baseline, runs, change, changeClass, band, evidence, commit, , , url] = nights[i];
      cursor = draw("g", {}, svg);
      draw("path", { class: "cur", d: `M${x} ${plot.top}V${plot.bottom}` }, cursor);
      if (height !== null) draw("circle", { class: "cur", cx: x, cy: plot.y(height), r: 8.5 }, cursor);

      // Subject and author stand at the first night of a commit only.
      let first = i;
      while (first > 0 && nights[first - 1][9] === commit) first--;
      const [subject, author] = nights[first].slice(10, 12);
      const unit = figure.dataset.unit;
      const link = make("a", "mono", commit);
      link.href = url;
      const list = make("dl");
      const row = (name, text, className) => list.append(make("dt", "", name), make("dd", className ?? "", text));
      row(figure.dataset.metric, make("b", "", withUnit(value, unit)));
      row("7-day baseline", baseline ? `${withUnit(baseline, unit)}, ${runs} runs` : `none: ${runs} runs`);
      if (change) row("change", change, changeClass);
      tip = make("div", "tip", make("b", "", day.format(time)), `, ${clock.format(time)} UTC`, make("br"), link, " " + subject,
        author ? make("span", "dim", ` (${author})`) : "", list);
      const verdict = make("span", "v " + (changeClass || "none"), band);
      if (evidence) verdict.append(make("i", "", evidence));
      tip.append(verdict);
      tip.setAttribute("role", "status");
      figure.insertBefore(tip, figure.querySelector("figcaption"));
      // Beside the point, and never over the last nights.
      const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      const room = (plot.right - x) * scale;
      const offset = room > tip.offsetWidth + 70 ? x * scale + 14 : x * scale - tip.offsetWidth - 14;
      tip.style.left = Math.max(0, offset) + "px";
      tip.style.top = plot.top * scale + "px";
    }

    const nearest = (svg, event) => {
      const plot = frame(svg), x = place(svg, event);
      let best = 0;
      for (let i = 1; i < nights.length; i++) if (Math.abs(plot.x(i) - x) < Math.abs(plot.x(best) - x)) best = i;
      return best;
    };

    figure.addEventListener("pointermove", async event => {
      const svg = event.target.closest?.("svg[data-plot]");
      if (!svg) return;
      await load();
      if (from === null) return show(nearest(svg, event));
      hide();
      const plot = frame(svg), to = place(svg, event);
      const ends = [from.x, to].map(x => Math.max(plot.left, Math.min(plot.right, x))).sort((a, b) => a - b);
      from.mark ??= draw("rect", { class: "sel", y: plot.top, height: plot.bottom - plot.top }, svg);
      from.mark.setAttribute("x", ends[0]);
      from.mark.setAttribute("width", ends[1] - ends[0]);
    });
    figure.addEventListener("pointerdown", event => {
      const svg = event.target.closest?.("svg[data-plot]");
      if (svg && canZoom && event.button === 0 && event.pointerType !== "touch") {
        from = { x: place(svg, event), svg };
        event.preventDefault();
        figure.focus({ preventScroll: true });
      }
    });
    addEventListener("pointerup", event => {
      if (from === null) return;
      const { x, svg, mark } = from, to = place(svg, event);
      mark?.remove();
      from = null;
      if (!mark || Math.abs(to - x) < 8) return;
      const plot = frame(svg);
      zoomTo(figure.dataset.zoom, [x, to].map(plot.time));
    });
    figure.addEventListener("pointerleave", () => { if (document.activeElement !== figure) hide(); });
    figure.addEventListener("keydown", async event => {
      const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
      if (event.key === "Escape") return hide();
      if (event.key === "Enter" && current >= 0) return void (location.href = nights[current][12]);
      if (!(event.key in steps) || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      await load();
      show(current < 0 ? nights.length - 1 : current + steps[event.key]);
    });
    figure.addEventListener("blur", hide);

    figure.tabIndex = 0;
    figure.querySelector("figcaption").append(make("span", "faint",
      canZoom ? "drag to zoom, arrow keys go from night to night" : "arrow keys go from night to night"));
  }

  // Charts that are read together: one night is shown in all of them, and a drag zooms them all.
  function many(group) {
    const embedded = group.querySelector("script");
    let loading, all = embedded ? JSON.parse(embedded.textContent) : null;
    let current = -1, from = null;
    const cursors = [], before = new Map(), canZoom = Boolean(group.dataset.zoom);
    const line = group.insertBefore(make("p", "now", "Point at a night, or use the arrow keys: all charts show it." + (canZoom ? " Drag to zoom them together." : "")), group.firstChild);
    line.setAttribute("role", "status");

    const load = () => all ? Promise.resolve(all) : loading ??= read(group.dataset.points).then(answer => {
      // Of each chart the night of each run.
      for (const chart of answer.charts) chart.of = new Map(chart.nights.map(night => [night[0], night]));
      return all = answer;
    });
    if (all) for (const chart of all.charts) chart.of = new Map(chart.nights.map(night => [night[0], night]));
    const drawings = () => [...group.querySelectorAll("svg[data-plot]")].filter(svg => svg.getClientRects().length);
    const frame = svg => {
      const [left, top, right, bottom, x0, x1, y0, y1, log] = svg.dataset.plot.split(" ").map(Number);
      return {
        left, top, right, bottom,
        x: place => left + (place - x0) / (x1 - x0) * (right - left),
        y: value => bottom - ((log ? Math.log(value) : value) - y0) / (y1 - y0) * (bottom - top),
        place: x => x0 + Math.min(1, Math.max(0, (x - left) / (right - left))) * (x1 - x0),
      };
    };
    const at = (svg, event) => {
      const box = svg.getBoundingClientRect();
      return frame(svg).place((event.clientX - box.left) * svg.viewBox.baseVal.width / box.width);
    };
    const nearest = place => {
      let best = 0;
      for (let i = 1; i < all.runs.length; i++) if (Math.abs(all.runs[i][1] - place) < Math.abs(all.runs[best][1] - place)) best = i;
      return best;
    };
    const clear = () => { for (const cursor of cursors.splice(0)) cursor.remove(); };
    const hide = () => {
      clear();
      for (const [element, nodes] of before) element.replaceChildren(...nodes);
      before.clear();
      current = -1;
    };
    function show(i) {
      if (!all.runs.length) return;
      i = Math.max(0, Math.min(all.runs.length - 1, i));
      if (i === current && cursors.length) return;
      clear();
      current = i;
      const [time, place, commit, subject, author, url] = all.runs[i];
      for (const svg of drawings()) {
        const plot = frame(svg), x = plot.x(place), mark = draw("g", {}, svg);
        draw("path", { class: "cur", d: `M${x} ${plot.top}V${plot.bottom}` }, mark);
        for (const chart of svg.closest("[data-charts]").dataset.charts.split(" ")) {
          const night = all.charts[chart].of.get(i);
          if (night && night[1] !== null) draw("circle", { class: "cur", cx: x, cy: plot.y(night[1]), r: 4 }, mark);
        }
        cursors.push(mark);
      }
      for (const element of group.querySelectorAll("[data-at]")) {
        if (!before.has(element)) before.set(element, [...element.childNodes]);
        const { unit, of } = all.charts[element.dataset.at], night = of.get(i);
        if (!night) { element.replaceChildren("no run this night"); continue; }
        const [, , value, baseline, , change, changeClass, band, evidence] = night;
        element.replaceChildren(make("b", "", withUnit(value, unit)), " ", make("span", changeClass, change), baseline ? ` of ${baseline}` : " no baseline", ` ${band} ${evidence}`);
      }
      const link = make("a", "mono", commit);
      link.href = url;
      line.replaceChildren(make("b", "", day.format(time)), `, ${clock.format(time)} UTC `, link, " " + subject, author ? make("span", "dim", ` (${author})`) : "");
    }
    group.addEventListener("pointermove", async event => {
      const svg = event.target.closest?.("svg[data-plot]");
      if (!svg) return;
      await load();
      const place = at(svg, event);
      if (from === null) return show(nearest(place));
      clear();
      from.to = place;
      for (const drawing of drawings()) {
        const plot = frame(drawing), [a, b] = [plot.x(from.place), plot.x(place)].sort((a, b) => a - b);
        cursors.push(draw("rect", { class: "sel", x: a, y: plot.top, width: b - a, height: plot.bottom - plot.top }, drawing));
      }
    });
    group.addEventListener("pointerdown", event => {
      const svg = event.target.closest?.("svg[data-plot]");
      if (!svg || !canZoom || event.button !== 0 || event.pointerType === "touch") return;
      from = { place: at(svg, event), x: event.clientX };
      event.preventDefault();
      group.focus({ preventScroll: true });
    });
    addEventListener("pointerup", event => {
      if (from === null) return;
      const { place, x, to } = from;
      from = null;
      clear();
      if (to !== undefined && Math.abs(event.clientX - x) > 8) zoomTo(group.dataset.zoom, [place, to].map(p => all.runs[nearest(p)][0]));
    });
    group.addEventListener("pointerleave", () => { if (document.activeElement !== group) hide(); });
    group.addEventListener("blur", hide);
    group.addEventListener("keydown", async event => {
      const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
      if (event.target !== group) return;
      if (event.key === "Escape") return hide();
      if (event.key === "Enter" && current >= 0) return void (location.href = all.runs[current][5]);
      if (!(event.key in steps) || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      await load();
      show(current < 0 ? all.runs.length - 1 : current + steps[event.key]);
    });
    group.tabIndex = 0;
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Charts of all series");
  }

  // A live page says what the server draws: each event asks for the page again, one at a time.
  function live(source) {
    const events = new EventSource(source);
    let isBusy = false, isStale = false;
    const refresh = async () => {
      if (isBusy) return void (isStale = true);
      isBusy = true;
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
      if (answer?.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        document.title = page.title;
        document.querySelector("main").replaceWith(page.querySelector("main"));
        const log = document.querySelector("pre.log");
        if (log) log.scrollTop = log.scrollHeight;
      }
      setTimeout(() => { isBusy = false; if (isStale) { isStale = false; refresh(); } }, 500);
    };
    for (const name of ["running", "lost"]) events.addEventListener(name, refresh);
    events.addEventListener("complete", () => { events.close(); location.reload(); });
  }

  // A command is copied at a click.
  for (const pre of document.querySelectorAll("pre[data-copy]")) {
    if (!navigator.clipboard) break;
    const text = pre.textContent, button = make("button", "btn copy", "Copy");
    button.type = "button";
    button.addEventListener("click", () => navigator.clipboard.writeText(text).then(() => button.textContent = "Copied"));
    (pre.previousElementSibling ?? pre.parentElement).append(button);
  }
  // What is current comes into sight where a row scrolls sideways.
  for (const link of document.querySelectorAll(".tabs [aria-current], .top nav [aria-current]")) {
    const row = link.parentElement;
    row.scrollLeft = link.offsetLeft - row.offsetLeft - (row.clientWidth - link.offsetWidth) / 2;
  }
  for (const figure of document.querySelectorAll("figure.trend")) trend(figure);
  for (const group of document.querySelectorAll("[data-many]")) many(group);
  // Copies the text of an element; where there is no clipboard it is selected instead.
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const text = document.getElementById(button.dataset.copy);
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.textContent);
        button.textContent = "Copied";
      } catch {
        text.closest("details")?.setAttribute("open", "");
        getSelection().selectAllChildren(text);
        button.textContent = "Selected: copy it with your keys";
      }
    });
  }
  // Keys of the alerts: those that a page names, and a way through a list.
  const rows = [...document.querySelectorAll("[data-row]")];
  const named = key => document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  const unfold = details => {
    for (const other of document.querySelectorAll("details[data-key]")) other.open = other === details;
    details.querySelector("input:not([type=hidden])").focus();
  };
  const login = document.querySelector("[data-login]");
  let at = -1;
  addEventListener("keydown", event => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest?.("input, textarea, select, figure")) return;
    const step = { j: 1, k: -1 }[event.key], own = named(event.key);
    if (event.key === "?") {
      const keys = document.getElementById("keys");
      if (keys) keys.focus(); else location.href = "/help#keys";
    } else if (own) {
      if (own.localName === "details") unfold(own); else own.click();
    } else if (step && rows.length) {
      rows[at]?.classList.remove("at");
      at = Math.max(0, Math.min(rows.length - 1, at + step));
      rows[at].classList.add("at");
      rows[at].querySelector("a").focus();
    } else if (event.key === "o" && rows[at]) rows[at].querySelector("a").click();
    // What acts on a row of the list is done on its page, where it is seen.
    // Who is not logged in is told where to.
    else if ("asndxu".includes(event.key) && login) login.focus();
    else if ("asndxub".includes(event.key) && rows[at]) location.href = rows[at].querySelector("a").href + "#key-" + event.key;
    else return;
    event.preventDefault();
  });
  // A link never acts by itself: it only leads to what does.
  const wanted = location.hash.startsWith("#key-") && named(location.hash.slice(5));
  if (wanted) if (wanted.localName === "details") unfold(wanted); else wanted.focus();
  else if (location.hash.startsWith("#key-")) login?.focus();
  const source = document.querySelector("main [data-live]")?.dataset.live;
  if (source) live(source);
})();
