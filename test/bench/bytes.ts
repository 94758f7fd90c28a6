/**
 * What the layers of a model move through a GPU's memory in a fused prefill, beside the least that is left to move once
 * matrix products read and write it: `npm run bench:bytes -- [MODEL…]`. Counted from the graph that is measured, every
 * section that a node reads or writes once; what our operators put into scratch memory as their kernels do (src/ort/ops).
 */
import { buildModel, findModel, type Model } from "../../src/models/index.js";
import { TYPES, type Node, type Value } from "../../src/graph/index.js";

/** Tokens that share one reading of the weights: a segment of the prefill. */
const SEGMENT = 8192;
/** Tokens of a chunk of the SSD scan, after which its state goes through memory: written, read, written, read. */
const CHUNK = 128;
/** log decay and Δ / scale of a token and head in float32: written once, read by two kernels. */
const STEP_BYTES = 3 * 2 * 4;

const CLASSES = ["products", "convolution", "scan", "other"] as const;
type Class = (typeof CLASSES)[number];

/** Bytes of `channels` numbers, or of all that a value [batch, tokens, …] has for a token; 0 where it has no tokens. */
function perToken({ shape, dtype }: Value, channels?: number): number {
  if (!shape.includes("tokens")) return 0;
  return (channels ?? numbers(shape).reduce((product, dim) => product * dim, 1)) * TYPES[dtype].bytes;
}

const numbers = (shape: Value["shape"]): number[] => shape.filter((dim) => typeof dim === "number");

function scanBytes({ op, inputs, outputs, attributes }: Node): number {
  const [x, step, , , , a, , past, gate, normWeight] = inputs as Value[];
  const y = perToken(outputs[0]!);
  const width = TYPES[x!.dtype].bytes;
  const gated = gate ? y : 0;
  if (op === "SelectiveScan") {
    const [channels, state] = numbers(a!.shape) as [number, number];
    // The runs of tokens that are scanned side by side are read before, for the states they begin with.
    const first = y + perToken(step!, channels) + state * width;
    return 2 * first + state * width + gated + y;
  }
  const [heads, state, headDim] = numbers(past!.shape) as [number, number, number];
  const directions = (attributes.groups as number) * state * width;
  const steps = heads * (width + STEP_BYTES);
  const states = (4 * heads * state * headDim * width) / CHUNK;
  // Both passes read x and b, the second one c too.
  return steps + 2 * y + 3 * directions + states + gated + y + (normWeight ? 2 * y : 0);
}

function bytesOf(node: Node): [Class, number] {
  const out = node.outputs.reduce((sum, value) => sum + (value ? perToken(value) : 0), 0);
  const into = node.inputs.reduce((sum, value) => sum + (value ? perToken(value) : 0), 0);
  if (node.op === "CausalConv") return ["convolution", 2 * out];
  if (node.op === "SelectiveScan" || node.op === "SsdScan") return ["scan", scanBytes(node)];
  return [/MatMul/.test(node.op) ? "products" : "other", into + out];
}

/** Kilobytes a token and layer by class, those of the weights, and the least. */
function trafficOf(model: Model) {
  const { graph } = buildModel(model, {
    dtype: "float16",
    lowering: "fused",
    separateProducts: true,
    oneToken: false,
    logits: "last",
    positions: SEGMENT,
    tokensMultipleOf: CHUNK,
  });
  const layers = graph.nodes.filter(({ name }) => /\/layers\.\d+/.test(name));
  const count = new Set(layers.map(({ name }) => /\/layers\.(\d+)/.exec(name)![1])).size;
  const kilobytes = Object.fromEntries(CLASSES.map((name) => [name, 0])) as Record<Class, number>;
  for (const node of layers) {
    const [kind, bytes] = bytesOf(node);
    kilobytes[kind] += bytes / count / 1000;
  }
  const used = new Set(layers.flatMap(({ inputs }) => inputs));
  const weightBytes = graph.weights
    .filter(({ value }) => used.has(value))
    .reduce((sum, { byteLength }) => sum + byteLength, 0);
  const weights = weightBytes / count / SEGMENT / 1000;
  const moved = Object.values(kilobytes).reduce((sum, part) => sum + part, weights);
  return { ...kilobytes, weights, moved, least: kilobytes.products + weights };
}

const names = process.argv.slice(2);
const models = names.length > 0 ? names : ["mamba-130m", "mamba-790m", "mamba2-780m", "falcon-h1-0.5b"];
console.log(
  `kB a token and layer, float16, segments of ${SEGMENT} tokens; least: products and weights alone\n`,
);
const rounded = (number: number): number => Math.round(number * 10) / 10;
console.table(
  Object.fromEntries(
    models.map((name) => {
      const traffic = trafficOf(findModel(name));
      const columns = Object.entries(traffic).map(([column, value]) => [column, rounded(value)]);
      return [
        name,
        { ...Object.fromEntries(columns), "moved / least": rounded(traffic.moved / traffic.least) },
      ];
    }),
  ),
);
