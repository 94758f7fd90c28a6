import assert from "node:assert/strict";
import { test } from "node:test";
import {
  crossingMarks,
  crossover,
  crossoverBy,
  crossoverMatrix,
  crossoverOf,
  crossoverTable,
  describeCrossover,
  fitScaling,
  pickSeries,
  type ComparedRow,
  type CrossoverRow,
} from "../../src/analyze/index.js";
import { loadPaper, type Row } from "../../src/record/index.js";
import { assertClose } from "../stats/scipy.js";
import { normal, paperRows, simulate, tableOf, type Truth } from "./samples.js";

const TRANSFORMER: Truth = [5, 0.009, 4e-7];
const SSM: Truth = [10, 0.023, 0];
/** They meet where 4e-7·L² - 0.014·L - 5 = 0. */
const MEET = (0.014 + Math.sqrt(0.014 ** 2 + 4 * 4e-7 * 5)) / (2 * 4e-7);
const OPTIONS = { metric: "ttft_ms", replicates: 200 } as const;

const draw = normal(1);
const noisy = (model: string, truth: Truth, more: Row = {}): Row[] =>
  simulate(model, truth, { noise: 0.01, samples: 3, draw }).map((row) => ({ ...row, ...more }));

test("a result is a table: a row a crossing, or one that says there is none", () => {
  const table = tableOf([
    ...noisy("A", [25, 0.012, 3e-7]),
    ...noisy("B", [5, 0.023, 0]),
    ...noisy("C", [50, 0.04, 1e-6]),
  ]);
  const [a, b, c] = fitScaling(table, OPTIONS);
  const rows = crossoverTable([
    crossover(a!, b!, OPTIONS),
    crossover(a!, c!, OPTIONS),
  ]).objects() as CrossoverRow[];
  assert.deepEqual(
    rows.map(({ state, crossings, lower_below, lower_above }) => [
      state,
      crossings,
      lower_below,
      lower_above,
    ]),
    [
      ["multiple", 2, "B", "A"],
      ["multiple", 2, "A", "B"],
      ["none-in-range", 0, "A", "A"],
    ],
  );
  assert.ok(rows[0]!.tokens! < rows[1]!.tokens!);
  assert.deepEqual([rows[2]!.tokens, rows[2]!.tokens_lo, rows[2]!.method], [null, null, "fitted"]);
});

test("an open end of an interval is null, in the table and for the figure", () => {
  const [a, b] = fitScaling(tableOf(paperRows()), { metric: "ttft_ms" });
  const found = crossover(a!, b!);
  assert.ok(found.state === "crossing");
  const open = { ...found, interval: [20_000, found.horizon[1]] as const };
  const [row] = crossoverTable([open]).objects() as CrossoverRow[];
  assert.deepEqual([row!.tokens_lo, row!.tokens_hi], [20_000, null]);
  assert.deepEqual(crossingMarks([open]), [
    {
      prompt_tokens: found.tokens,
      prompt_tokens_lo: 20_000,
      prompt_tokens_hi: null,
      faster: "mamba2-780m",
    },
  ]);
});

test("a matrix has every pair of a device once, from a table or from fits, fitted and interpolated", () => {
  const table = tableOf([
    ...noisy("A", TRANSFORMER),
    ...noisy("B", SSM),
    ...noisy("C", [50, 0.04, 1e-6]),
    ...noisy("D", SSM, { device: "jetson" }),
    ...noisy("E", SSM, { device: "jetson", prompt_tokens: 1024 }).slice(0, 3),
  ]);
  const whole = crossoverMatrix(table, OPTIONS).objects() as ComparedRow[];
  assert.deepEqual(
    whole.map(({ a, b, problem }) => [a, b, problem]),
    [
      ["A", "B", null],
      ["A", "C", null],
      ["B", "C", null],
      ["D", "E", "E has ttft_ms at 1 prompt length(s) (1024): a quadratic fit needs at least 3"],
    ],
  );
  const fits = fitScaling(
    table.filter((row: { model: string }) => row.model !== "E"),
    OPTIONS,
  );
  const byFits = crossoverMatrix(fits, OPTIONS).objects() as ComparedRow[];
  assert.deepEqual(
    byFits.map(({ a, b, state }) => [a, b, state]),
    [
      ["A", "B", "crossing"],
      ["A", "C", "none-in-range"],
      ["B", "C", "none-in-range"],
    ],
  );
  const [first] = byFits;
  assert.deepEqual([first!.interpolated_state, first!.note, first!.problem], ["crossing", null, null]);
  assertClose([first!.tokens!, first!.interpolated_tokens!], [MEET, MEET], 0.05);
  assert.equal(first!.says, describeCrossover(crossover(fits[0]!, fits[1]!, OPTIONS)));

  // Three series of the GPU and two of the Jetson; E has one length.
  const bySamples = crossoverMatrix(table, { ...OPTIONS, method: "interpolated" }).objects() as ComparedRow[];
  assert.equal(bySamples.length, 4);
  const broken = bySamples.find(({ b }) => b === "E")!;
  assert.equal(broken.state ?? null, null);
  assert.match(broken.problem!, /^D was measured from 1024 to 57344 tokens and E from 1024 to 1024/);

  assert.throws(() => crossoverMatrix(fits.slice(2), OPTIONS), {
    name: "UserError",
    message: "2 series give no pair: a crossover needs two of one device (acrossDevices: true allows two)",
  });
});

test("a crossover is followed over a third variable", () => {
  // The Transformer's square grows with the batch, so they meet earlier.
  const truths: [number, Truth][] = [
    [4, [5, 0.009, 16e-7]],
    [1, TRANSFORMER],
    [2, [5, 0.009, 8e-7]],
  ];
  const table = tableOf(
    truths.flatMap(([batch, truth]) => [...noisy("A", truth, { batch }), ...noisy("B", SSM, { batch })]),
  );
  const rows = crossoverBy(table, { ...OPTIONS, by: "batch", a: "A", b: "B" }).objects() as (ComparedRow & {
    batch: number;
  })[];
  assert.deepEqual(
    rows.map(({ batch }) => batch),
    [1, 2, 4],
  );
  const root = (c: number): number => (0.014 + Math.sqrt(0.014 ** 2 + 4 * c * 5)) / (2 * c);
  assertClose(
    rows.map(({ tokens }) => tokens!),
    [root(4e-7), root(8e-7), root(16e-7)],
    0.05,
  );
});

test("a model without the variable is compared with every value; a value that cannot be compared says why", () => {
  const table = tableOf([
    ...noisy("qwen", TRANSFORMER),
    ...noisy("mamba", SSM, { lowering: "fused" }),
    ...noisy("mamba", [10, 0.04, 0], { lowering: "ssd-matmul" }),
    ...noisy("mamba", SSM, { lowering: "linear-attention", prompt_tokens: 1024 }).slice(0, 1),
  ]);
  const rows = crossoverBy(table, {
    ...OPTIONS,
    by: "lowering",
    a: "qwen",
    b: "mamba",
  }).objects() as (ComparedRow & { lowering: string })[];
  assert.deepEqual(
    rows.map(({ lowering, state, tokens, problem }) => [lowering, state, tokens === null, problem === null]),
    [
      ["fused", "crossing", false, true],
      ["linear-attention", null, true, false],
      ["ssd-matmul", "extrapolated", false, true],
    ],
  );
  assert.match(rows[1]!.problem!, /^mamba has ttft_ms at 1 prompt length/);
});

test("what does not vary or cannot be compared is refused", () => {
  const refused = (rows: Row[], by: "batch" | "dtype", message: string): void => {
    assert.throws(() => crossoverBy(tableOf(rows), { ...OPTIONS, by, a: "A", b: "B" }), {
      name: "UserError",
      message,
    });
  };
  refused(
    [...noisy("A", TRANSFORMER, { batch: 1 }), ...noisy("B", SSM, { batch: 1 })],
    "batch",
    "batch is 1 in every row of the two: a crossover by batch needs two values or more",
  );
  refused(
    [...noisy("A", TRANSFORMER), ...noisy("B", SSM)],
    "batch",
    "batch is absent in every row of the two: a crossover by batch needs two values or more",
  );
  refused(
    [...noisy("A", TRANSFORMER, { dtype: "bf16" }), ...noisy("B", SSM, { dtype: "fp16" })],
    "dtype",
    'the two can be compared at no dtype: at "bf16", no series has model B: there is A; ' +
      'at "fp16", no series has model A: there is B',
  );
});

test("two of a table's series are chosen by model or by columns", () => {
  const table = tableOf([
    ...noisy("A", TRANSFORMER, { dtype: "fp16" }),
    ...noisy("A", SSM, { dtype: "int4" }),
    ...noisy("B", SSM, { dtype: "fp16" }),
    // One length, which no fit takes: the other rows of the table do not matter.
    { model: "C", prompt_tokens: 1024, ttft_ms: 1 },
  ]);
  const found = crossoverOf(table, { ...OPTIONS, a: { model: "A", dtype: "fp16" }, b: "B" });
  assert.equal(found.state, "crossing");
  assert.throws(() => crossoverOf(table, { ...OPTIONS, a: "A", b: "B" }), {
    name: "UserError",
    message:
      "2 series have model A, different in dtype (fp16, int4): a comparison needs one, so filter the table or name more columns",
  });
  assert.throws(() => crossoverOf(table, { ...OPTIONS, a: "qwen", b: "mamba" }), {
    name: "UserError",
    message: 'none of the 73 rows is of "qwen" or "mamba"',
  });
  assert.throws(() => pickSeries([], "A"), { message: "no series has model A: there is none" });
});

test("rows that a filter left out, and another order, change nothing", () => {
  const wanted = [
    ...noisy("A", TRANSFORMER, { batch: 1 }),
    ...noisy("B", SSM, { batch: 1 }),
    ...noisy("A", TRANSFORMER, { batch: 4 }),
    ...noisy("B", SSM, { batch: 4 }),
  ];
  const others = noisy("A", [50, 0.1, 0], { dtype: "int4" });
  const all = tableOf([...others, ...wanted.map((row) => ({ ...row, dtype: "fp16" }))]);
  const only = all.filter((row: Row) => row.dtype === "fp16");
  const plain = tableOf(wanted.map((row) => ({ ...row, dtype: "fp16" })));
  const choice = { ...OPTIONS, a: "A", b: "B" };
  const tokens = (table: typeof all): unknown[] =>
    (crossoverBy(table, { ...choice, by: "batch" }).objects() as CrossoverRow[]).map((row) => row.tokens);
  assert.deepEqual(tokens(only), tokens(plain));
  assert.deepEqual(tokens(only.orderby("model").reify()), tokens(plain));
  const ofBatch = (table: typeof all) =>
    crossoverOf(
      table.filter((row: Row) => row.batch === 4),
      choice,
    );
  assert.deepEqual(ofBatch(only), ofBatch(plain));
});

test("the paper's energy: Mamba2-780m is cheaper from between 16384 and 24576 tokens on", () => {
  const rows = crossoverMatrix(loadPaper("energy"), {
    metric: "energy_j",
    method: "interpolated",
  }).objects() as ComparedRow[];
  const found = rows.find(({ a, b }) => a.startsWith("qwen") && b.startsWith("mamba2"))!;
  assert.deepEqual([found.state, found.tokens_lo, found.tokens_hi], ["crossing", 16384, 24576]);
  assert.match(found.lower_above!, /^mamba2-780m/);
});
