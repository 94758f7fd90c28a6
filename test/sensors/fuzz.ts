import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { LineCutter } from "../../src/sensors/lines.js";
import { nvidiaSmiReader } from "../../src/sensors/nvidia-smi-reader.js";
import type { Reader, Reading } from "../../src/sensors/reader.js";
import { tegrastatsReader } from "../../src/sensors/tegrastats-reader.js";
import { LINES } from "./tegrastats-files.js";

/**
 * Feeds garbage to the readers: bytes, and real lines with bytes changed, cut out, doubled and spliced. Nothing may
 * throw, take long, or tell a value that is no number. In the suite for a short while; for longer:
 * `node --import tsx test/sensors/fuzz.ts SECONDS [SEED]`.
 */
export function fuzz(seconds: number, seed: number): { inputs: number; readings: number } {
  const below = seeded(seed);
  const seeds = [...LINES.values(), ...nvidiaSmiLines()].map((line) => Buffer.from(line));
  const until = performance.now() + seconds * 1000;
  let inputs = 0;
  let readings = 0;
  while (performance.now() < until) {
    const readers: Reader[] = [
      tegrastatsReader(),
      nvidiaSmiReader(),
      nvidiaSmiReader(["power.draw", "index"]),
    ];
    const cutter = new LineCutter();
    for (let chunk = 0; chunk < 20; chunk++) {
      const bytes = garbage(seeds, below);
      inputs++;
      const started = performance.now();
      for (const line of cutter.push(bytes))
        for (const reader of readers) readings += check(reader, line, seed, inputs);
      const took = performance.now() - started;
      assert.ok(
        took < 2000,
        `seed ${seed} input ${inputs} took ${took} ms: ${bytes.toString("latin1", 0, 200)}`,
      );
    }
  }
  return { inputs, readings };
}

function check(reader: Reader, line: string, seed: number, input: number): number {
  let reading: Reading | null;
  try {
    reading = reader.read(line);
  } catch (error) {
    throw new Error(`seed ${seed} input ${input}: ${JSON.stringify(line.slice(0, 500))}`, { cause: error });
  }
  if (reading === null) return 0;
  const { values, wallMs } = reading;
  assert.ok(wallMs === null || Number.isFinite(wallMs), line);
  for (const [name, value] of Object.entries(values))
    assert.ok(value === null || typeof value === "string" || Number.isFinite(value), `${name} of ${line}`);
  assert.equal(values.power_w === null, values.power_rule === null, line);
  const rails = /^(?:module|module's 5 V input|whole developer kit): (.*)$/.exec(
    String(values.power_rule),
  )?.[1];
  if (rails !== undefined) {
    const sum = rails
      .split(" + ")
      .reduce((sum, rail) => sum + Number(values[`rail_${rail.toLowerCase()}_w`]), 0);
    assert.ok(Math.abs(sum - Number(values.power_w)) <= 1e-9 * Math.abs(sum), line);
  }
  return 1;
}

type Below = (n: number) => number;

function seeded(seed: number): Below {
  const generator = xoroshiro128plus(seed);
  return (n) => (generator.next() >>> 0) % n;
}

/** The characters that mean something in a line. */
const TELLING = Buffer.from('0123456789 %@[],/()-.mWMBkCxoffRAMCPUGVD_\n\r\t\0"');

function garbage(seeds: readonly Buffer[], below: Below): Buffer {
  const any = (): Buffer => seeds[below(seeds.length)]!;
  switch (below(8)) {
    case 0:
      return Buffer.from(Array.from({ length: below(400) }, () => below(256)));
    case 1:
      return Buffer.from(Array.from({ length: below(400) }, () => TELLING[below(TELLING.length)]!));
    case 2:
      return Buffer.alloc(below(30_000), any().subarray(0, 1 + below(12)));
    case 3: {
      const [a, b] = [any(), any()];
      return Buffer.concat([a.subarray(0, below(a.length)), b.subarray(below(b.length)), NEWLINE]);
    }
    default: {
      const words = any().toString("latin1").split(" ");
      for (let change = below(4); change >= 0; change--) mangle(words, below);
      return Buffer.concat([Buffer.from(words.join(" "), "latin1"), NEWLINE]);
    }
  }
}

const NEWLINE = Buffer.from("\n");

function mangle(words: string[], below: Below): void {
  const at = below(words.length);
  const word = words[at] ?? "";
  const cut = below(word.length + 1);
  const telling = String.fromCharCode(TELLING[below(TELLING.length)]!);
  if (below(4) === 0) words.splice(at, 1);
  else if (below(3) === 0) words.splice(at, 0, words[below(words.length)] ?? "");
  else if (below(2) === 0) words[at] = word.slice(0, cut) + telling + word.slice(cut + below(2));
  else words[at] = word.repeat(1 + below(20));
}

function nvidiaSmiLines(): string[] {
  const folder = join(import.meta.dirname, "../fixtures/nvidia-smi");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".csv"))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").trimEnd().split("\n").slice(0, 3));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [seconds = 60, seed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number);
  const { inputs, readings } = fuzz(seconds, seed);
  console.log(`seed ${seed}: ${inputs} inputs, ${readings} readings, no throw`);
}
