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

  function trend(figure) {
    const byDate = "zoom" in figure.dataset;
    const embedded = figure.querySelector("script");
    let loading, nights = embedded ? JSON.parse(embedded.textContent) : null;
    let current = -1, from = null, tip = null, cursor = null;

    const load = () => nights ? Promise.resolve(nights)
      : loading ??= fetch(figure.dataset.points).then(answer => answer.json()).then(all => nights = all);
    // The style sheet shows one of the two drawings.
    const drawing = () => [...figure.querySelectorAll("svg[data-plot]")].find(svg => svg.getClientRects().length);
    const frame = svg => {
      const [left, top, right, bottom, x0, x1, y0, y1, log] = svg.dataset.plot.split(" ").map(Number);
      return {
        left, top, right, bottom,
        x: i => left + ((byDate ? nights[i][0] : i) - x0) / (x1 - x0) * (right - left),
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
      const unit = figure.dataset.unit ? (figure.dataset.unit === "%" ? "%" : " " + figure.dataset.unit) : "";
      const link = make("a", "mono", commit);
      link.href = url;
      const list = make("dl");
      const row = (name, text, className) => list.append(make("dt", "", name), make("dd", className ?? "", text));
      row(figure.dataset.metric, make("b", "", value + unit));
      row("7-day baseline", baseline ? `${baseline}${unit}, ${runs} runs` : `none: ${runs} runs`);
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
      if (svg && byDate && event.button === 0 && event.pointerType !== "touch") {
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
      const days = [x, to].map(plot.time).sort((a, b) => a - b).map(time => new Date(time).toISOString().slice(0, 10));
      const url = figure.dataset.zoom;
      location.href = `${url}${url.includes("?") ? "&" : "?"}from=${days[0]}&to=${days[1]}`;
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
      byDate ? "drag to zoom, arrow keys go from night to night" : "arrow keys go from night to night"));
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

  // What is current comes into sight where a row scrolls sideways.
  for (const link of document.querySelectorAll(".tabs [aria-current], .top nav [aria-current]")) {
    const row = link.parentElement;
    row.scrollLeft = link.offsetLeft - row.offsetLeft - (row.clientWidth - link.offsetWidth) / 2;
  }
  for (const figure of document.querySelectorAll("figure.trend")) trend(figure);
  const source = document.querySelector("main [data-live]")?.dataset.live;
  if (source) live(source);
})();
