/**
 * What makes a report's page answer: tables that sort, values under the pointer, linear axes on request, downloads. Without it the
 * page says and shows the same. It is one script of plain text, so that the page's policy can name it by its hash.
 */
export const SCRIPT = `
"use strict";
const make = (tag, properties, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

const download = (name, type, text) => {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};

// Tables: what a cell holds is in data-value where its text is rounded.
const valueOf = (cell) => cell.dataset.value ?? cell.textContent;
const csvField = (text) => (/[",\\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text);
const sortBy = (table, column, descending) => {
  const body = table.tBodies[0];
  const keyed = [...body.rows].map((row, i) => {
    const text = valueOf(row.cells[column]);
    return { row, i, text, number: text === "" ? NaN : Number(text) };
  });
  const isNumeric = keyed.every(({ text, number }) => text === "" || !Number.isNaN(number));
  keyed.sort((a, b) => {
    // What was not measured comes last, either way.
    if ((a.text === "") !== (b.text === "")) return a.text === "" ? 1 : -1;
    const order = isNumeric ? a.number - b.number : a.text.localeCompare(b.text, "en", { numeric: true });
    return (descending ? -order : order) || a.i - b.i;
  });
  body.append(...keyed.map(({ row }) => row));
};
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells];
  if (table.tBodies[0].rows.length > 1)
    heads.forEach((head, column) => {
      const button = make("button", { type: "button", className: "sort" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const descending = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        sortBy(table, column, descending);
      });
    });
  const csv = make("button", { type: "button" }, "CSV");
  csv.setAttribute("aria-label", "Download as CSV: " + table.caption.textContent);
  csv.addEventListener("click", () => {
    const rows = [...table.tBodies[0].rows].filter((row) => row.cells.length === heads.length);
    const lines = [heads.map((head) => head.textContent), ...rows.map((row) => [...row.cells].map(valueOf))];
    download(table.dataset.name + ".csv", "text/csv", lines.map((line) => line.map(csvField).join(",") + "\\n").join(""));
  });
  table.parentElement.before(make("div", { className: "tools" }, csv));
}

// Figures.
const shownSvg = (figure) => [...figure.querySelectorAll("svg")].find((svg) => svg.checkVisibility());
for (const figure of document.querySelectorAll("figure")) {
  const tools = make("div", { className: "tools" });
  if (figure.querySelector(".on-linear")) {
    const box = make("input", { type: "checkbox" });
    box.addEventListener("change", () => figure.classList.toggle("linear", box.checked));
    tools.append(make("label", {}, box, " linear axes"));
  }
  const svg = make("button", { type: "button" }, "SVG");
  svg.setAttribute("aria-label", "Download as SVG: " + figure.querySelector("figcaption strong").textContent);
  svg.addEventListener("click", () => {
    const copy = shownSvg(figure).cloneNode(true);
    copy.prepend(Object.assign(document.createElementNS(copy.namespaceURI, "style"), { textContent: document.getElementById("fonts").textContent }));
    download(figure.id + ".svg", "image/svg+xml", new XMLSerializer().serializeToString(copy));
  });
  tools.append(svg);
  figure.prepend(tools);
}

const tip = make("div", { className: "tip", hidden: true });
tip.setAttribute("aria-hidden", "true");
document.body.append(tip);
document.addEventListener("pointermove", ({ target, clientX, clientY }) => {
  const text = target instanceof Element ? target.closest("[data-tip]")?.dataset.tip : undefined;
  tip.hidden = text === undefined;
  if (text === undefined) return;
  tip.replaceChildren(...text.split("; ").map((line) => make("div", {}, line)));
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(clientX + 12, innerWidth - width - 8)) + "px";
  tip.style.top = (clientY + 16 + height > innerHeight ? clientY - height - 10 : clientY + 16) + "px";
});
`;
