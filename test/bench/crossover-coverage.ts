/**
 * How often the intervals of `crossover` and `interpolatedCrossover` hold the truth, over simulated campaigns:
 *
 *     npm run bench:crossovers -- [DATA_SETS]
 *
 * A line a design: the share of data sets in which the crossing is stated, and of those the share whose 95 % interval
 * holds it. The noise is normal, 2 % of the value. Exit status 1 if one holds it in less than 93 %, but for chance (two
 * standard errors of the count); more than 97 % is no fault of a set that inverts a test.
 */
import {
  crossover,
  fitScaling,
  interpolatedCrossover,
  sampleSeries,
  type Crossover,
} from "../../src/analyze/index.js";
import type { Row } from "../../src/record/schema.js";
import { LENGTHS, normal, tableOf } from "../analyze/samples.js";

type Curve = (length: number) => number;

interface Truth {
  name: string;
  a: Curve;
  b: Curve;
  tokens: number;
  method: Crossover["method"];
}

const parabola =
  (a: number, b: number, c: number): Curve =>
  (length) =>
    a + b * length + c * length ** 2;
const power =
  (factor: number, exponent: number): Curve =>
  (length) =>
    factor * length ** exponent;

/** Where a + b·L + c·L² is 0, the greater root. */
const root = (a: number, b: number, c: number): number =>
  c === 0 ? -a / b : (-b + Math.sqrt(b * b - 4 * a * c)) / (2 * c);

const LINE = parabola(10, 0.023, 0);
const TRUTHS: Truth[] = [
  {
    name: "quadratic and linear",
    a: parabola(5, 0.009, 4e-7),
    b: LINE,
    tokens: root(-5, -0.014, 4e-7),
    method: "fitted",
  },
  {
    name: "two quadratics",
    a: parabola(5, 0.009, 4e-7),
    b: parabola(10, 0.02, 1e-7),
    tokens: root(-5, -0.011, 3e-7),
    method: "fitted",
  },
  {
    name: "a = 0 in both",
    a: parabola(0, 0.012, 3e-7),
    b: parabola(0, 0.023, 0),
    tokens: root(0, -0.011, 3e-7),
    method: "fitted",
  },
  {
    name: "extrapolated",
    a: parabola(5, 0.009, 1e-7),
    b: LINE,
    tokens: root(-5, -0.014, 1e-7),
    method: "fitted",
  },
  {
    name: "two lines",
    a: parabola(5, 0.02, 0),
    b: parabola(30, 0.018, 0),
    tokens: root(-25, 0.002, 0),
    method: "fitted",
  },
  {
    name: "power laws",
    a: power(0.003, 1.2),
    b: power(0.02, 1),
    tokens: (0.02 / 0.003) ** 5,
    method: "interpolated",
  },
];

const DESIGNS: { samples: number; lengths: number[] }[] = [
  { samples: 1, lengths: LENGTHS },
  { samples: 1, lengths: [1024, 4096, 8192, 16384, 32768] },
  { samples: 2, lengths: [1024, 4096, 8192, 16384, 32768] },
  { samples: 3, lengths: LENGTHS },
  { samples: 5, lengths: LENGTHS },
  { samples: 5, lengths: [1024, 4096, 8192, 16384, 32768] },
];

function rowsOf(model: string, curve: Curve, lengths: number[], samples: number, draw: () => number): Row[] {
  return lengths.flatMap((prompt_tokens) =>
    Array.from({ length: samples }, () => ({
      model,
      prompt_tokens,
      ttft_ms: curve(prompt_tokens) * (1 + 0.02 * draw()),
    })),
  );
}

const dataSets = Number(process.argv[2] ?? 500);
let broken = 0;
console.log("truth                 samples x lengths   stated   covered   median width, % of the crossing");
for (const { name, a, b, tokens, method } of TRUTHS)
  for (const { samples, lengths } of DESIGNS) {
    if (method === "interpolated" && samples === 1) continue;
    const found = Array.from({ length: dataSets }, (_, seed) => {
      const draw = normal(seed + 1);
      const table = tableOf([
        ...rowsOf("A", a, lengths, samples, draw),
        ...rowsOf("B", b, lengths, samples, draw),
      ]);
      const options = { replicates: 500, seed };
      const metric = "ttft_ms";
      if (method === "interpolated") {
        const [p, q] = sampleSeries(table, { metric });
        return interpolatedCrossover(p!, q!, options);
      }
      const [p, q] = fitScaling(table, { metric });
      return crossover(p!, q!, options);
    });
    const stated = found.filter((result) => result.state === "crossing" || result.state === "extrapolated");
    const covered = stated.filter(({ interval: [lo, hi] }) => lo <= tokens && tokens <= hi).length;
    if (covered / stated.length < 0.93 - 2 * Math.sqrt((0.95 * 0.05) / stated.length)) broken++;
    const widths = stated.map(({ interval: [lo, hi] }) => (hi - lo) / tokens).sort((p, q) => p - q);
    const percent = (share: number): string => `${(100 * share).toFixed(1)} %`.padStart(8);
    console.log(
      name.padEnd(22),
      `${samples} x ${lengths.length}`.padEnd(16),
      percent(stated.length / dataSets),
      percent(covered / stated.length),
      percent(widths[Math.floor(widths.length / 2)] ?? NaN),
    );
  }
process.exitCode = broken === 0 ? 0 : 1;
