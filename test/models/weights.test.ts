import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBits, RandomWeights, toBits, type WeightSpec } from "../../src/models/index.js";
import { rowsTimes, times } from "../../src/models/blocks/multiplier.js";
import { normal, timeStepBias } from "../../src/models/init.js";

const spec = (name: string, rows: number, change: Partial<WeightSpec> = {}): WeightSpec =>
  ({
    role: "parameter",
    name,
    dtype: "float32",
    shape: [rows, 1000],
    parts: [{ name, shape: [rows, 1000], init: normal(0.5, 2) }],
    ...change,
  }) as WeightSpec;

function made(seed: number, what: WeightSpec): Float32Array {
  const out = new Float32Array(what.shape.reduce((product, size) => product * size, 1));
  new RandomWeights(seed).fill(what, out);
  return out;
}

test("the same seed gives the same bytes, another seed or name others", () => {
  const first = made(7, spec("a", 10));
  assert.deepEqual(made(7, spec("a", 10)), first);
  assert.notDeepEqual(made(8, spec("a", 10)), first);
  assert.notDeepEqual(made(7, spec("b", 10)), first);
});

test("random weights have the mean and deviation asked for, also past the end of the tile", () => {
  const values = made(1, spec("a", 2000));
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
  assert.ok(Math.abs(mean - 2) < 0.002, `mean ${mean}`);
  assert.ok(Math.abs(Math.sqrt(variance) - 0.5) < 0.002, `deviation ${Math.sqrt(variance)}`);
});

test("no two rows of a long weight are equal", () => {
  const values = made(1, spec("a", 2000));
  const rows = new Set(
    Array.from({ length: 2000 }, (_, r) => values.subarray(r * 1000, r * 1000 + 4).join()),
  );
  assert.equal(rows.size, 2000);
});

test("stacked parts lie one after the other, each as it would alone", () => {
  const part = (name: string, rows: number) => ({ name, shape: [rows, 1000], init: normal(1) });
  const both = made(3, spec("both", 5, { parts: [part("q", 2), part("k", 3)] }));
  assert.deepEqual(both.subarray(0, 2000), made(3, spec("q", 2, { parts: [part("q", 2)] })));
  assert.deepEqual(both.subarray(2000), made(3, spec("k", 3, { parts: [part("k", 3)] })));
});

test("multipliers are of a checkpoint's rows; random numbers are drawn as the graph holds them", () => {
  const sections = [
    { rows: 1, multiplier: 2 },
    { rows: 2, multiplier: 3 },
  ];
  const { transform } = rowsTimes(sections, 2);
  assert.deepEqual(Array.from([1, 1, 1, 1, 1, 5], transform!), [2, 2, 3, 3, 3, 15]);
  assert.deepEqual(rowsTimes([{ rows: 3, multiplier: 1 }], 2), {});
  assert.deepEqual(times(1), {});
  const part = { name: "a", shape: [2, 1000], ...times(7) };
  const drawn = made(7, spec("a", 2, { parts: [{ ...part, init: normal(0.5, 2) }] }));
  assert.deepEqual(drawn, made(7, spec("a", 2)));
  const computed = made(7, spec("a", 2, { parts: [{ ...part, init: { kind: "formula", at: (i) => i } }] }));
  assert.equal(computed[1999], 7 * 1999);
});

test("time steps of a new dt bias span 0.001 to 0.1", () => {
  assert.equal(timeStepBias.kind, "formula");
  const softplus = (x: number): number => Math.log1p(Math.exp(x));
  assert.ok(Math.abs(softplus(timeStepBias.at(0, 24)) - 0.001) < 1e-9);
  assert.ok(Math.abs(softplus(timeStepBias.at(23, 24)) - 0.1) < 1e-9);
});

test("16-bit patterns round to nearest even", () => {
  const values = Float64Array.of(1, -2, 65504, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -24);
  assert.deepEqual([...toBits(values, "float16")], [0x3c00, 0xc000, 0x7bff, 0x3c00, 0x3c02, 0x0001]);
  const halfway = Float64Array.of(1, -2, 1 + 2 ** -8, 1 + 3 * 2 ** -8);
  assert.deepEqual([...toBits(halfway, "bfloat16")], [0x3f80, 0xc000, 0x3f80, 0x3f82]);
});

test("numbers that fit a type come back from their bits", () => {
  const values = Float32Array.of(1, -2, 0.15625, 65504, -0);
  assert.deepEqual(fromBits(toBits(values, "float32"), "float32"), values);
  assert.deepEqual(fromBits(toBits(values, "float16"), "float16"), values);
  const short = Float32Array.of(1, -2, 0.15625, 2 ** 100, -0);
  assert.deepEqual(fromBits(toBits(short, "bfloat16"), "bfloat16"), short);
});
