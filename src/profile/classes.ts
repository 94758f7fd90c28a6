/**
 * The one classifier of operators. What a node is for is decided by the scope in its name first
 * (`/layers.3/mixer/ssm/MatMul` is part of a scan), by the type of its operator second. Tests hold both tables against all
 * operators of all graphs that this library builds, as ONNX Runtime runs them.
 */

/** Of the tables below: it rises with every change that moves an operator to another class. */
export const CLASSIFIER_VERSION = 1;

/** Classes in the order in which tables list them. */
export const OPERATOR_CLASSES = [
  "ssm_scan",
  "conv1d",
  "gemm",
  "attention",
  "normalization",
  "activation",
  "arithmetic",
  "memory",
  "embedding",
  "logits",
  "sampling",
  "host_device_copy",
  "launch_gap",
  "unclassified",
] as const;

/** What an operator is for. */
export type OpClass = (typeof OPERATOR_CLASSES)[number];

/** What of a node decides its class. */
export interface Operator {
  /** As in the graph, its scopes before its own name: `/layers.3/mixer/ssm/MatMul`. Absent or "": no scope is known. */
  readonly name?: string;
  /** As ONNX spells it, without its domain. */
  readonly opType: string;
}

/** A class, and what decided it. */
export interface Classified {
  readonly opClass: OpClass;
  /** One sentence: what decided. */
  readonly why: string;
}

/**
 * Where an entry of a table is to be seen: in the graphs that we build and ONNX Runtime's CPU provider runs (absent), only where
 * the CUDA provider runs them, or only in graphs of other programs.
 */
export type Origin = "cuda" | "foreign";

interface ScopeRule {
  /** Matches the names of the scopes, without the node's own: `/layers.3/mixer/ssm`. */
  readonly scope: RegExp;
  readonly opClass: OpClass;
  /** Operators whose type makes them one of these stay so: a projection inside an attention is still a product. */
  readonly except?: readonly OpClass[];
  readonly about: string;
  readonly origin?: Origin;
}

/** The first that matches decides. A scope that is in none leaves the decision to the type. */
export const SCOPE_RULES: readonly ScopeRule[] = [
  { scope: /\/sample$/, opClass: "sampling", about: "the choice of the next token" },
  { scope: /\/head$/, opClass: "logits", about: "from the last hidden states to the logits" },
  { scope: /\/lm_head$/, opClass: "logits", about: "an exported language model's head", origin: "foreign" },
  { scope: /\/embed$/, opClass: "embedding", about: "token and position embeddings" },
  {
    scope: /\/(embed_tokens|embeddings|wte|wpe)$/,
    opClass: "embedding",
    about: "an exported embedding",
    origin: "foreign",
  },
  {
    scope: /\/ssm(\/|$)/,
    opClass: "ssm_scan",
    except: ["normalization"],
    about: "the scan with all that makes its decays, inputs and states",
  },
  { scope: /\/conv(\/|$)/, opClass: "conv1d", about: "the causal convolution before a scan" },
  { scope: /\/conv1d(\/|$)/, opClass: "conv1d", about: "an exported convolution", origin: "foreign" },
  { scope: /\/window$/, opClass: "attention", about: "which keys a sliding window shows" },
  {
    scope: /\/mixer\/attention(\/|$)/,
    opClass: "attention",
    about: "attention of a hybrid mixer, whose projections are outside of it",
  },
  {
    scope: /\/attention(\/|$)/,
    opClass: "attention",
    except: ["gemm", "normalization"],
    about: "attention; its projections are products",
  },
  {
    scope: /\/(self_attn|attn)$/,
    opClass: "attention",
    except: ["normalization"],
    about: "scores and values of an exported attention",
    origin: "foreign",
  },
  {
    scope: /\/(self_attn|attn)\//,
    opClass: "attention",
    except: ["gemm", "normalization"],
    about: "part of an exported attention; its projections are products",
    origin: "foreign",
  },
];

interface TypeEntry {
  readonly ours?: readonly string[];
  readonly cuda?: readonly string[];
  readonly foreign?: readonly string[];
}

/** Types of operators by the class that they are where no scope decides. */
export const TYPE_RULES: Readonly<Partial<Record<OpClass, TypeEntry>>> = {
  ssm_scan: { ours: ["LinearAttention", "SelectiveScan", "SsdScan"] },
  conv1d: { ours: ["CausalConv", "CausalConvWithState"], foreign: ["Conv", "FusedConv", "ConvInteger"] },
  gemm: {
    ours: ["MatMul", "FusedMatMul", "MatMulNBits"],
    cuda: ["Linear"],
    foreign: [
      "Gemm",
      "FusedGemm",
      "Einsum",
      "MatMulInteger",
      "MatMulIntegerToFloat",
      "DynamicQuantizeMatMul",
      "QLinearMatMul",
      "QGemm",
      "MatMulBnb4",
      "FusedMatMulActivation",
      "GemmFloat8",
      "MoE",
      "QMoE",
    ],
  },
  attention: {
    ours: ["GroupQueryAttention", "RotaryEmbedding", "Softmax"],
    foreign: [
      "Attention",
      "MultiHeadAttention",
      "PackedMultiHeadAttention",
      "PackedAttention",
      "PagedAttention",
      "DecoderMaskedMultiHeadAttention",
      "DecoderMaskedSelfAttention",
      "SparseAttention",
      "QAttention",
      "LogSoftmax",
      "BiasSoftmax",
      "GemmaRotaryEmbedding",
    ],
  },
  normalization: {
    ours: [
      "LayerNormalization",
      "SimplifiedLayerNormalization",
      "SkipLayerNormalization",
      "SkipSimplifiedLayerNormalization",
      "ResidualNorm",
    ],
    foreign: [
      "RMSNormalization",
      "EmbedLayerNormalization",
      "BatchNormalization",
      "GroupNorm",
      "SkipGroupNorm",
      "GroupNormalization",
      "InstanceNormalization",
      "LpNormalization",
    ],
  },
  activation: {
    ours: ["Erf", "FastGelu", "Gelu", "QuickGelu", "Sigmoid", "Softplus", "Tanh"],
    foreign: [
      "BiasGelu",
      "Relu",
      "LeakyRelu",
      "Clip",
      "Elu",
      "Selu",
      "HardSigmoid",
      "HardSwish",
      "Mish",
      "PRelu",
      "Swish",
      "ThresholdedRelu",
    ],
  },
  arithmetic: {
    ours: [
      "Add",
      "And",
      "CumSum",
      "Div",
      "Equal",
      "Exp",
      "LessOrEqual",
      "Log",
      "Min",
      "Mod",
      "Mul",
      "ReduceMax",
      "ReduceMin",
      "ReduceSum",
      "Sub",
    ],
    foreign: [
      "Abs",
      "ArgMax",
      "ArgMin",
      "BitwiseAnd",
      "BitwiseOr",
      "Ceil",
      "Cos",
      "Floor",
      "Greater",
      "GreaterOrEqual",
      "IsInf",
      "IsNaN",
      "Less",
      "Max",
      "Mean",
      "Neg",
      "Not",
      "Or",
      "Pow",
      "Reciprocal",
      "ReduceL2",
      "ReduceMean",
      "ReduceProd",
      "ReduceSumSquare",
      "Round",
      "Sign",
      "Sin",
      "Sqrt",
      "Sum",
      "TopK",
      "Xor",
    ],
  },
  memory: {
    ours: [
      "Cast",
      "Concat",
      "Gather",
      "Pad",
      "Reshape",
      "Shape",
      "Slice",
      "Split",
      "Transpose",
      "Trilu",
      "Unsqueeze",
      "Where",
    ],
    foreign: [
      "Constant",
      "ConstantOfShape",
      "DequantizeLinear",
      "DynamicQuantizeLinear",
      "Expand",
      "EyeLike",
      "Flatten",
      "GatherBlockQuantized",
      "GatherElements",
      "GatherND",
      "Identity",
      "NonZero",
      "OneHot",
      "QuantizeLinear",
      "Range",
      "ReorderInput",
      "ReorderOutput",
      "ScatterElements",
      "ScatterND",
      "Size",
      "Squeeze",
      "Tile",
    ],
  },
  host_device_copy: { cuda: ["MemcpyFromHost", "MemcpyToHost"] },
};

const BY_TYPE = new Map<string, OpClass>(
  Object.entries(TYPE_RULES).flatMap(([opClass, { ours = [], cuda = [], foreign = [] }]) =>
    [...ours, ...cuda, ...foreign].map((type): [string, OpClass] => [type, opClass as OpClass]),
  ),
);

/** The class of an operator, and what decided it. One that no table knows is `unclassified`; it is never left out. */
export function classify({ name = "", opType }: Operator): Classified {
  const byType = BY_TYPE.get(opType);
  // Wherever it stands, a copy between the memories is the runtime's and not the model's.
  if (byType === "host_device_copy")
    return { opClass: byType, why: `${opType} copies between host and device` };
  const scope = scopeOf(name);
  const rule = SCOPE_RULES.find((one) => one.scope.test(scope));
  if (rule && !(byType && rule.except?.includes(byType)))
    return { opClass: rule.opClass, why: `the scope ${scope} is ${rule.opClass}: ${rule.about}` };
  if (byType === undefined)
    return { opClass: "unclassified", why: `the classifier knows neither its scope nor the type ${opType}` };
  const because = rule ? `inside the scope ${scope} too` : "no scope decides";
  return { opClass: byType, why: `the type ${opType} is ${byType}: ${because}` };
}

/** Why an operator is in its class, as one sentence. */
export const why = (operator: Operator): string => classify(operator).why;

/**
 * The scopes of a node's name: `/layers.3/mixer/ssm` of `/layers.3/mixer/ssm/MatMul_1`. "" where the name is no path, as of
 * nodes that ONNX Runtime inserts (`InsertedPrecisionFreeCast_/layers.0/…`): they are none of the scope's own work.
 */
export const scopeOf = (name: string): string =>
  name.startsWith("/") ? name.slice(0, name.lastIndexOf("/")) : "";

/** The layer that a node belongs to, counted from 0; null outside of layers. */
export function layerOf(name: string): number | null {
  const layer = /\/(?:layers?|h|blocks?)[./](\d+)(?:\/|$)/.exec(scopeOf(name))?.[1];
  return layer === undefined ? null : Number(layer);
}

/** Breakdowns of the paper: its three classes, and its finer ones. */
export type PaperBreakdown = "three_class" | "fine";

const PAPER: Record<OpClass, Record<PaperBreakdown, string> | null> = {
  ssm_scan: { three_class: "ssm", fine: "ssm_scan" },
  conv1d: { three_class: "ssm", fine: "ssm_scan" },
  gemm: { three_class: "gemm", fine: "gemm" },
  // The paper counts attention and the head among the products.
  attention: { three_class: "gemm", fine: "gemm" },
  logits: { three_class: "gemm", fine: "gemm" },
  normalization: { three_class: "non_gemm", fine: "normalization" },
  activation: { three_class: "non_gemm", fine: "activation" },
  arithmetic: { three_class: "non_gemm", fine: "arithmetic" },
  sampling: { three_class: "non_gemm", fine: "arithmetic" },
  memory: { three_class: "non_gemm", fine: "memory" },
  host_device_copy: { three_class: "non_gemm", fine: "memory" },
  embedding: { three_class: "non_gemm", fine: "embedding" },
  // Time in which no operator ran: the paper drops it.
  launch_gap: null,
  unclassified: { three_class: "non_gemm", fine: "unclassified" },
};

/**
 * The paper's class of ours; null for what it leaves out. Three of its classes have none of ours: `logit_computation`, the
 * softmax of an attention, is in our `attention`; `pooling`, `interpolation`, `roi` and `other` do not occur in these models.
 */
export const toPaperClass = (opClass: OpClass, breakdown: PaperBreakdown): string | null =>
  PAPER[opClass]?.[breakdown] ?? null;
