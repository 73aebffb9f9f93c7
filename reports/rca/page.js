// What a page on a screen can do beyond one on paper. Without this script all of it can be read.
(() => {
  "use strict";

  const made = (name, attributes = {}, text = "") => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  };

  // Figures: the values at a place, under the pointer or by the arrow keys.
  const MOST = 8;
  const said = (readings, place) => {
    const all = Object.entries(readings.series).map(([name, values]) => [name, values[place]]);
    const known = all.filter(([, value]) => value !== null);
    const shown = known.length > MOST ? known.filter(([, value]) => value !== 0) : known;
    const lines = shown.slice(0, MOST).map(([name, value]) => `${name}: ${value.toLocaleString("en")}`);
    return lines.length ? lines : [known.length ? "all 0" : "nothing told"];
  };

  const readable = (drawing) => {
    const readings = JSON.parse(drawing.dataset.readings);
    const last = readings.x.length - 1;
    const rule = made("div", { class: "rule", hidden: "" });
    const values = made("div", { class: "values", hidden: "" });
    let at = 0;
    drawing.append(rule, values);

    const show = (place) => {
      at = Math.min(last, Math.max(0, place));
      const lines = said(readings, at);
      const list = made("ul");
      list.append(...lines.map((line) => made("li", {}, line)));
      values.replaceChildren(made("b", {}, readings.at[at]), list);
      const left = readings.x[at];
      rule.style.left = `${100 * left}%`;
      values.style.left = left < 0.5 ? `calc(${100 * left}% + .5rem)` : "auto";
      values.style.right = left < 0.5 ? "auto" : `calc(${100 * (1 - left)}% + .5rem)`;
      rule.hidden = values.hidden = false;
      drawing.setAttribute("aria-valuenow", String(at));
      drawing.setAttribute("aria-valuetext", `${readings.at[at]}. ${lines.join("; ")}`);
    };
    const hide = () => { rule.hidden = values.hidden = true; };
    const nearest = (share) => readings.x.reduce(
      (best, x, place) => (Math.abs(x - share) < Math.abs(readings.x[best] - share) ? place : best), 0);

    const about = `${drawing.dataset.about}: values, by arrow keys`;
    Object.entries({
      tabindex: 0, role: "slider", "aria-label": about,
      "aria-valuemin": 0, "aria-valuemax": last, "aria-valuenow": 0, "aria-valuetext": readings.at[0],
    }).forEach(([name, value]) => drawing.setAttribute(name, String(value)));
    drawing.addEventListener("pointermove", (event) => {
      const box = drawing.getBoundingClientRect();
      show(nearest((event.clientX - box.left) / box.width));
    });
    drawing.addEventListener("pointerleave", hide);
    drawing.addEventListener("focus", () => show(at));
    drawing.addEventListener("blur", hide);
    drawing.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };
      if (event.key === "Escape") hide();
      if (!(event.key in step)) return;
      event.preventDefault();
      show(at + step[event.key]);
    });
  };

  // Tables: a click on a heading sorts by its column, one more turns it round.
  const text = (row, column) => (row.cells[column]?.textContent ?? "").trim();
  const number = (word) => {
    if (/\d:\d|^\d{4}-/.test(word)) return NaN;
    const least = word.startsWith("under") ? -1e-6 : word.startsWith("over") ? 1e-6 : 0;
    return parseFloat(word.replace(/^(under|over) /, "").replaceAll(",", "")) + least;
  };
  const compared = (column) => (one, other) => {
    const [a, b] = [text(one, column), text(other, column)];
    const [x, y] = [number(a), number(b)];
    if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
    return Number.isNaN(x) ? a.localeCompare(b, "en") : x - y;
  };

  const sortable = (table) => {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    if (rows.length < 2 || rows.some((row) => row.cells.length !== rows[0].cells.length)) return;
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const button = made("button", { type: "button" }, heading.textContent);
      heading.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = heading.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", down ? "descending" : "ascending");
        const ordered = rows.toSorted(compared(column));
        body.append(...(down ? ordered.reverse() : ordered));
      });
    });
  };

  // The timeline: only the lines that hold a word.
  const filterable = (table, place) => {
    const rows = [...table.tBodies[0].rows];
    const input = made("input", { type: "search", id: `filter-${place}` });
    const count = made("span", { role: "status", class: "note" });
    const label = made("label", { for: input.id }, "Only lines with");
    const bar = made("p", { class: "filter" });
    bar.append(label, input, count);
    table.before(bar);
    input.addEventListener("input", () => {
      const word = input.value.trim().toLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(word);
      const left = rows.filter((row) => !row.hidden).length;
      count.textContent = word ? `${left} of ${rows.length} lines` : "";
    });
  };

  document.querySelectorAll("[data-readings]").forEach(readable);
  document.querySelectorAll("table:not(.form)").forEach((table) => { if (table.tHead) sortable(table); });
  document.querySelectorAll("table.timeline").forEach(filterable);
})();
