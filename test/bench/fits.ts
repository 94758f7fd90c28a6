/**
 * 10 000 bootstrap fits of 30 points: ours, and the same by NumPy and SciPy where a Python has them.
 *
 *     npm run bench:fits -- --python /tmp/scipy/bin/python
 *
 * Exit status 1 if ours take a second or more.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fitScaling } from "../../src/analyze/index.js";
import { leastSquares, leastSquaresEach, randomIndex } from "../../src/stats/index.js";
import { normal, simulate, tableOf } from "../analyze/samples.js";

const REPLICATES = 10_000;
const LIMIT_MS = 1000;
const TIMES = 5;

const { values: options } = parseArgs({ options: { python: { type: "string", default: "python3" } } });

const rows = simulate("m", [5, 0.01, 2e-7], {
  noise: 0.02,
  samples: 5,
  draw: normal(1),
  lengths: [1024, 2048, 4096, 8192, 16384, 32768],
});
const lengths = rows.map(({ prompt_tokens }) => prompt_tokens!);
const values = rows.map(({ ttft_ms }) => ttft_ms!);

/** The residual bootstrap that fits.py does: weights 1/y², residuals drawn from all points alike. */
function bootstrap(nonNegative: boolean): void {
  const design = lengths.map((length) => [1, length, length ** 2]);
  const weights = values.map((value) => value ** -2);
  const { residuals } = leastSquares(design, values, { weights });
  const relative = residuals.map((residual, i) => residual / values[i]!);
  const random = randomIndex(1);
  const responses = Array.from({ length: REPLICATES }, () =>
    Float64Array.from(
      values,
      (value, i) => value - residuals[i]! + value * relative[random(relative.length)]!,
    ),
  );
  leastSquaresEach(design, responses, { weights, nonNegative });
}

function best(act: () => void): number {
  const taken = Array.from({ length: TIMES }, () => {
    const start = performance.now();
    act();
    return performance.now() - start;
  });
  return Math.min(...taken);
}

const [fit] = fitScaling(tableOf(rows), { metric: "ttft_ms" });
const [stepped] = fitScaling(tableOf(rows), { metric: "ttft_ms", form: "linear+step" });
const ours = {
  free: best(() => {
    bootstrap(false);
  }),
  bounded: best(() => {
    bootstrap(true);
  }),
  resample: best(() => void fit!.resample(REPLICATES, randomIndex(1))),
  stepped: best(() => void stepped!.resample(REPLICATES, randomIndex(1))),
};

const peer = spawnSync(options.python, [fileURLToPath(new URL("fits.py", import.meta.url))], {
  input: JSON.stringify({ lengths, values, replicates: REPLICATES }),
  encoding: "utf8",
});
const theirs =
  peer.status === 0
    ? (JSON.parse(peer.stdout) as { numpy_ms: number; scipy_ms: number; numpy: string; scipy: string })
    : null;

const line = (what: string, ms: number, theirMs?: number): string =>
  `${what.padEnd(58)} ${ms.toFixed(0).padStart(6)} ms` +
  (theirMs === undefined
    ? ""
    : ` ${theirMs.toFixed(0).padStart(8)} ms ${(theirMs / ms).toFixed(2).padStart(8)}`);

console.log(`${REPLICATES} bootstrap fits of ${values.length} points, best of ${TIMES}`);
console.log(`${"".padEnd(58)} ${"ours".padStart(9)} ${"theirs".padStart(11)} ${"theirs/ours".padStart(8)}`);
console.log(
  line(`without bounds${theirs ? `, NumPy ${theirs.numpy} at once` : ""}`, ours.free, theirs?.numpy_ms),
);
console.log(
  line(`non-negative${theirs ? `, SciPy ${theirs.scipy} nnls` : ""}`, ours.bounded, theirs?.scipy_ms),
);
console.log(line("fit.resample, quadratic", ours.resample));
console.log(line("fit.resample, linear+step, break searched each time", ours.stepped));
if (!theirs)
  console.log(
    `${options.python} has no NumPy and SciPy (${peer.error?.message ?? peer.stderr.trim().split("\n").at(-1) ?? ""}): no ratio`,
  );
process.exitCode = Math.max(ours.free, ours.bounded, ours.resample) < LIMIT_MS ? 0 : 1;
