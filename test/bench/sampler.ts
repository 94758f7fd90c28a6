import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { UserError } from "../../src/errors.js";
import { gpu, matchGpu, nvmlGpus, startSampler, type SourceSpec } from "../../src/sensors/index.js";
import { median, medianInterval, sortSamples } from "../../src/stats/index.js";
import { withPrefill } from "./prefill.js";
import { stubGpu } from "./stub-gpu.js";

const USAGE = `npm run bench:sampler -- [options]     what sampling costs: times to first token with and without it

  --ep NAME             execution provider (cpu)
  --model NAME          (mamba-130m)
  -l, --length N        prompt length (256)
  --dtype NAME          (fp32; of a GPU fp16)
  --lowering NAME       (auto)
  --rounds N            pairs of medians, in turns (20)
  --repeats N           times to first token of a median (3)
  --interval-ms N       of the sampling (20)
  --stub                a stub of NVML whose calls take as long as an H200's, where there is no GPU (needs gcc)
  --ten-minutes         instead: 10 minutes at 100 Hz beside the model, and no sample may be lost
  --minutes N           the same for so long, e.g. 1

Exits with 0 where the whole interval of the cost is below 1 %, or no sample is lost, else with 1.`;

const OVERHEAD_LIMIT = 0.01;
const SETTLE_MS = 200;
const IDLE_MS = 3000;

function parse(argv: string[]) {
  const { values } = parseArgs({
    args: argv,
    options: {
      ep: { type: "string", default: "cpu" },
      model: { type: "string", default: "mamba-130m" },
      length: { type: "string", short: "l", default: "256" },
      dtype: { type: "string" },
      lowering: { type: "string", default: "auto" },
      rounds: { type: "string", default: "20" },
      repeats: { type: "string", default: "3" },
      "interval-ms": { type: "string", default: "20" },
      stub: { type: "boolean", default: false },
      "ten-minutes": { type: "boolean", default: false },
      minutes: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  return values;
}

type Options = ReturnType<typeof parse>;

async function main(): Promise<void> {
  const options = parse(process.argv.slice(2));
  if (options.help) {
    console.log(USAGE);
    return;
  }
  const minutes = options["ten-minutes"]
    ? 10
    : options.minutes === undefined
      ? null
      : Number(options.minutes);
  if (minutes !== null && !(minutes > 0))
    throw new UserError(`--minutes is ${options.minutes}; it must be a number above 0, e.g. 0.5`);
  const folder = mkdtempSync(join(tmpdir(), "ssm-scope-sampler-"));
  try {
    const { model, ep, dtype, lowering } = options;
    const length = Number(options.length);
    await withPrefill({ model, length, ep, dtype, lowering }, async ({ name, cuda, run }) => {
      const source = options.stub ? stubGpu(folder) : await sourceOf(cuda?.uuid ?? null);
      console.log(`${name}; ${described(source)}`);
      if (minutes === null) await overhead(run, source, options);
      else await endurance(run, source, minutes);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The GPU that the model runs on, the only one's where it runs on the CPU; without any the machine itself. */
async function sourceOf(uuid: string | null): Promise<SourceSpec> {
  const { devices, reason } = await gpu().discover();
  if (devices.length === 0) {
    console.log(`No GPU is read: ${reason!}`);
    return { source: "host" };
  }
  const match = uuid === null ? null : matchGpu({ deviceId: 0, uuid }, nvmlGpus());
  return { source: "gpu", ...(match?.uuid && { gpus: [match.uuid] }) };
}

const described = (source: SourceSpec): string =>
  "library" in source ? "a stub of NVML is sampled" : `${source.source} is sampled`;

/** Medians with and without the sampler, in turns that change places, and the interval of the ratios of the pairs. */
async function overhead(ttft: () => Promise<number>, source: SourceSpec, options: Options): Promise<void> {
  const [rounds, repeats, intervalMs] = [options.rounds, options.repeats, options["interval-ms"]].map(Number);
  const medianTtft = async (): Promise<number> => {
    await sleep(SETTLE_MS);
    await ttft();
    const times: number[] = [];
    for (let i = 0; i < repeats!; i++) times.push(await ttft());
    return median(times);
  };
  let samples = 0;
  let lost = 0;
  const sampled = async (): Promise<number> => {
    const sampler = await startSampler({ sources: [source], intervalMs: intervalMs! });
    const time = await medianTtft();
    const result = await sampler.stop();
    samples += result.samples.length;
    lost += result.lost;
    return time;
  };
  await medianTtft();
  const pairs: { alone: number; beside: number }[] = [];
  for (let round = 0; round < rounds!; round++) {
    if (round % 2 === 0) {
      const alone = await medianTtft();
      pairs.push({ alone, beside: await sampled() });
    } else {
      const beside = await sampled();
      pairs.push({ alone: await medianTtft(), beside });
    }
  }
  const ratios = pairs.map(({ alone, beside }) => beside / alone);
  const ratio = median(ratios);
  const interval = medianInterval(sortSamples(ratios))!;
  const alone = median(pairs.map((pair) => pair.alone));
  const beside = median(pairs.map((pair) => pair.beside));
  const percent = (value: number): string => `${value > 1 ? "+" : ""}${((value - 1) * 100).toFixed(2)} %`;
  console.log(
    `TTFT without sampling ${alone.toFixed(3)} ms, with it ${beside.toFixed(3)} ms (medians of ${rounds!})`,
  );
  console.log(
    `cost ${percent(ratio)}, 95 % interval ${interval.map(percent).join(" to ")}, of ${rounds!} pairs`,
  );
  console.log(`${samples} samples every ${intervalMs!} ms, ${lost} lost`);
  console.log(
    `CPU time of the sampling while nothing else runs: ${percent(1 + (await idleLoad(source, intervalMs!)))} of a core`,
  );
  const [lo, hi] = interval.map((bound) => bound - 1) as [number, number];
  if (hi <= OVERHEAD_LIMIT) return;
  process.exitCode = 1;
  if (lo <= OVERHEAD_LIMIT)
    console.log("Whether the cost is below 1 % is not told by these pairs: take more, on a quieter machine.");
}

/** Share of a core that this process takes while it samples, without what it takes anyway. */
async function idleLoad(source: SourceSpec, intervalMs: number): Promise<number> {
  const load = async (): Promise<number> => {
    const start = performance.now();
    const before = process.cpuUsage();
    await sleep(IDLE_MS);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 / (performance.now() - start);
  };
  const alone = await load();
  const sampler = await startSampler({ sources: [source], intervalMs });
  await sleep(SETTLE_MS);
  const beside = await load();
  await sampler.stop();
  return beside - alone;
}

/** At 100 Hz beside the model without a pause. */
async function endurance(ttft: () => Promise<number>, source: SourceSpec, minutes: number): Promise<void> {
  const sampler = await startSampler({ sources: [source], intervalMs: 10 });
  const start = performance.now();
  const end = start + minutes * 60_000;
  let passes = 0;
  for (; performance.now() < end; passes++) await ttft();
  const seconds = (performance.now() - start) / 1000;
  const { samples, lost, problems } = await sampler.stop();
  const paced = samples.filter(({ values }) => !("energy_j" in values) || Object.keys(values).length > 2);
  const gaps = sortSamples(paced.slice(1).map(({ at_ms }, i) => at_ms - paced[i]!.at_ms));
  console.log(
    `${paced.length} samples in ${seconds.toFixed(1)} s beside ${passes} passes, ${(paced.length / seconds).toFixed(2)} a second; ` +
      `longest time between two ${gaps.at(-1)!.toFixed(1)} ms; ${lost} lost`,
  );
  for (const problem of problems) console.log(problem);
  if (lost > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
