/**
 * `summarize` of a million rows beside pandas and NumPy doing the same: grouped medians with the interval of
 * `medianInterval`. Prints both times and their ratio, and checks that both give the same numbers.
 *
 *     npm run bench:aggregate -- [PYTHON]      # a python with pandas and scipy; without one, ours alone
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { table } from "arquero";
import { summarize } from "../../src/analyze/index.js";
import { randomIndex } from "../../src/stats/index.js";

const ROWS = 1_000_000;
const MODELS = ["qwen2.5-0.5b", "llama-3.2-1b", "mamba-790m", "mamba2-780m", "falcon-h1-0.5b"];
const DTYPES = ["fp32", "fp16"];
const LENGTHS = Array.from({ length: 100 }, (_, i) => 1024 * (i + 1));
const RUNS = 5;

const random = randomIndex(1);
const model = Int32Array.from({ length: ROWS }, () => random(MODELS.length));
const dtype = Int32Array.from({ length: ROWS }, () => random(DTYPES.length));
const tokens = Int32Array.from({ length: ROWS }, () => random(LENGTHS.length));
const ttftMs = Float64Array.from({ length: ROWS }, () => 1 + random(2 ** 30) / 2 ** 20);

/** A table as reading a file gives it: plain values, constant columns among them. */
const rows = () =>
  table({
    kind: new Array<string>(ROWS).fill("latency"),
    status: new Array<string>(ROWS).fill("ok"),
    model: Array.from(model, (i) => MODELS[i]),
    dtype: Array.from(dtype, (i) => DTYPES[i]),
    batch: new Array<number>(ROWS).fill(1),
    prompt_tokens: Array.from(tokens, (i) => LENGTHS[i]),
    repeat: Array.from(ttftMs, (_, i) => i),
    ttft_ms: Array.from(ttftMs),
  });

/** Least of a few runs in seconds, each on a table not seen before. */
function ours(): { seconds: number; sum: number } {
  const seconds: number[] = [];
  let sum = 0;
  for (let run = 0; run < RUNS; run++) {
    const fresh = rows();
    const start = performance.now();
    const summary = summarize(fresh);
    seconds.push((performance.now() - start) / 1000);
    sum = (summary.objects() as { ttft_ms: number; ttft_ms_lo: number; ttft_ms_hi: number }[]).reduce(
      (total, { ttft_ms, ttft_ms_lo, ttft_ms_hi }) => total + ttft_ms + ttft_ms_lo + ttft_ms_hi,
      0,
    );
  }
  return { seconds: Math.min(...seconds), sum };
}

function pandas(python: string): { seconds: number; sum: number } {
  const folder = mkdtempSync(join(tmpdir(), "aggregate-"));
  try {
    for (const [name, values] of Object.entries({ model, dtype, tokens, ttftMs }))
      writeFileSync(join(folder, name), values);
    const script = join(import.meta.dirname, "aggregate.py");
    const output = execFileSync(python, [script, folder, String(RUNS)], { encoding: "utf8" });
    return JSON.parse(output) as { seconds: number; sum: number };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const own = ours();
console.log(`summarize: ${ROWS} rows to medians with intervals in ${own.seconds.toFixed(3)} s`);
const python = process.argv[2];
if (python !== undefined) {
  const peer = pandas(python);
  if (Math.abs(own.sum - peer.sum) > 1e-9 * peer.sum)
    throw new Error(`the results differ: they sum to ${own.sum} and ${peer.sum}`);
  const ratio = own.seconds / peer.seconds;
  console.log(
    `pandas and NumPy: ${peer.seconds.toFixed(3)} s, the same numbers; ours takes ${ratio.toFixed(2)} times that`,
  );
}
