import { UserError } from "../errors.js";
import { encodeModel, Graph, ops, TYPES, type FloatType, type Value } from "../graph/index.js";
import { openRuntime, type Device, type Runtime, type Tensor } from "../ort/index.js";
import { machineFacts, type Row } from "../record/index.js";
import { memoryCampaign, openCampaign } from "./campaign.js";
import { activationType } from "./graph-options.js";
import { count, oneOf } from "./plan.js";
import { refuseOtherMachine } from "./run.js";

/** What is measured, and on what. */
export interface CeilingOptions {
  /** Default: cpu. */
  ep?: "cpu" | "cuda";
  /** Of the numbers; default fp32, the only one on a CPU, and fp16 on a GPU. */
  dtype?: "fp32" | "fp16" | "bf16";
  deviceId?: number;
  /** Intra-operator threads (CPU); default those of `run`. */
  threads?: number;
  /** Whether float32 products on a GPU may round to TF32, as in `run`; default no. */
  tf32?: boolean;
  /** Of one tensor of the copies; default 256 MiB on a CPU and 1 GiB on a GPU, or a sixteenth of its memory: beyond all caches. */
  copyBytes?: number;
  /** Edges of the square matrices; default 1024 and 2048 on a CPU, 4096 and 8192 on a GPU. */
  edges?: readonly number[];
  /** Folder of a campaign on this machine: the row is appended to its rows.jsonl, beside what is there. */
  out?: string;
  /** Timed runs of each graph, after warming up; the fastest counts. Default 5. */
  runs?: number;
}

/** One graph's best run. */
export interface CeilingTrial {
  readonly what: "gemm" | "copy";
  /** Operator and size, e.g. `MatMul 8192`. */
  readonly graph: string;
  readonly best_ms: number;
  readonly flops_per_s: number | null;
  readonly bytes_per_s: number | null;
}

/** What a device can do at most, through ONNX Runtime: as `efficiency` takes it, and as a row of kind ceilings. */
export interface MeasuredCeilings {
  readonly flopsPerS: number;
  readonly bytesPerS: number;
  readonly row: Row;
  readonly trials: readonly CeilingTrial[];
}

/**
 * Measures the ceilings of a roofline through ONNX Runtime itself: the highest rate of products of square matrices, and the
 * highest rate of moving memory, read and written bytes together, of a multiplication by a number and of an addition. They are what
 * a model could reach with this library on this device, and so lower than the maker's peaks; a kernel of another library may be
 * faster. Matrices hold random numbers, on which a GPU draws more power and runs slower than on zeros. Takes seconds.
 *
 * @throws UserError for settings that make no sense and a device that is not there
 */
export async function ceilings(options: CeilingOptions = {}): Promise<MeasuredCeilings> {
  const ep = oneOf("the execution provider", options.ep ?? "cpu", ["cpu", "cuda"] as const);
  const dtype = oneOf("the dtype", options.dtype ?? (ep === "cpu" ? "fp32" : "fp16"), [
    "fp32",
    "fp16",
    "bf16",
  ] as const);
  if (ep === "cpu" && dtype !== "fp32")
    throw new UserError(
      `the dtype is ${dtype}, but ONNX Runtime's CPU kernels compute in fp32; leave it out`,
    );
  if (ep === "cpu" && (options.deviceId !== undefined || options.tf32 !== undefined))
    throw new UserError("deviceId and tf32 are of a GPU, and the ceilings are of the CPU; leave them out");
  const runs = count("the number of runs", options.runs ?? 5);
  const edges = (options.edges ?? (ep === "cpu" ? [1024, 2048] : [4096, 8192])).map((edge) =>
    count("the edge of a matrix", edge),
  );
  const runtime = openRuntime();
  const device = runtime.device(ep, options.deviceId ?? 0);
  const copyBytes = count("the bytes of a copy", options.copyBytes ?? defaultCopyBytes(device), 64);
  const bench: Bench = {
    runtime,
    device,
    dtype: activationType({ ep, dtype }),
    tf32: options.tf32 ?? false,
    threads: options.threads,
    runs,
  };
  const trials: CeilingTrial[] = [];
  for (const edge of edges) trials.push(await timeProducts(bench, edge));
  for (const op of ["Mul", "Add"] as const) trials.push(await timeCopies(bench, op, copyBytes));
  const flopsPerS = Math.max(...trials.map(({ flops_per_s }) => flops_per_s ?? 0));
  const bytesPerS = Math.max(...trials.map(({ bytes_per_s }) => bytes_per_s ?? 0));
  using campaign = options.out === undefined ? memoryCampaign("unsaved") : openCampaign(options.out, true);
  const facts = machineFacts();
  const row: Row = {
    kind: "ceilings",
    status: "ok",
    campaign: campaign.name,
    dtype,
    device: device.name ?? facts.cpu_model ?? "cpu",
    ep,
    ep_options: ep === "cuda" ? [`use_tf32=${bench.tf32 ? 1 : 0}`] : null,
    threads: options.threads ?? null,
    method: "onnxruntime",
    ceiling_flops_per_s: flopsPerS,
    ceiling_bytes_per_s: bytesPerS,
    source: "measured",
    measured_at: new Date().toISOString(),
    ...facts,
    ort_version: runtime.version,
    ...(device.cuda && {
      gpu_driver: device.cuda.driverVersion,
      cuda_version: device.cuda.runtimeVersion,
    }),
  };
  refuseOtherMachine(campaign.earlier, new Map([[ep, { columns: row }]]));
  campaign.add(row);
  return { flopsPerS, bytesPerS, trials, row };
}

interface Bench {
  readonly runtime: Runtime;
  readonly device: Device;
  readonly dtype: FloatType;
  readonly tf32: boolean;
  readonly threads: number | undefined;
  readonly runs: number;
}

const MIB = 2 ** 20;

/** The largest caches hold half a GiB, and a Jetson has 8 GB for all. */
const defaultCopyBytes = ({ cuda }: Device): number =>
  cuda === null ? 256 * MIB : Math.min(1024 * MIB, 2 ** Math.floor(Math.log2(cuda.totalBytes / 16)));

/**
 * Nodes of a graph on a GPU: with one alone, starting a run and waiting for its end (some 50 us) would count. The optimizer is off,
 * so that equal nodes stay several.
 */
const nodesOf = ({ ep }: Device): number => (ep === "cpu" ? 1 : 8);

async function timeProducts(bench: Bench, edge: number): Promise<CeilingTrial> {
  const products = Math.max(1, nodesOf(bench.device) / 2);
  const graph = new Graph("products");
  const [a, b] = ["a", "b"].map((name) => graph.input(name, bench.dtype, [edge, edge]));
  for (let i = 0; i < products; i++) graph.output(`product_${i}`, ops.matmul(a!, b!));
  const ms = await bestOf(bench, graph);
  return {
    what: "gemm",
    graph: `MatMul ${edge}`,
    best_ms: ms,
    flops_per_s: (1000 * products * 2 * edge ** 3) / ms,
    bytes_per_s: null,
  };
}

async function timeCopies(bench: Bench, op: "Mul" | "Add", copyBytes: number): Promise<CeilingTrial> {
  const size = Math.floor(copyBytes / TYPES[bench.dtype].bytes);
  const graph = new Graph("copies");
  const x = graph.input("x", bench.dtype, [size]);
  // A number as an input, as a constant of the model is float32.
  const other = graph.input("other", bench.dtype, op === "Mul" ? [1] : [size]);
  let y: Value = x;
  const nodes = nodesOf(bench.device);
  for (let i = 0; i < nodes; i++) y = op === "Mul" ? ops.mul(y, other) : ops.add(y, other);
  graph.output("y", y);
  const ms = await bestOf(bench, graph);
  const moved = (op === "Mul" ? 2 : 3) * size * TYPES[bench.dtype].bytes;
  return {
    what: "copy",
    graph: `${op} ${Math.round(copyBytes / MIB)} MiB`,
    best_ms: ms,
    flops_per_s: null,
    bytes_per_s: (1000 * nodes * moved) / ms,
  };
}

/** The fastest of the timed runs, ms. */
async function bestOf({ runtime, device, tf32, threads, runs }: Bench, graph: Graph): Promise<number> {
  using session = runtime.createSession(encodeModel(graph), {
    device,
    optimization: "none",
    ...(threads !== undefined && { threads }),
    ...(device.ep === "cuda" && { cuda: { tf32 } }),
  });
  const values = [...graph.inputs, ...graph.outputs];
  const tensors = device.allocate(
    values.map(({ dtype, shape }) => ({ dtype, shape: shape as readonly number[] })),
  );
  try {
    using binding = session.bind();
    values.forEach(({ name }, i) => {
      const tensor = tensors[i]!;
      if (i >= graph.inputs.length) return binding.output(name, tensor);
      device.fill(tensor, (elements) => {
        fillRandom(elements as Float32Array | Uint16Array, tensor.dtype);
      });
      return binding.input(name, tensor);
    });
    for (let i = 0; i < WARM_UP_RUNS; i++) await session.run(binding);
    let best = Infinity;
    for (let i = 0; i < runs; i++) {
      const start = performance.now();
      await session.run(binding);
      best = Math.min(best, performance.now() - start);
    }
    return best;
  } finally {
    for (const tensor of tensors) tensor[Symbol.dispose]();
  }
}

const WARM_UP_RUNS = 2;

/** Distinct numbers before they repeat: more than a cache line, and filled at once. */
const PATTERN = 1 << 16;

/** Numbers from ⅛ to 1, of either sign. */
function fillRandom(elements: Float32Array | Uint16Array, dtype: Tensor["dtype"]): void {
  let state = 1;
  const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  // Bits of ⅛, and how many numbers there are from there to 1.
  const [eighth, numbers] = dtype === "float16" ? [0x3000, 0x0c00] : [0x3e00, 0x0180];
  const length = Math.min(PATTERN, elements.length);
  for (let i = 0; i < length; i++) {
    const sign = next() >>> 31;
    const place = next() / 2 ** 32;
    elements[i] =
      dtype === "float32"
        ? (sign ? -1 : 1) * (0.125 + 0.875 * place)
        : (sign << 15) | (eighth + Math.floor(place * numbers));
  }
  for (let done = length; done < elements.length; done *= 2)
    elements.copyWithin(done, 0, Math.min(done, elements.length - done));
}
