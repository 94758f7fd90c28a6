import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CheckpointWeights, openCheckpoint, readConfig, readTensors } from "../../checkpoint/index.js";
import { lowerings, type Lowering, type Model } from "../../models/index.js";
import { PACKAGE_ROOT } from "../../record/index.js";
import { areBuilt } from "../operators.js";
import { hasFusedProducts, type Dtype, type Ep } from "../plan.js";
import { showProgress, silentProgress } from "../progress.js";
import { unsupported } from "../support.js";
import { cellOf } from "./cell.js";
import { openEngine, type OpenEngine } from "./engine.js";
import { askCandidate, type ReferenceRun } from "./measure.js";
import { listOf, type Way } from "./plan.js";
import { problemOf } from "./problem.js";
import type { Setting } from "./setting.js";

/** Tiny checkpoints of every architecture, with the logits they must give; their README says how they were made. */
const ORACLES = new URL("test/fixtures/hf/", PACKAGE_ROOT);

/** Where the tiny checkpoints are run, and in which lowerings. */
export interface ArchitectureOptions {
  /** Default: cpu. */
  ep?: Ep;
  /** Which of several GPUs. Default 0. */
  deviceId?: number;
  /** Of fp32, fp16 and bf16. Default: fp32 on the CPU, fp16 on a GPU. */
  dtypes?: readonly Dtype[];
  progress?: "auto" | "none";
  signal?: AbortSignal;
  /** What computes: another one shows that the check can fail. */
  engine?: OpenEngine;
}

/** How far an architecture's logits are from an oracle's, as one line of a table. */
export interface ArchitectureRow {
  /** The checkpoint: its architecture, and what of it this one covers. */
  readonly architecture: string;
  /** Whose logits these must be. */
  readonly check: string;
  readonly dtype: Dtype;
  readonly lowering: Lowering | null;
  /** Lengths of the prompts, in one piece and in segments. */
  readonly tokens: string;
  /** Of any logit, relative to the oracle's largest |logit| at that position. */
  readonly max_error: number | null;
  readonly tolerance: number;
  readonly verdict: "passed" | "failed" | "unsupported" | "not-run";
  readonly reason: string | null;
}

/**
 * Every architecture against its oracle: Hugging Face transformers, or a float64 recurrence where transformers has no such
 * class or is not to be trusted, on tiny random checkpoints. What the numerical gate takes as its reference, this proves.
 */
export async function verifyArchitectures(options: ArchitectureOptions = {}): Promise<ArchitectureRow[]> {
  const { ep = "cpu", deviceId = 0, engine = openEngine, signal } = options;
  const dtypes = listOf("the dtype", options.dtypes ?? [ep === "cpu" ? "fp32" : "fp16"], DTYPES);
  const oracles = architectures().map(readOracle);
  const fused = areBuilt(ep, ep === "cpu" ? null : deviceId);
  const tasks = oracles.flatMap((oracle) => {
    const known = lowerings(oracle.model).filter((lowering) => lowering !== "fused" || fused);
    return (known.length > 0 ? known : [null]).flatMap((lowering) =>
      dtypes.map((dtype) => ({ oracle, setting: settingOf(oracle.model, { ep, dtype, lowering }, fused) })),
    );
  });
  const progress = options.progress === "none" ? silentProgress : showProgress(tasks.length);
  const rows: ArchitectureRow[] = [];
  try {
    for (const { oracle, setting } of tasks) {
      signal?.throwIfAborted();
      rows.push(...(await askOracle(oracle, setting, deviceId, engine, signal)));
      progress.step(1, oracle.name);
    }
  } finally {
    progress.stop();
  }
  return rows;
}

const DTYPES = ["fp16", "fp32", "bf16"] as const;

export const architectures = (): string[] =>
  readdirSync(ORACLES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("_"))
    .map((entry) => entry.name);

interface Oracle {
  readonly name: string;
  readonly folder: string;
  readonly model: Model;
  /** Prompts, what is fed after them, and the logits expected; `check` says by whom. */
  readonly runs: readonly (ReferenceRun & { readonly check: string })[];
}

interface OracleFile {
  readonly transformers: string | null;
  readonly prompts: Record<string, { readonly oracle: string }>;
}

function readOracle(name: string): Oracle {
  const folder = fileURLToPath(new URL(name, ORACLES));
  const { transformers, prompts } = JSON.parse(readFileSync(`${folder}/oracle.json`, "utf8")) as OracleFile;
  const tensors = readTensors(`${folder}/expected.safetensors`);
  const model = readConfig(folder);
  const ids = (key: string): BigInt64Array => tensors.get(key)!.data as BigInt64Array;
  const floats = (key: string): Float32Array => tensors.get(key)!.data as Float32Array;
  const runs = Object.keys(prompts)
    .filter((key) => tensors.has(`ids.${key}`))
    .map((key) => {
      const { oracle } = prompts[key]!;
      const check = oracle.startsWith("transformers") ? `transformers ${transformers ?? ""}` : oracle;
      const prompt = ids(`ids.${key}`);
      const decoded = prompt.length === DECODED_AFTER;
      if (!decoded) return { check, prompt, fed: [], logits: [floats(`logits.${key}`)] };
      const fed = [...ids("greedy.ids")].slice(0, -1);
      const all = floats("greedy.logits");
      const width = model.config.vocab_size;
      const logits = [-1, ...fed.keys()].map((i) => all.subarray((i + 1) * width, (i + 2) * width));
      return { check, prompt, fed, logits };
    });
  return { name, folder, model, runs };
}

/** The prompt after which tokens were decoded. */
const DECODED_AFTER = 64;

/** Cuts every prompt but the shortest, and is a multiple of no chunk. */
const SEGMENT = 24;

function settingOf(
  model: Model,
  { ep, dtype, lowering }: Pick<Setting, "ep" | "dtype" | "lowering">,
  built: boolean,
): Setting {
  const cuda = ep === "cpu" ? null : { tf32: false };
  const cudaGraph = ep === "cpu" ? null : true;
  const products = built && hasFusedProducts(ep, lowering) && { fusedProducts: true as const };
  return { model, ep, dtype, quant: null, lowering, decodeLowering: lowering, ...products, cuda, cudaGraph };
}

/** A row for each oracle that the checkpoint's logits come from. */
async function askOracle(
  { name, folder, model, runs }: Oracle,
  setting: Setting,
  deviceId: number,
  open: OpenEngine,
  signal: AbortSignal | undefined,
): Promise<ArchitectureRow[]> {
  const { ep, dtype, lowering } = setting;
  const found = new Map<string, { tokens: string[]; error: number }>();
  let problem = refusal(setting);
  if (problem === null)
    try {
      const source = new CheckpointWeights(openCheckpoint(folder), model);
      const place = { deviceId: ep === "cpu" ? null : deviceId, seed: 1 };
      for (const run of runs) {
        const prompt = { tokens: run.prompt.length, decoded: run.fed.length };
        const ways = [null, SEGMENT].map((segmentTokens): Way => ({ segmentTokens, prompts: [prompt] }));
        // For each prompt anew: long-rope turns by the length of the whole sequence.
        using engine = open(cellOf(place, setting, ways[0]!), source);
        const kept = found.get(run.check) ?? { tokens: [], error: 0 };
        found.set(run.check, kept);
        kept.tokens.push(`${prompt.tokens}${prompt.decoded > 0 ? ` + ${prompt.decoded + 1} decoded` : ""}`);
        for (const way of ways) {
          // What these models compute is less than waking a second thread costs.
          using answers = engine.open({ ...cellOf(place, setting, way), threads: 1 }, [prompt.tokens]);
          const differences = await askCandidate(answers, run, prompt.decoded, signal);
          kept.error = Math.max(kept.error, ...differences.map(({ maxAbs, scale }) => maxAbs / scale));
        }
      }
    } catch (error) {
      signal?.throwIfAborted();
      problem = problemOf(error, setting);
      if (problem === null) throw error;
    }
  const tolerance = TOLERANCE[dtype as keyof typeof TOLERANCE];
  const row = { architecture: name, dtype, lowering, tolerance };
  if (problem !== null) {
    const { status: verdict, reason } = problem;
    const check = [...new Set(runs.map((run) => run.check))].join(", ");
    return [{ ...row, check, tokens: "", max_error: null, verdict, reason }];
  }
  return [...found].map(([check, { tokens, error }]) => {
    const verdict = error <= tolerance ? "passed" : "failed";
    return { ...row, check, tokens: tokens.join(", "), max_error: error, verdict, reason: null } as const;
  });
}

/**
 * float32 may have what another order of sums makes; transformers and a float64 twin differ by 2e-6. Rounded to float16 the
 * worst of these small networks, whose layers even out less than large ones', is off by 3.8e-2 on the CPU; bfloat16 has 3
 * bits less.
 */
const TOLERANCE = { fp32: 1e-4, fp16: 6e-2, bf16: 4.8e-1 } as const;

function refusal({ model, ep, dtype, lowering }: Setting): ReturnType<typeof problemOf> {
  const reason = unsupported(model, ep, dtype, lowering);
  return reason === null ? null : { status: "unsupported", reason, fatal: false };
}
