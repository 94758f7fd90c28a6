/** The report's style sheet: system fonts, light and dark, one column that a phone can hold, and paper. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c1c1c; --muted: #595959; --page: #fff; --line: #d6d6d6; --panel: #f4f6f8; --accent: #0072b2; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececec; --muted: #a8a8a8; --page: #16181b; --line: #3a3f45; --panel: #20242a; --accent: #56b4e9; }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 60rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2.5rem 0 .75rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
p, ul { margin: .5rem 0; max-width: 45rem; }
ul { padding-left: 1.25rem; }
.muted, figcaption, caption { color: var(--muted); font-size: .875rem; }
.answer { margin: 1.25rem 0; padding: .75rem 1rem; background: var(--panel); border-left: .3rem solid var(--accent); border-radius: .25rem; }
.answer p { font-size: 1.1rem; }
figure { margin: 1.25rem 0 2rem; break-inside: avoid; }
/* Figures are drawn on white; the card keeps them whole on a dark page. */
.picture { background: #fff; border: 1px solid var(--line); border-radius: .25rem; padding: .25rem; }
.picture svg { display: block; width: auto; max-width: 100%; height: auto; margin: 0 auto; }
figcaption { margin-top: .5rem; max-width: 45rem; }
figcaption strong { display: block; color: var(--ink); }
.only-narrow { display: none; }
@media (max-width: 50rem) {
  .only-narrow { display: block; }
  .only-wide { display: none; }
}
figure:not(.linear) .on-linear, figure.linear .on-log { display: none !important; }
.tools { display: flex; gap: .75rem; justify-content: flex-end; align-items: center; margin-bottom: .25rem; font-size: .875rem; }
.tools label { color: var(--muted); cursor: pointer; }
button { font: inherit; color: var(--ink); background: var(--panel); border: 1px solid var(--line); border-radius: .25rem;
  padding: .15rem .6rem; min-height: 1.75rem; cursor: pointer; }
.sort { all: unset; cursor: pointer; font: inherit; text-align: inherit; }
.sort:focus-visible, button:focus-visible, input:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.sort::after { content: " ↕"; color: var(--muted); font-weight: normal; }
[aria-sort="ascending"] .sort::after { content: " ↑"; }
[aria-sort="descending"] .sort::after { content: " ↓"; }
[data-tip]:hover { filter: brightness(.8); }
.tip { position: fixed; z-index: 1; max-width: 20rem; padding: .35rem .6rem; background: var(--ink); color: var(--page); border-radius: .25rem;
  font-size: .8125rem; line-height: 1.35; pointer-events: none; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .5rem; }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; white-space: nowrap; }
thead th { border-bottom-width: 2px; vertical-align: bottom; }
tbody th { font-weight: 600; }
.number { text-align: right; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) minmax(0, 1fr); gap: .25rem 1rem; margin: .5rem 0; font-size: .9375rem; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; }
footer { margin-top: 3rem; }
@media print {
  :root { --ink: #000; --muted: #444; --page: #fff; --line: #bbb; --panel: #fff; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  h2 { break-after: avoid; }
  .only-narrow { display: none; }
  .only-wide { display: block; }
  .tools, .tip, .sort::after { display: none; }
  .scroll { overflow: visible; }
  table { font-size: 8pt; }
  th, td { white-space: normal; }
  tr { break-inside: avoid; }
}
`;
