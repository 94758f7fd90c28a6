import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { UserError } from "../../src/errors.js";
import {
  findEnergySource,
  measurePhases,
  startSampler,
  SwitchedLoad,
  SyntheticDevice,
  VirtualClock,
  type EnergyOptions,
  type FoundSource,
} from "../../src/sensors/index.js";
import { normalFrom, randomIndex } from "../../src/stats/random.js";
import { formatEnergy, judgeEnergy, type EnergyBench } from "./energy-table.js";
import { withPrefill, type Prefill } from "./prefill.js";
import { runMain } from "./run-main.js";
import { stubGpu } from "./stub-gpu.js";

const USAGE = `npm run bench:energy -- [options]     the energy of the same work several times, and of as much idling

  --ep NAME             cuda (default), cpu, or synthetic: a made-up device on a clock of its own
  --model NAME          whose prompt is read for the work (mamba2-130m)
  -l, --length N        its length (8192; of the CPU 256)
  --dtype NAME          (fp16; of the CPU fp32)
  --lowering NAME       (auto)
  --seconds N           of a loaded window, and of an idle one (10)
  --repeats N           loaded windows, and idle ones (5)
  --idle N              seconds of the idle power between two windows (1.5)
  --json FILE           where the numbers go too
  --stub                a stub of NVML that draws 300 W, where there is no GPU (needs gcc)

Exits with 0 where the spread is at most 2 %, counter and integrated power agree within 3 % under load, and idle windows
have no net energy beyond 1 % of a loaded one's gross; with 1 where one of these is missed or unknown.`;

const WARM_UP_MS = 2000;
/** After the load a GPU keeps its clocks for a while: the first idle window would be between two unlike ones. */
const SETTLING_MS = 3000;

function parse(argv: string[]) {
  const { values } = parseArgs({
    args: argv,
    options: {
      ep: { type: "string", default: "cuda" },
      model: { type: "string", default: "mamba2-130m" },
      length: { type: "string", short: "l" },
      dtype: { type: "string" },
      lowering: { type: "string", default: "auto" },
      seconds: { type: "string", default: "10" },
      repeats: { type: "string", default: "5" },
      idle: { type: "string", default: "1.5" },
      json: { type: "string" },
      stub: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const numbers = {
    seconds: Number(values.seconds),
    repeats: Number(values.repeats),
    idle: Number(values.idle),
  };
  for (const [name, value] of Object.entries(numbers))
    if (!(value > 0 && value < Infinity)) throw new UserError(`--${name} is not a number above 0`);
  if (!Number.isInteger(numbers.repeats))
    throw new UserError(`--repeats is ${values.repeats}; it must be a whole number`);
  return { ...values, ...numbers };
}

type Options = ReturnType<typeof parse>;

/** Work, which is the same each time, and where and by which clock its energy is measured. */
interface Bench {
  readonly name: string;
  readonly sensor: string;
  readonly work: () => Promise<unknown>;
  readonly measuring: EnergyOptions & Required<Pick<EnergyOptions, "source" | "sleep">>;
}

async function main(): Promise<void> {
  const options = parse(process.argv.slice(2));
  if (options.help) {
    console.log(USAGE);
    return;
  }
  if (options.ep === "synthetic") await measure(syntheticBench(options), options);
  else await ofModel(options);
}

async function ofModel(options: Options): Promise<void> {
  const { model, ep, dtype, lowering } = options;
  const length = Number(options.length ?? (ep === "cuda" ? 8192 : 256));
  const folder = mkdtempSync(join(tmpdir(), "ssm-scope-energy-"));
  try {
    await withPrefill({ model, length, ep, dtype, lowering }, async (prefill) => {
      const found = options.stub ? await stubSource(folder) : await findSource(prefill, ep);
      if (found.source === null) throw new UserError(found.reason);
      try {
        await measure(await prefillBench(prefill, found, options), options);
      } finally {
        await found.source.close();
      }
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const findSource = ({ cuda }: Prefill, ep: string): Promise<FoundSource> =>
  findEnergySource({ of: ep === "cpu" ? "cpu" : "gpu", session: cuda }, (sentence) => {
    console.log(sentence);
  });

async function stubSource(folder: string): Promise<FoundSource> {
  const sampler = await startSampler({ sources: [stubGpu(folder)] });
  const source = { since: (atMs: number) => sampler.since(atMs), close: () => sampler.stop() };
  return { sensor: "a stub of NVML", source, reason: null };
}

/** As many prefills as fill the window when it is warm. */
async function prefillBench(
  { name, run }: Prefill,
  { sensor, source }: FoundSource,
  { seconds }: Options,
): Promise<Bench> {
  const start = performance.now();
  let fastestMs = await run();
  while (performance.now() - start < WARM_UP_MS) fastestMs = Math.min(fastestMs, await run());
  const count = Math.max(1, Math.round((1000 * seconds) / fastestMs));
  const work = async (): Promise<void> => {
    for (let i = 0; i < count; i++) await run();
  };
  return { name: `${count} times ${name}`, sensor: sensor!, work, measuring: { source, sleep } };
}

/** Power that is renewed ten times a second, with noise, as the counter is; 400 W under load, 75 W idle. */
function syntheticBench({ seconds }: Options): Bench {
  const clock = new VirtualClock();
  const load = new SwitchedLoad(75);
  const normal = normalFrom(randomIndex(1));
  const device = new SyntheticDevice({
    signal: load,
    phaseMs: 37,
    updateMs: 100,
    noiseW: () => 2 * normal(),
  });
  const source = {
    since: (atMs: number) => device.until(clock.now()).filter(({ at_ms }) => at_ms >= atMs),
    close: () => Promise.resolve(),
  };
  const work = async (): Promise<void> => {
    await clock.sleep(41); // or the load would be in step with the readings
    load.switch(clock.now(), 400);
    await clock.sleep(1000 * seconds);
    load.switch(clock.now(), 75);
  };
  const measuring = { source, sleep: clock.sleep, clock: clock.now };
  return { name: `${seconds} s at 400 W`, sensor: "a synthetic device", work, measuring };
}

async function measure({ name, sensor, work, measuring }: Bench, options: Options): Promise<void> {
  const { seconds, repeats, idle } = options;
  console.log(`${name}; energy by ${sensor}; ${repeats} windows, and ${repeats} idle ones of ${seconds} s\n`);
  const { sleep } = measuring;
  const named = (what: string, run: () => Promise<unknown>) =>
    Array.from({ length: repeats }, (_, i) => ({ name: `${what} ${i + 1}`, run }));
  const settling = { name: "settling", run: () => sleep(SETTLING_MS) };
  const phases = [...named("loaded", work), settling, ...named("idle", () => sleep(1000 * seconds))];
  const energies = await measurePhases(phases, { ...measuring, windowMs: 0, idleMs: 1000 * idle });
  const bench = judgeEnergy(energies.slice(0, repeats), energies.slice(repeats + 1));
  console.log(formatEnergy(bench));
  if (options.json !== undefined) save(options.json, { work: name, energy_source: sensor, ...bench });
  if (!bench.verdicts.every(({ met }) => met === true)) process.exitCode = 1;
}

function save(file: string, bench: EnergyBench & { work: string; energy_source: string }): void {
  writeFileSync(file, `${JSON.stringify(bench, null, 2)}\n`);
}

await runMain(main, USAGE);
