import assert from "node:assert/strict";
import { test } from "node:test";
import { claims } from "../../src/claims/index.js";
import { claimsFigure, type JudgedClaim } from "../../src/figures/index.js";
import { own, PAPER } from "./sources.js";
import { rowsWith } from "./spec.js";

const texts = (spec: Parameters<typeof rowsWith>[0]): string[] =>
  rowsWith(spec, "kind").map(({ text }) => text as string);

test("a row a claim, a sign a verdict", () => {
  const judged = claims().objects() as JudgedClaim[];
  const { spec, caption } = own("claims", PAPER);
  const shown = texts(spec);
  for (const { id } of judged) assert.ok(shown.includes(id), id);
  const signs = rowsWith(spec, "color").map(({ text }) => text);
  const count = (verdict: string): number => judged.filter((claim) => claim.verdict === verdict).length;
  // Signs are drawn twice, a square and its letter, and once more in the legend.
  for (const [verdict, sign] of [
    ["reproduced", "✓"],
    ["contradicted-by-own-data", "✗"],
    ["no-data", "–"],
  ] as const)
    assert.equal(signs.filter((text) => text === sign).length, 2 * (count(verdict) + 1), verdict);
  assert.ok(caption.includes(`${count("reproduced")} reproduced`));
});

const CLAIM: JudgedClaim = {
  ...{ id: "mine", figure: null, claim: "it is twice as fast", stated: 2, unit: "x" },
  ...{ recomputed: null, recomputed_lo: 24576, recomputed_hi: 32768 },
  ...{ here: 1.523, here_lo: 1.45, here_hi: 1.6, device: "A device", verdict: "not-reproduced-here" },
};

test("stated as written, a range as its ends, one's own value with its interval", () => {
  const { spec, title } = claimsFigure([CLAIM]);
  assert.match(title, /^A claim of the paper, measured here, A device$/);
  const shown = texts(spec);
  for (const said of ["2 ×", "24,576 to 32,768", "1.52 ×", "(1.45 to 1.60)"])
    assert.ok(shown.includes(said), said);
  const narrow = texts(claimsFigure([CLAIM], { layout: "narrow" }).spec);
  assert.ok(narrow.includes("mine: it is twice as fast"));
});

test("no claim is refused", () => {
  assert.throws(() => claimsFigure([]), /no claim is given/);
});
