import { from, type ColumnTable } from "arquero";
import type { Row } from "../../src/record/schema.js";
import { randomIndex } from "../../src/stats/index.js";

export const LENGTHS = [1024, 2048, 4096, 8192, 16384, 24576, 32768, 57344];

/** The curve a + b·L + c·L² of a made-up model. */
export type Truth = readonly [a: number, b: number, c: number];

/** A table with every column that some row has; arquero alone looks at the first row only. */
export const tableOf = (rows: readonly Row[]): ColumnTable =>
  from([...rows], [...new Set(rows.flatMap(Object.keys))]);

/** Draws from the normal distribution (Box and Muller 1958). */
export function normal(seed: number): () => number {
  const random = randomIndex(seed);
  const uniform = (): number => (random(2 ** 30) + 0.5) / 2 ** 30;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Samples of TTFT on a made-up curve, each off by a normal share of its value. */
export function simulate(
  model: string,
  [a, b, c]: Truth,
  { noise = 0, samples = 5, draw = (): number => 0, lengths = LENGTHS } = {},
): Row[] {
  return lengths.flatMap((length) =>
    Array.from({ length: samples }, () => ({
      kind: "latency",
      model,
      device: "gpu",
      prompt_tokens: length,
      ttft_ms: (a + b * length + c * length ** 2) * (1 + noise * draw()),
    })),
  );
}

/** TTFT in ms on an RTX 4090, batch 1: SSM-Scope's artifact, generation_times.csv, drawn in Figure 6b. */
const PAPER_TTFT: Record<string, readonly (readonly [tokens: number, ttft_ms: number])[]> = {
  "qwen2.5-0.5b-instruct": [
    [1024, 14.31384903844446],
    [2048, 23.08832702692598],
    [4096, 46.16428504232317],
    [8192, 90.93242499511689],
    [16384, 229.62778504006565],
    [24576, 408.6635540006682],
    [32768, 1303.5949809709564],
  ],
  "mamba2-780m": [
    [1024, 26.601921999827027],
    [2048, 46.501094941049814],
    [4096, 90.45246301684529],
    [8192, 187.26414802949876],
    [16384, 376.13332900218666],
    [24576, 567.1171919675544],
    [32768, 756.712383008562],
  ],
};

export const paperRows = (longest = Infinity): Row[] =>
  Object.entries(PAPER_TTFT).flatMap(([model, points]) =>
    points
      .filter(([tokens]) => tokens <= longest)
      .map(([prompt_tokens, ttft_ms]) => ({ model, device: "rtx4090", batch: 1, prompt_tokens, ttft_ms })),
  );
