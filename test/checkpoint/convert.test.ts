import assert from "node:assert/strict";
import { test } from "node:test";
import { Float16Array } from "@petamoriken/float16";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { converter } from "../../src/checkpoint/convert.js";

const ALL16 = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);
/** Every float16, which is a float32 too. */
const HALVES = Float32Array.from(new Float16Array(ALL16.buffer));

/** float32 patterns: around every float16 and halfway to the next, where rounding turns, and at random. */
function patterns(): Uint32Array {
  const random = xoroshiro128plus(3);
  const halves = new Uint32Array(HALVES.slice().buffer);
  return Uint32Array.from([
    ...[...halves].flatMap((bits) => [-1, 0, 1, 0xfff, 0x1000, 0x1001].map((more) => (bits + more) >>> 0)),
    ...Array.from({ length: 100_000 }, () => uniformInt(random, 0, 2 ** 32 - 1)),
    // Halfway between two subnormal float16, and the ends of their range.
    ...[0x33000000, 0x33000001, 0x33c00000, 0x387fe000, 0x387ff000, 0x477fefff, 0x477ff000, 0x7f800000],
  ]);
}

const isNaN16 = (bits: number): boolean => (bits & 0x7fff) > 0x7c00;

test("float16 to float32: every one exactly", () => {
  const out = new Float32Array(2 ** 16);
  converter("F16", "float32")(ALL16, out, 0);
  // Which of the NaN a NaN becomes is left open.
  assert.deepEqual(
    [...out.keys()].filter((i) => !Object.is(out[i], HALVES[i])),
    [],
  );
});

test("float32 to float16 rounds as another library does", () => {
  const from = patterns();
  const out = new Uint16Array(from.length);
  converter("F32", "float16")(from, out, 0);
  const expected = new Uint16Array(new Float16Array(new Float32Array(from.buffer)).buffer);
  const wrong = [...from.keys()].filter(
    (i) => out[i] !== expected[i] && !(isNaN16(out[i]!) && isNaN16(expected[i]!)),
  );
  assert.deepEqual(wrong.map((i) => [from[i]!.toString(16), out[i], expected[i]]).slice(0, 5), []);
});

test("float32 to bfloat16 takes the nearest of the two around it, the even one between them", () => {
  const from = patterns();
  const floats = new Float32Array(from.buffer);
  const out = new Uint16Array(from.length);
  converter("F32", "bfloat16")(from, out, 0);
  const value = (bits: number): number => new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
  for (const [i, bits] of from.entries()) {
    const x = floats[i]!;
    if (Number.isNaN(x)) assert.ok(Number.isNaN(value(out[i]!)));
    else {
      const [below, above] = [bits >>> 16, (bits >>> 16) + 1];
      // The pattern after the largest number is infinity; it stands for the number that would come next, 2^128.
      const [a, b] = [below, above]
        .map((one) => Math.abs(value(one)))
        .map((v) => (v === Infinity ? 2 ** 128 : v));
      const [low, high] = [Math.abs(x) - a!, b! - Math.abs(x)];
      const nearest =
        Math.abs(x) === Infinity || low < high || (low === high && below % 2 === 0) ? below : above;
      assert.equal(out[i], nearest, bits.toString(16));
    }
  }
});

test("float16 and bfloat16 to each other are what float32 between them gives", () => {
  for (const [from, to] of [
    ["F16", "bfloat16"],
    ["BF16", "float16"],
  ] as const) {
    const [direct, wide, twice] = [
      new Uint16Array(2 ** 16),
      new Float32Array(2 ** 16),
      new Uint16Array(2 ** 16),
    ];
    converter(from, to)(ALL16, direct, 0);
    converter(from, "float32")(ALL16, wide, 0);
    converter("F32", to)(new Uint32Array(wide.buffer), twice, 0);
    assert.deepEqual(direct, twice);
  }
});

test("a transform sees the number and its place in the tensor, in every type", () => {
  const half = new Uint16Array(new Float16Array([1, -2, 0.5]).buffer);
  const brain = Uint16Array.of(0x3f80, 0xc000, 0x3f00);
  const single = new Uint32Array(Float32Array.of(1, -2, 0.5).buffer);
  const expected = [1 + 10, -2 + 11, 0.5 + 12];
  for (const [type, stored] of [
    ["F32", single],
    ["F16", half],
    ["BF16", brain],
  ] as const) {
    const out = new Float32Array(3);
    converter(type, "float32", (value, index) => value + index)(stored, out, 10);
    assert.deepEqual([...out], expected);
    const halves = new Uint16Array(3);
    converter(type, "float16", (value, index) => value + index)(stored, halves, 10);
    assert.deepEqual([...new Float16Array(halves.buffer)], expected);
  }
});
