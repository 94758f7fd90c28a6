/**
 * Reads a synthetic profile of the given size and prints what was read, in which time and memory: a process of its own, as
 * the memory that counts is the process's. Usage: node --import tsx test/bench/profile.ts BYTES
 */
import { readProfile } from "../../src/profile/index.js";

const LAYERS = 48;
const NODES_A_LAYER = 40;

/** An event of a node as ONNX Runtime writes it, statistics of its threads included. */
const nodeEvent = (layer: number, node: number): string =>
  `{"cat" : "Node","pid" :27036,"tid" :27044,"dur" :96,"ts" :${1000 * layer + 25 * node},"ph" : "X","name" :"/layers.${layer}/mixer/ssm/Mul_${node}_kernel_time","args" : {"activation_size" : "1024","node_index" : "0","op_name" : "Mul","mem_arena_held_delta" : "1048576","mem_bytes_in_use" : "473404","provider" : "CPUExecutionProvider","mem_in_use_peak" : "473404","output_type_shape" : [{"float":[1,64,128]}],"parameter_size" : "0","mem_requested_in_use_delta" : "64","mem_bytes_requested_in_use" : "473212","output_size" : "64","mem_arena_held" : "1521724","input_type_shape" : [{"float":[1,64,128]},{"float":[1,64,128]}],"mem_in_use_delta" : "256","thread_scheduling_stats" : {"main_thread": {"thread_pool_name": "session-3-intra-op", "thread_id": "140597540939456", "block_size": [], "core": 0, "Distribution": 0, "DistributionEnqueue": 0, "Run": 0, "Wait": 0, "WaitRevoke": 0}, "sub_threads": {"140564083234496": {"num_run": 0, "core": -1}}}}},\n`;

const RUN = `{"cat" : "Session","pid" :27036,"tid" :27044,"dur" :48000,"ts" :0,"ph" : "X","name" :"model_run","args" : {}},\n`;

/** One run, 2 MB. */
const run = Buffer.from(
  Array.from({ length: LAYERS * NODES_A_LAYER }, (_, i) =>
    nodeEvent(Math.floor(i / NODES_A_LAYER), i % NODES_A_LAYER),
  ).join("") + RUN,
);

const PIECE = 1 << 16;

function* pieces(bytes: number): Generator<Uint8Array> {
  yield Buffer.from("[\n");
  for (let written = 0; written < bytes; written += run.length)
    for (let at = 0; at < run.length; at += PIECE) yield run.subarray(at, at + PIECE);
  yield Buffer.from("{}]\n");
}

const bytes = Number(process.argv[2] ?? 1e9);
const start = performance.now();
const { runs, events, nodes } = await readProfile(pieces(bytes));
const seconds = (performance.now() - start) / 1000;
const peakRssMb = process.resourceUsage().maxRSS / 1024;
console.log(
  JSON.stringify({
    bytes: Math.ceil(bytes / run.length) * run.length,
    runs,
    events,
    nodes: nodes.length,
    seconds,
    peakRssMb,
  }),
);
