import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { publishedCells, type Published } from "../../data/paper/cells.js";
import { CLAIMS, judgeClaims, type ClaimResult } from "../../src/claims/index.js";
import { claimModels } from "../../src/claims/claim.js";
import { need } from "../support/need.js";

/**
 * The restated and audited headlines, whose `recomputed_value` was computed by other means than ours. A copy is
 * committed; where the reference folder is, it is held against that.
 */
const COPY = "test/fixtures/claims/paper-headlines.csv";
const REFERENCE = "../shared/reference/paper-headlines.csv";
const needsReference = need("../shared/reference", existsSync(REFERENCE), "the copy is made from it");

const headlines = publishedCells(readFileSync(COPY, "utf8"), COPY);
const results = new Map(judgeClaims().map((result) => [result.id, result]));
const resultOf = ({ id }: Published): ClaimResult => results.get(id!)!;

test("the committed headlines are the reference's", needsReference, () => {
  assert.equal(readFileSync(COPY, "utf8"), readFileSync(REFERENCE, "utf8"));
});

test("each headline has a claim, each claim is a headline or a finding W1 to W19, once", () => {
  const findings = Array.from({ length: 19 }, (_, i) => `W${i + 1}`);
  assert.deepEqual(
    CLAIMS.map(({ id }) => id),
    [...headlines.map(({ id }) => id), ...findings],
  );
});

const CHECKPOINT_SUFFIX = /-(instruct|base)(-v2)?$/;
/** A size at the end: qwen2.5-0.5b, mamba-130m. */
const REGISTRY_NAME = /\d[bm]$/;

test("a claim states what the headline states, where it states it, of the same models and device", () => {
  const claims = new Map(CLAIMS.map((claim) => [claim.id, claim]));
  for (const headline of headlines) {
    const claim = claims.get(headline.id!)!;
    const stated = headline.value === "" ? null : headline.value!;
    // What the reference words, a sentence of ours words; its unit is then that of what is measured.
    const worded =
      headline.unit === "text" || headline.value === "near constant" || headline.value === "grows";
    if (!worded && stated !== null && headline.figure !== "table2")
      assert.equal(claim.stated, Number(stated), claim.id);
    else assert.equal(claim.stated, stated, claim.id);
    // The model table is held against how many of its sizes have rows.
    if (headline.unit !== "text" && headline.figure !== "table2")
      assert.equal(claim.unit, headline.unit, claim.id);
    assert.equal(claim.figure, headline.figure, claim.id);
    assert.equal(claim.metric, headline.metric, claim.id);
    assert.equal(claim.source, headline.source!.replaceAll(/ \(seeds? [\d, ]+\)/g, ""), claim.id);
    if (claim.measure) assert.equal(claim.device ?? "", headline.device, claim.id);
    // A sentence about "transformer" or "ssm" is measured by a pair of ours.
    for (const model of [headline.model_a!, headline.model_b!].map((name) =>
      name.replace(CHECKPOINT_SUFFIX, ""),
    ))
      if (REGISTRY_NAME.test(model) && claim.measure && claim.id !== "H049")
        assert.ok(claimModels(claim).includes(model), `${claim.id}: ${model}`);
  }
});

/** A recomputed value as the reference writes it: its digits, `between 24576 and 32768`, `45.9-52.1`, `8.9 to 38.7`. */
function written({ recomputed }: ClaimResult, like: string): string {
  const found = recomputed?.value;
  if (found === undefined) return "";
  const digits = (value: number, number: string): string =>
    String(Number(value.toFixed(number.split(".")[1]?.length ?? 0)));
  const numbers = like.match(/\d+(\.\d+)?/g)!;
  let next = 0;
  return like.replaceAll(/\d+(\.\d+)?/g, () => {
    const number = numbers[next]!;
    return digits(typeof found === "number" ? found : found[next++ as 0 | 1], number);
  });
}

test("recomputed values are the reference's, to its digits", () => {
  for (const headline of headlines) {
    if (headline.id === "H049") continue;
    assert.equal(
      written(resultOf(headline), headline.recomputed_value!),
      headline.recomputed_value,
      headline.id,
    );
    // What the maker or the code of a checkpoint says, the reference did not look up, nor count the sizes.
    const lookedUp = CLAIMS.find(({ id }) => id === headline.id)!.givenBy !== "";
    if (headline.recomputed_value === "" && !lookedUp && headline.figure !== "table2")
      assert.equal(resultOf(headline).recomputed, null, headline.id);
  }
});

test("H049 is judged by published shares as every share is, and shows those of device time", () => {
  const { evidence, recomputed, reason } = results.get("H049")!;
  const shares = evidence.map(({ value }) => (typeof value === "number" ? value.toFixed(1) : null));
  assert.equal(headlines.find(({ id }) => id === "H049")!.recomputed_value, "arithmetic 51.1 / gemm 36.3");
  assert.deepEqual(shares.slice(0, 2), ["51.1", "36.3"]);
  // GEMM in zamba2-1.2b is the class that is never below 27.2 %, the highest of the lowest published shares.
  assert.equal((recomputed!.value as number).toFixed(1), "27.2");
  // "gpu time only Zamba2 gemm is 59.4%-71.9%"
  const ranges = evidence.map(({ value }) =>
    [value]
      .flat()
      .map((number) => number.toFixed(1))
      .join("-"),
  );
  assert.ok(ranges.includes("59.4-71.9"), ranges.join());
  assert.match(reason, /at most 50 % \(a bound of ours\)\. Of device time alone/);
});

test("the tables of platforms and models are held against what is known of them", () => {
  const of = (id: string) => results.get(id)!;
  for (const id of ["H060", "H061", "H064", "H065", "H070", "H079"])
    assert.equal(of(id).verdict, "reproduced", of(id).reason);
  for (const id of ["H052", "H058", "H059", "H075", "H076", "H077"])
    assert.equal(of(id).verdict, "no-data", of(id).reason);
  assert.match(of("H064").reason, /^The maker of the RTX 4090 gives 1008 GB\/s, peak rate of the memory\.$/);
  assert.equal(of("H058").evidence[0]!.value, 165.2);
  assert.match(of("H075").reason, /^The paper published no row of mamba-370m, mamba-2\.8b\.$/);
  assert.equal((of("H070").evidence[0]!.value as number).toFixed(2), "942.29");
  assert.match(of("H048").reason, /gives state size 128, the state size of Mamba-2: not state size 64\.$/);
});

test("verdicts follow the reference's status", () => {
  const verdicts: Record<string, string[]> = {
    match: ["reproduced"],
    approx: ["reproduced"],
    mismatch: ["contradicted-by-own-data"],
    // One of two hybrids crosses where the sentence says, the other a grid length later.
    partial: ["contradicted-by-own-data"],
    // No class dominates by published shares; one does by device time, which the reason says.
    contested: ["reproduced"],
    // Nothing is stated, or an order without a number.
    derived: ["no-data", "reproduced"],
    not_reproducible: ["no-data"],
    // Checked by us: 128, not 64.
    not_checked: ["contradicted-by-own-data"],
    "": ["no-data", "reproduced"],
  };
  for (const headline of headlines)
    assert.ok(
      verdicts[headline.status!]!.includes(resultOf(headline).verdict),
      `${headline.id}: ${headline.status} is ${resultOf(headline).verdict}`,
    );
});
