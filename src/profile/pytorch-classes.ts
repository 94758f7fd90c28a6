import type { OpClass } from "./classes.js";

/** Classes of the paper's fine breakdown; `unclassified` is what its artifact put in none. */
export type PaperFineClass =
  | "ssm_scan"
  | "gemm"
  | "normalization"
  | "activation"
  | "logit_computation"
  | "arithmetic"
  | "memory"
  | "embedding"
  | "pooling"
  | "interpolation"
  | "roi"
  | "other"
  | "unclassified";

/** Classes of the paper's first breakdown. */
export type PaperClass = "ssm" | "gemm" | "non_gemm";

/** The classes of a PyTorch operator. */
export interface TorchClass {
  /** Ours. */
  readonly opClass: OpClass;
  readonly paper: PaperFineClass;
  /** Whether it holds work of several classes, so that operators and kernels inside it are classified on their own. */
  readonly mixed: boolean;
  /** Which line of the table decided. */
  readonly rule: string;
}

/** Raised whenever a line changes what a name is: rows of two versions are not one breakdown. */
export const PYTORCH_CLASSES_VERSION = 1;

/** What no class holds: the profiler's own steps, the pass itself, and the wait at its end. */
const EXCLUDED: readonly string[] = ["profilerstep*", "inference_prof", "cudadevicesynchronize"];

const aten = (names: string): string[] => names.split(/\s+/).map((name) => `aten::${name}`);

interface Line {
  readonly opClass: OpClass;
  readonly paper: PaperFineClass;
  readonly names: readonly string[];
  readonly mixed?: true;
}

/**
 * Every operator of the artifact's lists, by lower-case name. Where ours differs from the paper's: attention and convolutions
 * are no GEMM, softmax is part of an attention written out, and what makes the host wait for the device is neither
 * arithmetic nor memory (W1, W2 and W4 of the audit).
 */
const LINES: readonly Line[] = [
  {
    opClass: "ssm_scan",
    paper: "ssm_scan",
    // The whole mixer: its projections and norms too (W2).
    mixed: true,
    names: ["mambainnerfn", "mambasplitconv1dscancombinedfn"],
  },
  { opClass: "ssm_scan", paper: "ssm_scan", names: ["mambachunkscancombinedfn", "selectivescanfn"] },
  { opClass: "conv1d", paper: "ssm_scan", names: ["causalconv1dfn"] },
  {
    opClass: "conv1d",
    paper: "gemm",
    names: [...aten("conv1d conv_tbc conv_transpose1d thnn_conv_depthwise2d"), "conv1d", "segformerdwconv"],
  },
  {
    opClass: "gemm",
    paper: "gemm",
    names: [
      ...aten(
        `addbmm addmm baddbmm bmm conv2d conv3d conv_transpose2d conv_transpose3d dot einsum ger linear matmul matmul.out mm mv
        slow_conv3d slow_conv_dilated2d slow_conv_dilated3d slow_conv_transpose2d slow_conv_transpose3d thnn_conv2d`,
      ),
      "wqlinearmmfunction",
    ],
  },
  {
    opClass: "attention",
    paper: "gemm",
    names: aten(
      "_native_multi_head_attention _scaled_dot_product_efficient_attention scaled_dot_product_attention",
    ),
  },
  { opClass: "attention", paper: "logit_computation", names: aten("softmax") },
  {
    opClass: "normalization",
    paper: "normalization",
    names: [
      ...aten("batch_norm group_norm layer_norm"),
      "layernormfn",
      "detrfrozenbatchnorm2d_prof",
      "hymbarmsnorm_prof",
      "llamarmsnorm_prof",
      "mambarmsnorm_prof",
      "mixtralrmsnorm_prof",
      "qwen2rmsnorm_prof",
      "zamba2rmsnorm_prof",
      "zamba2rmsnormgated_prof",
      "triton_red_fused__to_copy_add_embedding_mean_mul_pow_rsqrt_0",
      "triton_red_fused__to_copy_add_mean_mul_pow_rsqrt_10",
      "triton_red_fused__to_copy_add_mean_mul_pow_rsqrt_7",
      "triton_red_fused__to_copy_add_mean_mul_pow_rsqrt_9",
    ],
  },
  {
    opClass: "activation",
    paper: "activation",
    names: [
      ...aten("gelu relu relu_ sigmoid silu softplus"),
      "newgeluactivation_prof",
      "triton_poi_fused_mul_silu_8",
    ],
  },
  {
    opClass: "arithmetic",
    paper: "arithmetic",
    names: [
      ...aten(
        `__and__ __or__ add add_ all any bitwise_and bitwise_not clamp cos cumsum div div_ eq exp exponential_ floor ge gt
        index_add_ le log2 lt max mean min mul mul_ ne neg pow rsqrt rsub sin sqrt sub sum`,
      ),
      "triton_poi_fused_add_all_bitwise_not_constant_pad_nd_eq_masked_fill_mul_6",
      "triton_poi_fused_add_cat_clone_mul_4",
      "triton_red_fused_add_all_eq_masked_fill_1",
    ],
  },
  { opClass: "sampling", paper: "arithmetic", names: aten("argmax") },
  { opClass: "host_device_copy", paper: "arithmetic", names: aten("is_nonzero") },
  { opClass: "host_device_copy", paper: "memory", names: aten("item") },
  {
    opClass: "memory",
    paper: "memory",
    names: [
      ...aten(
        `_unique2 _unsafe_view alias arange cat chunk clone concatenate contiguous copy_ detach detach_ empty empty_like expand
        expand_as fill_ flatten full full_like index index_put_ masked_fill masked_fill_ new_empty new_full new_ones new_zeros
        one_hot ones ones_like pad permute repeat reshape resize_ scatter select slice split split_with_sizes squeeze stack t
        tensor_split to transpose type_as unbind unsqueeze view where zero_ zeros zeros_like`,
      ),
      "triton_poi_fused__to_copy_11",
      "triton_poi_fused__to_copy_2",
      "triton_poi_fused__to_copy_3",
      "triton_poi_fused_clone_5",
    ],
  },
  // The profiler's list alone has it among the products.
  { opClass: "memory", paper: "gemm", names: aten("roll") },
  { opClass: "embedding", paper: "embedding", names: aten("embedding") },
  {
    opClass: "arithmetic",
    paper: "pooling",
    names: aten("adaptive_avg_pool1d adaptive_avg_pool2d max_pool2d"),
  },
  {
    opClass: "arithmetic",
    paper: "interpolation",
    names: aten("upsample_bilinear2d upsample_nearest2d"),
  },
  { opClass: "unclassified", paper: "roi", names: ["torchvision::nms", "torchvision::roi_align"] },
  { opClass: "arithmetic", paper: "other", names: aten("_assert_async argsort dropout sort") },
  { opClass: "sampling", paper: "other", names: aten("topk") },
  { opClass: "memory", paper: "other", names: aten("lift_fresh meshgrid triu") },
  { opClass: "launch_gap", paper: "other", names: ["torchdynamo cache lookup"] },
  // A name that does not say what was compiled; in Hymba it is the attention (W2).
  { opClass: "unclassified", paper: "other", names: ["torch-compiled region"], mixed: true },
];

/**
 * Operators and kernels that the artifact never saw, by what their names have in common; the first that fits decides. Only
 * for imported traces: the paper's breakdowns know no patterns.
 */
const PATTERNS: readonly (readonly [RegExp, OpClass])[] = [
  [/^memcpy (htod|dtoh)|^aten::(_local_scalar_dense|nonzero)/, "host_device_copy"],
  [/^(memcpy|memset)/, "memory"],
  // Compiled kernels are named for the operators that were fused.
  [/^triton_.*rsqrt/, "normalization"],
  [/^triton_.*softmax/, "attention"],
  [/^triton_.*(silu|gelu|relu|sigmoid)/, "activation"],
  [/^triton_(poi|red|per)_fused/, "arithmetic"],
  [/causal_?conv1d|conv1d/, "conv1d"],
  [
    /selective_?scan|chunk_scan|chunk_state|state_passing|bmm_chunk|mamba.*fn\b|selective_state_update/,
    "ssm_scan",
  ],
  [/attention|flash_(attn|fwd|bwd)|fmha/, "attention"],
  [/softmax/, "attention"],
  [/rms_?norm|(layer|group|batch)_?norm|norm(_prof|gated_prof)?$|vectorized_layer_norm/, "normalization"],
  [/(silu|gelu|relu|sigmoid|softplus|tanh|mish)(_|$|act|gated)/, "activation"],
  [/embedding/, "embedding"],
  [/multinomial|arg_?max|top_?k/, "sampling"],
  [
    /(^|[^a-z])(gemm|gemv|cutlass|xmma|addmm|matmul|mm|bmm|dot)([^a-z]|$)|gemm|mkldnn_linear|cublas|nvjet/,
    "gemm",
  ],
  [/convolution|conv2d|conv3d/, "conv1d"],
  [
    /copy|catarray|cat_array|index|gather|scatter|fill|transpose|as_strided|constant_pad|triu|tril|arange|flatten|narrow|resolve_(conj|neg)|movedim|swapaxes|repeat|roll/,
    "memory",
  ],
  [
    /elementwise|reduce|cumsum|logcumsumexp|_foreach|^aten::(abs|erf|sgn|sign|log|exp2|exp|pow|sum|mean|var|maximum|minimum|isin|logical|bitwise)/,
    "arithmetic",
  ],
];

const TABLE: ReadonlyMap<string, TorchClass> = new Map(
  LINES.flatMap(({ opClass, paper, names, mixed }) =>
    names.map((name) => [name, { opClass, paper, mixed: mixed ?? false, rule: `name ${name}` }]),
  ),
);

const NONE = { opClass: "unclassified", paper: "unclassified", mixed: false, rule: "none" } as const;

/** Names that the table has. */
export const TORCH_OPERATORS: readonly string[] = [...TABLE.keys()];

/**
 * The classes of an operator as PyTorch's profiler names it, in any case; null for what is in no breakdown (the profiler's
 * steps, the pass itself, the final wait for the device). A name that the table lacks is `unclassified`.
 */
export function torchClass(name: string): TorchClass | null {
  const key = name.toLowerCase().replace(/#\d+$/, "*");
  return EXCLUDED.includes(key) ? null : (TABLE.get(key) ?? NONE);
}

/** The same for any trace: a name that the table lacks is classified by what it has in common with others. */
export function guessTorchClass(name: string): TorchClass | null {
  const known = torchClass(name);
  if (known !== NONE) return known;
  const lower = name.toLowerCase();
  const pattern = PATTERNS.find(([expression]) => expression.test(lower));
  return pattern ? { ...NONE, opClass: pattern[1], rule: `pattern ${pattern[0].source}` } : NONE;
}

/** The paper's first breakdown, which puts what no fine class holds beside the rest that is no product. */
export function threeClass(fine: PaperFineClass): PaperClass {
  return fine === "ssm_scan" ? "ssm" : fine === "gemm" ? "gemm" : "non_gemm";
}
