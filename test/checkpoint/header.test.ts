import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { readSafetensorsFile } from "../../src/checkpoint/file.js";
import { headerBytes, parseHeader } from "../../src/checkpoint/header.js";
import { UserError } from "../../src/errors.js";
import { fixture } from "../support/checkpoint.js";
import { safetensorsBytes } from "../support/safetensors.js";
import { temporaryFolder } from "../support/temporary.js";

const folder = temporaryFolder();

/** Header and entries of a file's bytes, without a file. */
const parse = (bytes: Buffer): ReturnType<typeof parseHeader> =>
  parseHeader(bytes.subarray(8, 8 + headerBytes(bytes, bytes.length, "t")), bytes.length, "t");

/** A file of this header and so many bytes of data. */
const file = (header: unknown, dataBytes = 0): Buffer => safetensorsBytes(header, Buffer.alloc(dataBytes));

const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = "F32"): object => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

test("gives tensors in the order of their bytes, empty and scalar ones too, from the start of the file", () => {
  const bytes = file({ b: entry(4, 8, []), empty: entry(4, 4, [0, 3]), a: entry(0, 4, [2, 1], "F16") }, 8);
  const start = bytes.length - 8;
  assert.deepEqual(parse(bytes), [
    { name: "a", dtype: "F16", shape: [2, 1], begin: start, end: start + 4 },
    { name: "empty", dtype: "F32", shape: [0, 3], begin: start + 4, end: start + 4 },
    { name: "b", dtype: "F32", shape: [], begin: start + 4, end: start + 8 },
  ]);
});

const withLength = (length: bigint, bytes = file({ a: entry(0, 4) }, 4)): Buffer => {
  bytes.writeBigUInt64LE(length);
  return bytes;
};

const REFUSED: [string, Buffer, RegExp][] = [
  ["fewer than 8 bytes", Buffer.alloc(7), /has 7 bytes/],
  ["a header longer than the file", withLength(1000n), /header of 1000 bytes, but \d+ follow/],
  ["a header longer than any memory", withLength(2n ** 64n - 1n), /header of 18446744073709551615 bytes/],
  ["a header that is not JSON", file("{"), /the header of t is not JSON/],
  ["a header that is not UTF-8", safetensorsBytes('{"é": 1}').fill(0xff, 10, 12), /not UTF-8/],
  ["a header that is not an object", file("[]"), /not a JSON object/],
  ["no header", file("", 0), /not JSON/],
  ["metadata other than strings", file({ __metadata__: { a: 1 } }), /strings to strings/],
  ["a missing key", file({ a: { dtype: "F32", shape: [1] } }, 4), /"a": the header must give/],
  ["a key too many", file({ a: { ...entry(0, 4), more: 1 } }, 4), /and nothing else/],
  ["an unknown type", file({ a: entry(0, 4, [1], "F33") }, 4), /dtype is "F33"; it must be one of BOOL/],
  ["an inherited name as type", file({ a: entry(0, 4, [1], "toString") }, 4), /dtype is "toString"/],
  ["a negative size", file({ a: entry(0, 4, [-1, -1]) }, 4), /shape is \[-1,-1\]/],
  ["a size that is no whole number", file({ a: entry(0, 4, [1.5]) }, 4), /shape is \[1.5\]/],
  [
    "a size that no number holds",
    file('{"a":{"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,4]}}', 4),
    /shape is/,
  ],
  ["a shape larger than any file", file({ a: entry(0, 4, [2 ** 40, 2 ** 40]) }, 4), /no file is as large/],
  [
    "an absurd shape that a 0 makes empty",
    file({ a: entry(0, 0, [2 ** 40, 2 ** 40, 0]) }),
    /no file is as large/,
  ],
  ["one offset", file({ a: { ...entry(0, 4), data_offsets: [0] } }, 4), /data_offsets is \[0\]/],
  [
    "offsets that do not fit the shape",
    file({ a: entry(0, 8, [1]) }, 8),
    /span 8 bytes, but F32 of shape \[1\] has 4/,
  ],
  ["offsets the wrong way round", file({ a: entry(4, 0, [1]) }, 4), /span -4 bytes/],
  ["a hole", file({ a: entry(0, 4), b: entry(8, 12) }, 12), /"b": begins at byte 8 .* ends at 4/],
  ["an overlap", file({ a: entry(0, 8), b: entry(4, 8) }, 8), /"b": begins at byte 4 .* ends at 8/],
  ["bytes after the last tensor", file({ a: entry(0, 4) }, 5), /4 bytes together, but 5 follow/],
  ["tensors beyond the end", file({ a: entry(0, 8) }, 4), /8 bytes together, but 4 follow/],
  [
    "a tensor that is there twice",
    file(`{"a":${JSON.stringify(entry(0, 4))},"a":${JSON.stringify(entry(0, 4))}}`, 4),
    /has the key "a" twice/,
  ],
  [
    "the same, escaped",
    file(`{"a":${JSON.stringify(entry(0, 4))},"\\u0061":${JSON.stringify(entry(0, 4))}}`, 4),
    /has the key "a" twice/,
  ],
  [
    "a key twice inside",
    file('{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
    /has the key "dtype" twice/,
  ],
];

for (const [what, bytes, message] of REFUSED)
  test(`refuses ${what}`, () => {
    assert.throws(
      () => parse(bytes),
      (error) => error instanceof UserError && message.test(error.message),
    );
  });

test("a header of more than 100 MB is not read, even where the file has as much", () => {
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(100_000_001n);
  assert.throws(() => headerBytes(start, 200_000_000, "t"), /100000001 bytes; more than 100000000/);
});

test("a name that JavaScript gives a meaning is a name", () => {
  const [proto] = parse(file(`{"__proto__":${JSON.stringify(entry(0, 4))}}`, 4));
  assert.equal(proto?.name, "__proto__");
});

/** Pieces that break a header where random bytes would only make it no JSON. */
const PIECES = [
  ...[
    '"',
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "-",
    "0",
    "1e99",
    "-1",
    "1.5",
    "null",
    "true",
    '"a"',
    "\\",
    "\\u0000",
  ],
  ...["F16", "F64", "9007199254740993", "[0,4]", '"shape"', '"data_offsets"', "__metadata__", "\u0000", "é"],
];

/** The bytes with one to four changes: flipped, cut, doubled, moved, or replaced by a piece. */
function mutate(bytes: Buffer, below: (most: number) => number): Buffer {
  let out = Buffer.from(bytes);
  const header = Number(bytes.readBigUInt64LE());
  for (let left = 1 + below(4); left > 0; left--) {
    // Mostly in the header, where the sense is.
    const at = Math.min(out.length, below(8) === 0 ? below(out.length + 1) : 8 + below(header));
    const length = below(12);
    const [before, piece, after] = [
      out.subarray(0, at),
      out.subarray(at, at + length),
      out.subarray(at + length),
    ];
    switch (below(6)) {
      case 0:
        out = Buffer.concat([before, Buffer.from(piece).map((byte) => byte ^ (1 << below(8))), after]);
        break;
      case 1:
        out = Buffer.concat([before, after]);
        break;
      case 2:
        out = Buffer.concat([before, piece, piece, after]);
        break;
      case 3:
        out = Buffer.concat([before, Buffer.from(PIECES[below(PIECES.length)]!), after]);
        break;
      case 4:
        out = Buffer.concat([before, Buffer.from(PIECES[below(PIECES.length)]!), piece, after]);
        break;
      default:
        out = out.subarray(0, at);
    }
  }
  // Half of them with a length that is right again, so that the JSON is reached.
  if (out.length >= 8 && below(2) === 0)
    out.writeBigUInt64LE(BigInt(Math.max(0, Math.min(out.length - 8, header + out.length - bytes.length))));
  return out;
}

test("whatever is done to a file: tensors that cover its bytes, or one sentence", () => {
  const random = xoroshiro128plus(20250716);
  const below = (most: number): number => uniformInt(random, 0, most - 1);
  const seeds = [
    file({ a: entry(0, 4), b: entry(4, 24, [5]), c: entry(24, 24, [0]), d: entry(24, 30, [3], "BF16") }, 30),
    file({ __metadata__: { format: "pt" }, "model.norm.weight": entry(0, 64, [4, 4]) }, 64),
  ];
  const messages = new Map<string, number>();
  let read = 0;
  for (let i = 0; i < 20_000; i++) {
    const bytes = mutate(seeds[i % seeds.length]!, below);
    try {
      const entries = parse(bytes);
      read++;
      const start = entries[0]?.begin ?? bytes.length;
      assert.equal(
        entries.reduce((sum, { begin, end }) => sum + end - begin, start),
        bytes.length,
      );
    } catch (error) {
      assert.ok(error instanceof UserError, `${String(error)} for ${bytes.toString("latin1")}`);
      assert.doesNotMatch(error.message, /undefined|NaN|\[object/);
      const kind = error.message.replaceAll(/"[^"]*"|[\d.-]+|\[.*\]/g, "").slice(0, 40);
      messages.set(kind, (messages.get(kind) ?? 0) + 1);
    }
  }
  // The mutations are neither all harmless nor all of one kind.
  assert.ok(read > 100 && messages.size > 15, `${read} read, ${messages.size} kinds of errors`);
});

test("whatever is done to a checkpoint's file: it is read or refused, and nothing is asked of memory that it does not hold", () => {
  const random = xoroshiro128plus(7);
  const below = (most: number): number => uniformInt(random, 0, most - 1);
  const path = join(folder, "mutated.safetensors");
  const whole = readFileSync(join(fixture("mamba2"), "model.safetensors"));
  for (let i = 0; i < 200; i++) {
    writeFileSync(path, mutate(whole, below));
    try {
      readSafetensorsFile(path);
    } catch (error) {
      // A length beyond the file would be a RangeError of the allocation.
      assert.ok(error instanceof UserError, String(error));
    }
  }
});

test("every fixture is read", () => {
  for (const name of readdirSync(fixture("."), { withFileTypes: true }).filter((one) => one.isDirectory()))
    assert.ok(readSafetensorsFile(join(fixture(name.name), "model.safetensors")).entries.length > 10);
});
