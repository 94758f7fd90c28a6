import assert from "node:assert/strict";
import { test } from "node:test";
import { table as fromColumns, type ColumnTable } from "arquero";
import {
  breakEvenBatch,
  coefficientTable,
  crossoverBy,
  crossoverOf,
  documentCost,
  efficiency,
  fitScaling,
  memoryLimit,
  memoryNeeded,
  paretoFront,
  sampleSeries,
  speedup,
  summarize,
  type Rows,
} from "../../src/analyze/index.js";
import { loadPaper, toDanfo, type Row } from "../../src/record/index.js";
import { simulate, tableOf } from "./samples.js";

const refused = (act: () => unknown, message: string | RegExp): void => {
  assert.throws(act, { name: "UserError", message });
};

/** Everything that reads rows of times, energies or memory. */
const READERS: Record<string, (rows: Rows) => unknown> = {
  summarize: (rows) => summarize(rows),
  fitScaling: (rows) => fitScaling(rows, { metric: "ttft_ms" }).map(({ n }) => n),
  sampleSeries: (rows) => sampleSeries(rows, { metric: "ttft_ms" }).map(({ points }) => points.length),
  crossoverOf: (rows) =>
    crossoverOf(rows, {
      metric: "ttft_ms",
      a: { model: "a", batch: 1 },
      b: { model: "b", batch: 1 },
      replicates: 100,
    }).state,
  crossoverBy: (rows) =>
    crossoverBy(rows, { metric: "ttft_ms", a: "a", b: "b", by: "batch", replicates: 100 }),
  speedup: (rows) => speedup(rows, { metric: "ttft_ms", baseline: "a" }),
  breakEvenBatch: (rows) => breakEvenBatch(rows, { a: "a", b: "b", metric: "ttft_ms" }),
  efficiency: (rows) => efficiency(rows),
  memoryLimit: (rows) => memoryLimit(rows, { memoryBytes: 1e9, replicates: 100 }),
  memoryNeeded: (rows) => memoryNeeded(rows, { promptTokens: 5000, replicates: 100 }),
  paretoFront: (rows) =>
    paretoFront(rows, { objectives: ["ttft_ms", "energy_j"], promptTokens: 1024, replicates: 100 }),
  documentCost: (rows) => documentCost(rows, { promptTokens: 5000, replicates: 100 }),
};

const rows: Row[] = [1, 4].flatMap((batch) =>
  ["a", "b"].flatMap((model, m) =>
    simulate(model, [5 * batch, 0.01 + m * 0.001, 0], { samples: 3, noise: 0.01, draw: wave() }).map(
      (row, i) => ({
        ...row,
        kind: "latency",
        batch,
        cell: `${model} ${batch} ${row.prompt_tokens}`,
        repeat: i % 3,
        status: "ok",
        verdict: "ok",
        energy_j: row.ttft_ms! / 100,
        peak_activation_bytes: 1e4 * row.prompt_tokens!,
      }),
    ),
  ),
);

/** Deviations that are all different. */
function wave(): () => number {
  let i = 0;
  return () => Math.sin(i++);
}

const plain = (result: unknown): unknown =>
  typeof (result as ColumnTable).objects === "function" ? (result as ColumnTable).objects() : result;

/** The rows as a danfo.js DataFrame. */
const frame = await toDanfo(tableOf(rows));

for (const [name, read] of Object.entries(READERS))
  test(`${name} reads a table, its plain rows and its data frame alike, and neither rejected samples nor samples twice`, () => {
    const expected = plain(read(tableOf(rows)));
    assert.deepEqual(plain(read(rows)), expected);
    assert.deepEqual(plain(read(frame)), expected);
    const rejected = rows
      .filter(({ repeat }) => repeat === 0)
      .map((row): Row => ({
        ...row,
        repeat: 9,
        ttft_ms: 1e6,
        energy_j: 1e6,
        peak_activation_bytes: 1e12,
        verdict: "rejected",
      }));
    const without = plain(read([...rows, ...rejected]));
    if (name === "summarize")
      for (const row of without as Record<string, unknown>[]) {
        assert.equal(row["rejected_n"], 1);
        delete row["rejected_n"];
      }
    assert.deepEqual(without, expected);
    refused(() => read(tableOf(rows).concat(tableOf(rows))), /has repeat 0 at 1024 tokens 2 times/);
    refused(() => read([]), "the table has no rows: nothing was loaded or measured");
    refused(
      () => read(tableOf(rows).filter((row: Row) => row.model === "c")),
      "the table's filter keeps none of its 96 rows: loosen it",
    );
    refused(
      () => read(undefined as unknown as Rows),
      /^the rows are undefined: they must be a table or an array/,
    );
  });

test("published rows carry their source, and may be there once", () => {
  const paper = loadPaper("latency").filter((row: Row) => row.kind === "latency");
  refused(
    () => fitScaling(paper.concat(paper), { metric: "ttft_ms" }),
    /has the same row at \d+ tokens 2 times/,
  );
  refused(() => summarize(paper.concat(paper)), /has the same row at \d+ tokens 2 times/);
});

test("samples that agree, and carry no number, are samples", () => {
  const equal = summarize([12, 12, 13].map((ttft_ms): Row => ({ model: "m", ttft_ms })));
  assert.equal(equal.get("ttft_ms_n", 0), 3);
});

test("what leaves no row is counted by its reason", () => {
  const few = rows.slice(0, 6);
  const states: Row[] = few.map((row, i) => ({
    ...row,
    ...(i < 2 ? { verdict: "rejected" } : i < 5 ? { status: "oom" } : { ttft_ms: null }),
  }));
  refused(
    () => fitScaling(states, { metric: "ttft_ms" }),
    "no row is left to fit ttft_ms: of 6 rows 3 have a status other than ok and 2 are rejected by their verdict and 1 have no ttft_ms",
  );
});

test("integers of 64 bits are numbers", () => {
  const lengths = [1024, 2048, 4096];
  const table = fromColumns({
    model: lengths.map(() => "m"),
    prompt_tokens: lengths.map(BigInt),
    total_bytes: lengths.map((length) => BigInt(7 * length)),
  });
  const [fit] = fitScaling(table, { metric: "total_bytes" });
  assert.deepEqual([fit!.lengths, Math.round(fit!.predict(10000))], [lengths, 70000]);
});

test("options that are missing, or set nothing, are named", () => {
  const call = (act: unknown, ...given: unknown[]): unknown =>
    (act as (...given: unknown[]) => unknown)(...given);
  const missing: [unknown, string][] = [
    [speedup, "metric and baseline"],
    [breakEvenBatch, "a and b"],
    [memoryNeeded, "promptTokens"],
    [paretoFront, "objectives and promptTokens"],
    [documentCost, "promptTokens"],
    [fitScaling, "metric"],
    [sampleSeries, "metric"],
    [crossoverOf, "metric, a and b"],
    [crossoverBy, "metric, a, b and by"],
  ];
  for (const [act, needs] of missing)
    refused(() => call(act, rows), `the second argument is missing: it must be an object with ${needs}`);
  refused(
    () => call(speedup, rows, { metric: "ttft_ms" }),
    /^a series is chosen by undefined: name its model/,
  );
  refused(
    () => call(crossoverOf, rows, { metric: "ttft_ms" }),
    /^a series is chosen by undefined: name its model/,
  );
  refused(() => call(memoryNeeded, rows, {}), /^promptTokens is undefined: it must be one length or several/);
  refused(() => call(paretoFront, rows, {}), /^objectives are none: a front needs two/);
  const pair = { metric: "ttft_ms", a: { model: "a", batch: 1 }, b: { model: "b", batch: 1 } } as const;
  refused(
    () => call(crossoverOf, rows, { ...pair, method: "bogus" }),
    "method is bogus: it must be fitted or interpolated",
  );
  refused(
    () => crossoverOf(rows, { ...pair, method: "interpolated", form: "linear" }),
    'form is "linear": method interpolated fits no curve to set it for',
  );
});

test("one fit has a coefficient table too", () => {
  const fits = fitScaling(rows.slice(0, 24), { metric: "ttft_ms" });
  assert.deepEqual(coefficientTable(fits[0]!).objects(), coefficientTable(fits).objects());
});

test("the power of the scatter is not measured where no value differs", () => {
  const level = [1024, 2048, 4096, 8192].flatMap((prompt_tokens) =>
    [5, 6, 7].map((ttft_ms): Row => ({ model: "m", prompt_tokens, ttft_ms })),
  );
  refused(
    () => fitScaling(level, { metric: "ttft_ms", form: "constant", weighting: "measured" }),
    /^the means of all lengths are equal: weighting "measured" needs/,
  );
});
