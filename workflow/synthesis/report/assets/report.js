"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  root.classList.add("scripted");

  // Text only ever becomes text nodes: nothing from the data is read as markup.
  function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children.filter((child) => child !== null && child !== ""));
    return element;
  }
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // --- cards ------------------------------------------------------------------------------------------------------

  const card = make("div", { class: "card", id: "card", role: "dialog", "aria-label": "Behind this mark", tabindex: "-1", hidden: "" });
  const spoken = make("p", { class: "unseen", role: "status" });
  document.body.append(card, spoken);
  const state = { mark: null, pinned: false, timer: 0, returning: false };

  function effect(name, title) {
    const row = data.effects[name];
    if (!row) return make("div", { class: "effect" }, make("p", {}, `${name} is not among the extracted rows.`));
    const facts = [
      ["Estimate", row.estimate],
      ["Printed", row.printed],
      ["Measured", row.about],
      ["Conversion", [row.converter, row.exactness].filter(Boolean).join(", ")],
      ["Corrected", row.corrected],
      ["Not in the quote", row.missing],
      ["To know", row.marked],
      ["Where", row.locator],
      ["Source", row.source],
      ["Row", name],
    ];
    const list = make("dl");
    for (const [term, said] of facts) if (said) list.append(make("dt", {}, term), make("dd", {}, said));
    const links = make("p", { class: "links" });
    if (row.url) links.append(make("a", { href: row.url, rel: "noreferrer" }, "Source"));
    if (row.row && (data.places || document.getElementById(row.row))) links.append(make("a", { href: `${data.places}#${row.row}` }, "Row in the table"));
    return make("div", { class: "effect" }, title ?? make("p", { class: "title" }, row.study), list,
      row.quote ? make("blockquote", {}, row.quote) : make("p", {}, "No quote: the row holds none."), links);
  }

  function synthesis(name) {
    const found = data.syntheses[name];
    if (!found) return [];
    const names = found.samples.flatMap((sample) => sample.effects);
    const quotes = make("details", {}, make("summary", {}, names.length === 1 ? "The quote behind it" : `The ${names.length} quotes behind it`));
    quotes.append(...names.map((one) => effect(one)));
    return [make("p", {}, found.said), quotes, make("p", { class: "links" }, make("a", { href: `${data.places}#synthesis-${name}` }, "Its section"))];
  }

  // The button of a mark is its area, which has a name of its own; the texts of its line stay texts.
  const area = (mark) => mark.querySelector(".area");
  const behind = (mark) => (mark.dataset.effects || "").split(" ").filter(Boolean);

  function fill(mark) {
    const close = make("button", { class: "close", type: "button", "aria-label": "Close" }, "\u00d7");
    close.addEventListener("click", () => hide(true));
    const label = make("p", { class: "title", id: "card-title" }, mark.dataset.label);
    const names = behind(mark);
    const parts = names.map((name, i) => {
      // The card's title names the study already.
      const known = data.effects[name] && mark.dataset.label.startsWith(data.effects[name].study);
      const count = names.length > 1 ? make("p", { class: "title" }, `Estimate ${i + 1} of ${names.length}`) : "";
      return effect(name, known ? count : undefined);
    });
    card.replaceChildren(close, label, ...parts, ...synthesis(mark.dataset.synthesis));
    card.setAttribute("aria-label", mark.dataset.label);
    card.scrollTop = 0;
  }

  function place(mark, x) {
    card.style.left = card.style.top = card.style.maxHeight = "";
    if (getComputedStyle(card).position === "fixed") return;
    const line = mark.getBoundingClientRect();
    const frame = mark.closest(".drawing").getBoundingClientRect();
    const { width, height } = card.getBoundingClientRect();
    const view = { width: root.clientWidth, height: window.innerHeight };
    let left = frame.left + Math.min(frame.width, mark.ownerSVGElement.getBoundingClientRect().width) + 16;
    let top = Math.max(8, Math.min(line.top - 16, view.height - height - 8));
    if (left + width > view.width - 8) {
      const above = line.top - 13;
      const below = view.height - line.bottom - 13;
      const under = below >= height || below >= above;
      const room = Math.min(height, Math.max(160, under ? below : above));
      card.style.maxHeight = `${room}px`;
      left = Math.max(8, Math.min((x ?? line.left + 120) - width / 3, view.width - width - 8));
      top = under ? line.bottom + 5 : line.top - room - 5;
    }
    card.style.left = `${left + window.scrollX}px`;
    card.style.top = `${top + window.scrollY}px`;
  }

  function show(mark, { pinned = false, x } = {}) {
    clearTimeout(state.timer);
    if (state.mark !== mark) {
      hide(false);
      state.mark = mark;
      fill(mark);
      card.hidden = false;
      area(mark).setAttribute("aria-expanded", "true");
      place(mark, x);
    }
    state.pinned = state.pinned || pinned;
  }

  function hide(back) {
    clearTimeout(state.timer);
    const mark = state.mark;
    if (!mark) return;
    area(mark).setAttribute("aria-expanded", "false");
    state.mark = null;
    state.pinned = false;
    const inside = card.contains(document.activeElement);
    card.hidden = true;
    if (!back || !inside) return;
    state.returning = true;
    area(mark).focus({ preventScroll: true });
    state.returning = false;
  }

  const hideSoon = () => {
    clearTimeout(state.timer);
    if (!state.pinned) state.timer = setTimeout(() => hide(false), 280);
  };

  function say(mark) {
    const names = behind(mark);
    const first = data.effects[names[0]];
    const said = first ? `Quote: ${first.quote || "none"} (${first.locator})` : data.syntheses[mark.dataset.synthesis]?.said || "";
    const more = names.length > 1 ? ` And ${names.length - 1} more.` : "";
    spoken.textContent = `${said}${more} Enter opens the details.`;
  }

  function enliven(svg) {
    const marks = all(".mark", svg);
    if (!marks.length) return;
    svg.setAttribute("role", "group");
    const choose = (mark) => {
      for (const other of marks) area(other).setAttribute("tabindex", other === mark ? "0" : "-1");
    };
    choose(marks[0]);
    marks.forEach((mark, i) => {
      const button = area(mark);
      button.setAttribute("role", "button");
      button.setAttribute("aria-label", mark.dataset.label);
      button.setAttribute("aria-haspopup", "dialog");
      button.setAttribute("aria-expanded", "false");
      mark.addEventListener("pointerenter", (event) => {
        if (event.pointerType === "touch" || state.pinned) return;
        clearTimeout(state.timer);
        state.timer = setTimeout(() => show(mark, { x: event.clientX }), state.mark ? 90 : 40);
      });
      mark.addEventListener("pointerleave", hideSoon);
      mark.addEventListener("click", (event) => {
        if (state.mark === mark && state.pinned) return hide(false);
        if (state.mark !== mark) hide(false);
        show(mark, { pinned: true, x: event.clientX });
      });
      button.addEventListener("focus", () => {
        choose(mark);
        if (state.returning || !button.matches(":focus-visible")) return;
        if (state.mark !== mark) hide(false);
        show(mark);
        say(mark);
      });
      button.addEventListener("blur", (event) => { if (!card.contains(event.relatedTarget)) hideSoon(); });
      button.addEventListener("keydown", (event) => {
        const steps = { ArrowDown: i + 1, ArrowRight: i + 1, ArrowUp: i - 1, ArrowLeft: i - 1, Home: 0, End: marks.length - 1 };
        if (event.key in steps) {
          event.preventDefault();
          area(marks[Math.max(0, Math.min(marks.length - 1, steps[event.key]))]).focus();
        } else if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          show(mark, { pinned: true });
          card.focus();
        }
      });
    });
  }
  all("svg.live").forEach(enliven);

  card.addEventListener("toggle", () => { if (state.mark) place(state.mark); }, true);
  card.addEventListener("pointerenter", () => clearTimeout(state.timer));
  card.addEventListener("pointerleave", hideSoon);
  card.addEventListener("focusin", () => { state.pinned = true; });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(true); });
  document.addEventListener("pointerdown", (event) => {
    if (state.mark && !card.contains(event.target) && !event.target.closest(".mark")) hide(false);
  });
  window.addEventListener("resize", () => { if (state.mark) place(state.mark); });

  // --- tables -----------------------------------------------------------------------------------------------------

  const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  function key(row, column) {
    const cell = row.cells[column];
    const given = cell.dataset.order ?? cell.textContent.trim();
    const number = Number(given.replace("\u2212", "-"));
    return given === "" ? null : Number.isNaN(number) ? given : number;
  }

  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return order.compare(String(a), String(b));
  }

  function sort(table, column, direction) {
    const rows = [...table.tBodies[0].rows].map((row) => ({ row, key: key(row, column) }));
    rows.sort((a, b) => {
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
      return direction * compare(a.key, b.key);
    });
    table.tBodies[0].append(...rows.map(({ row }) => row));
  }

  all("main table").forEach((table, number) => {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = make("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        sort(table, column, up ? 1 : -1);
      });
    });
    // The tables of the short page are short.
    if (data.places) return;
    const input = make("input", { type: "search", id: `filter-${number}`, autocomplete: "off" });
    const name = make("span", { class: "unseen" }, ` ${table.caption.textContent}`);
    const count = make("span", { role: "status" });
    table.closest(".wide").before(make("div", { class: "filter" }, make("label", { for: input.id }, "Filter", name), input, count));
    const rows = [...table.tBodies[0].rows];
    const texts = new Map();
    input.addEventListener("input", () => {
      const words = input.value.toLocaleLowerCase("en").split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        if (!texts.has(row)) texts.set(row, row.textContent.toLocaleLowerCase("en"));
        row.hidden = !words.every((word) => texts.get(row).includes(word));
        shown += row.hidden ? 0 : 1;
      }
      count.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
    });
  });

  // --- downloads --------------------------------------------------------------------------------------------------

  function download(content, type, name) {
    const address = URL.createObjectURL(new Blob([content], { type }));
    const link = make("a", { href: address, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  function drawing(svg) {
    const copy = svg.cloneNode(true);
    all(".area", copy).forEach((button) => button.remove());
    copy.setAttribute("role", "img");
    return new XMLSerializer().serializeToString(copy);
  }

  for (const figure of all("figure[data-figure]")) {
    const name = figure.dataset.figure;
    const files = figure.querySelector(".files");
    const offer = (kind, content, type) => {
      const button = make("button", { type: "button", "aria-label": `${kind} of ${name} from this page` }, kind);
      button.addEventListener("click", () => download(content(), type, `${name}.${kind.toLowerCase()}`));
      files.append(button);
    };
    files.append("From this page: ");
    offer("SVG", () => drawing(figure.querySelector("svg")), "image/svg+xml");
    if (data.csv[name]) offer("CSV", () => data.csv[name], "text/csv");
  }

  // --- contents, links into closed parts, print -------------------------------------------------------------------

  const contents = document.querySelector("nav details");
  const wide = matchMedia("(min-width: 70rem)");
  const fold = () => { contents.open = wide.matches; };
  fold();
  wide.addEventListener("change", fold);
  contents.addEventListener("click", (event) => { if (event.target.closest("a") && !wide.matches) contents.open = false; });

  function open() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const closed = [];
    for (let at = target.closest("details"); at; at = at.parentElement.closest("details")) if (!at.open) closed.push(at);
    for (const at of closed) at.open = true;
    if (closed.length) target.scrollIntoView();
  }
  window.addEventListener("hashchange", open);
  card.addEventListener("click", (event) => { if (event.target.closest("a[href^='#']")) hide(false); });
  open();

  const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
  const seen = new Set();
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) entry.isIntersecting ? seen.add(entry.target) : seen.delete(entry.target);
    const current = [...seen].sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)[0];
    if (!current) return;
    for (const link of links.values()) link.removeAttribute("aria-current");
    links.get(current.id).setAttribute("aria-current", "true");
  }, { rootMargin: "0px 0px -60% 0px" });
  for (const name of links.keys()) watch.observe(document.getElementById(name));

  // A drawing much taller than a page is printed in pieces that end between its lines.
  const PAGE = 1.32;
  function pieces(svg) {
    const { width, height } = svg.viewBox.baseVal;
    const ends = all(".area", svg).map((box) => box.y.baseVal.value + box.height.baseVal.value);
    const cuts = [0];
    while (height - cuts.at(-1) > PAGE * width) {
      const start = cuts.at(-1);
      const fit = ends.filter((end) => end > start + 0.5 * PAGE * width && end <= start + PAGE * width);
      cuts.push(fit.length ? Math.max(...fit) : start + PAGE * width);
    }
    return cuts.map((start, i) => {
      const piece = svg.cloneNode(true);
      piece.removeAttribute("id");
      piece.classList.add("piece");
      piece.setAttribute("viewBox", `0 ${start} ${width} ${(cuts[i + 1] ?? height) - start}`);
      return piece;
    });
  }

  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = all("main details:not([open])");
    for (const part of folded) part.open = true;
    for (const svg of all("svg.live:not(.narrow)")) {
      if (svg.viewBox.baseVal.height < 1.8 * svg.viewBox.baseVal.width) continue;
      svg.after(...pieces(svg));
      svg.classList.add("whole");
      svg.closest("figure").classList.add("pieces");
    }
  });
  window.addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
    for (const piece of all(".piece")) piece.remove();
    for (const svg of all(".whole")) svg.classList.remove("whole");
  });
})();
