/**
 * The row: what producers (run, profile, the paper's data) hand to consumers (analyze, figures, claims).
 * One row is one sample. Every number carries its unit in its name; a value that was not measured is null,
 * never 0. This table is the authority: types, CSV parsing and the column list of data/README.md follow it.
 */

/** How a column is typed; `number[]` and `string[]` hold several values of one sample (e.g. every token's time). */
export type ColumnType = "string" | "number" | "boolean" | "number[]" | "string[]";

interface Column {
  readonly type: ColumnType;
  readonly unit: string;
  readonly about: string;
}

/** Every column a row may have: its type, unit and meaning. */
export const COLUMNS = {
  // What kind of reading this is and whether it succeeded.
  kind: {
    type: "string",
    unit: "",
    about:
      "latency, profiled_latency, memory, energy, operators, ceilings, accuracy or limit; kinds never mix in one fit",
  },
  status: {
    type: "string",
    unit: "",
    about:
      "ok, oom, failed, timeout, interrupted or skipped; an oom row is a finding, not an error; a skipped one was not tried",
  },
  status_reason: { type: "string", unit: "", about: "why status is not ok" },
  campaign: { type: "string", unit: "", about: "one sweep on one machine; `paper` for published data" },
  cell: { type: "string", unit: "", about: "key of the sweep point: samples of one cell share it" },

  // The model and how it is expressed.
  model: { type: "string", unit: "", about: "registry name" },
  hf_id: { type: "string", unit: "", about: "Hugging Face repository whose hyper-parameters are used" },
  family: { type: "string", unit: "", about: "transformer, ssm or hybrid" },
  weights: {
    type: "string",
    unit: "",
    about:
      "random (seeded; speed and memory do not depend on the values), a checkpoint: its folder's name and a hash as NAME@HASH (published rows: checkpoint), or exported (in the .onnx file measured)",
  },
  parameters: { type: "number", unit: "count", about: "parameters, tied tensors counted once" },
  dtype: {
    type: "string",
    unit: "",
    about:
      "fp32, fp16, bf16; int8, int4: of the weights of linear layers, beside fp32 on a CPU and fp16 on a GPU (published rows: as the artifact loaded it)",
  },
  quant_block: {
    type: "number",
    unit: "elements",
    about: "elements of a row of a quantised weight that share a scale",
  },
  quant_compute: {
    type: "string",
    unit: "",
    about:
      "what products with quantised weights compute in: float (the activations' type) or int8 (blocks of the activations are rounded too)",
  },
  lowering: {
    type: "string",
    unit: "",
    about: "how the SSM block is expressed in ONNX operators, in the prefill",
  },
  decode_lowering: { type: "string", unit: "", about: "the same when decoding" },
  fused_products: {
    type: "boolean",
    unit: "",
    about:
      "whether products of a decode step with weights are our own operator's; null: ONNX Runtime's or another engine's",
  },

  // The setting.
  device: { type: "string", unit: "", about: "the processor measured: CPU or GPU name" },
  ep: { type: "string", unit: "", about: "ONNX Runtime execution provider, or the engine of a foreign row" },
  ep_options: {
    type: "string[]",
    unit: "",
    about: "options of the execution provider that were set, as key=value",
  },
  cuda_graph: {
    type: "boolean",
    unit: "",
    about: "whether decode steps are replayed as a captured CUDA graph",
  },
  threads: { type: "number", unit: "count", about: "intra-operator threads (CPU)" },
  phase: { type: "string", unit: "", about: "prefill, decode or both" },
  batch: { type: "number", unit: "sequences", about: "sequences processed together" },
  prompt_tokens: { type: "number", unit: "tokens", about: "length of the prompt" },
  prompt: {
    type: "string",
    unit: "",
    about:
      "seeded (random token ids), or the file whose first tokens it is, with the first digits of its SHA-256; every row of a batch is the same",
  },
  new_tokens: { type: "number", unit: "tokens", about: "tokens generated, the first one included" },
  prefill: { type: "string", unit: "", about: "chunked (segments, state carried on) or monolithic" },
  segment_tokens: { type: "number", unit: "tokens", about: "length of a prefill segment" },
  logits: {
    type: "string",
    unit: "",
    about: "last (one position) or all (every position, as the paper did)",
  },
  method: { type: "string", unit: "", about: "how the reading was taken" },
  aggregated_samples: {
    type: "number",
    unit: "count",
    about: "1 for a raw sample; published means say how many passes they average",
  },
  repeat: { type: "number", unit: "index", about: "which repeat of the cell, from 0" },
  block: {
    type: "number",
    unit: "index",
    about:
      "which block of a block-randomised sweep, from 0: every block takes each cell once; null in sequence",
  },
  order_seed: { type: "number", unit: "", about: "seed that the cells of every block were shuffled with" },
  warmup_runs: {
    type: "number",
    unit: "count",
    about:
      "runs before the first sample, of the prompt's length; before a profile on a CPU of its first segment",
  },
  warmup_stable: {
    type: "boolean",
    unit: "",
    about: "whether the last two warm-up runs agreed within the set tolerance",
  },
  seed: { type: "number", unit: "", about: "seed of random weights and prompt" },

  // Latency.
  ttft_ms: {
    type: "number",
    unit: "ms",
    about: "time to first token: prompt on the host to first token id on the host",
  },
  tpot_ms: {
    type: "number",
    unit: "ms",
    about: "time per output token, (e2e_ms - ttft_ms)/(new_tokens - 1); published rows divide by new_tokens",
  },
  itl_ms: { type: "number[]", unit: "ms", about: "inter-token latency of every token after the first" },
  e2e_ms: { type: "number", unit: "ms", about: "prompt on the host to last token id on the host" },
  device_busy_ms: {
    type: "number",
    unit: "ms",
    about: "sum of kernel times inside the pass, where a profiler gave it",
  },
  decode_tokens_per_s: {
    type: "number",
    unit: "tokens/s",
    about: "tokens after the first per second of decoding",
  },
  overall_tokens_per_s: {
    type: "number",
    unit: "tokens/s",
    about: "(prompt_tokens + new_tokens) / e2e, as Figure 6b",
  },

  // Work: what a pass must compute and move at least, by the model's hyper-parameters and not by a measurement.
  prefill_flops: {
    type: "number",
    unit: "FLOP",
    about: "of the whole prompt and batch: linear layers, attention, convolutions, SSM scans, logits",
  },
  prefill_moved_bytes: {
    type: "number",
    unit: "bytes",
    about: "of the same, moved once: weights, cache, states, the residual stream of every layer, logits",
  },
  decode_flops: {
    type: "number",
    unit: "FLOP",
    about: "of one step of the whole batch, in the middle of the new tokens",
  },
  decode_moved_bytes: {
    type: "number",
    unit: "bytes",
    about: "of the same step: weights, visible cache, states, the residual stream, logits",
  },

  // Memory.
  weights_bytes: {
    type: "number",
    unit: "bytes",
    about: "weights as stored for the run; of an exported model the size of its files",
  },
  table_bytes: { type: "number", unit: "bytes", about: "computed tables, e.g. rotary positions" },
  kv_cache_bytes: {
    type: "number",
    unit: "bytes",
    about:
      "allocated key/value cache; of an exported model whose cache grows, the two buffers that take turns",
  },
  ssm_state_bytes: { type: "number", unit: "bytes", about: "one set of SSM states" },
  conv_state_bytes: { type: "number", unit: "bytes", about: "one set of convolution states" },
  peak_activation_bytes: {
    type: "number",
    unit: "bytes",
    about: "highest use of the sessions' allocators: activations, work space and constants",
  },
  reserved_bytes: {
    type: "number",
    unit: "bytes",
    about: "bytes the sessions' allocators hold, used or not",
  },
  arena_slack_bytes: {
    type: "number",
    unit: "bytes",
    about: "held by the allocators beyond their peak: reserved_bytes - peak_activation_bytes",
  },
  context_bytes: {
    type: "number",
    unit: "bytes",
    about:
      "what the process held beside weights, states and allocators when the sessions were ready: on a GPU the CUDA context, libraries and loaded kernels; on a CPU Node.js, libraries and packed weights",
  },
  residual_bytes: {
    type: "number",
    unit: "bytes",
    about:
      "process_device_bytes (CPU: process_rss_bytes) less context, weights, tables, caches, states, peak activations and arena slack: what runs added outside the allocators",
  },
  total_bytes: {
    type: "number",
    unit: "bytes",
    about:
      "what the model asks for: weights, tables, caches and states as held (SSM and convolution states twice), peak activations; not the arena's slack or the CPU kernels' packed copy of weights (published rows: as published)",
  },
  process_rss_bytes: { type: "number", unit: "bytes", about: "resident memory of the process after the run" },
  process_device_bytes: {
    type: "number",
    unit: "bytes",
    about:
      "by how much the memory in use on the GPU has grown since the process opened it (NVML), another process's growth included; its allocators never shrink, so also its peak. Without NVML: all that is in use",
  },
  failed_allocation_bytes: {
    type: "number",
    unit: "bytes",
    about: "of an oom row: the request that could not be met",
  },
  weights_upload_bytes_per_s: {
    type: "number",
    unit: "bytes/s",
    about: "rate at which the weights were copied to the GPU",
  },

  // Energy.
  energy_j: {
    type: "number",
    unit: "J",
    about: "energy of one pass of the stated phase, idle power included",
  },
  energy_error_j: {
    type: "number",
    unit: "J",
    about:
      "bound of the error of energy_j by when the sensor was read and what it cannot see; not of its calibration",
  },
  energy_net_j: { type: "number", unit: "J", about: "energy_j less the idle power before and after" },
  energy_net_error_j: { type: "number", unit: "J", about: "bound of the error of energy_net_j" },
  energy_per_token_j: {
    type: "number",
    unit: "J",
    about: "energy_j over the tokens of the pass: of the prompt, the decoded ones, or both; of all sequences",
  },
  energy_witness_j: {
    type: "number",
    unit: "J",
    about: "energy_j by the second witness: integrated power beside a counter",
  },
  energy_source: { type: "string", unit: "", about: "sensor of the energy" },
  energy_note: { type: "string", unit: "", about: "what makes the energy doubtful" },
  energy_passes: {
    type: "number",
    unit: "count",
    about: "passes in the window that energy_j is the mean of",
  },
  energy_window_ms: { type: "number", unit: "ms", about: "length of that window" },
  mean_power_w: { type: "number", unit: "W", about: "mean power in the window, idle power included" },
  idle_before_w: { type: "number", unit: "W", about: "power before the window, the model loaded" },
  idle_after_w: { type: "number", unit: "W", about: "the same after it" },
  temperature_before_c: { type: "number", unit: "C", about: "of the device before the window" },
  temperature_after_c: { type: "number", unit: "C", about: "the same after it" },

  // Operators.
  breakdown: {
    type: "string",
    unit: "",
    about: "three_class, fine or aux, as published; class: ours, one classifier for every profile",
  },
  op_class: { type: "string", unit: "", about: "operator class of the breakdown" },
  op_calls: { type: "number", unit: "count", about: "calls over all profiled passes" },
  op_passes: { type: "number", unit: "count", about: "profiled passes" },
  op_cpu_us: { type: "number", unit: "us", about: "host time over all passes" },
  op_device_us: { type: "number", unit: "us", about: "device time over all passes" },
  op_latency_us: {
    type: "number",
    unit: "us",
    about:
      "published rows: host + device time, which overlap (W1); ours: wall time of the nodes over all passes, launches on a GPU waiting for their kernels",
  },
  op_uniform_latency_us: {
    type: "number",
    unit: "us",
    about: "op_latency_us with one classifier for all profiles",
  },
  op_share_pct: {
    type: "number",
    unit: "%",
    about: "share of op_latency_us; ours: of the wall time of the profiled passes",
  },
  op_device_share_pct: { type: "number", unit: "%", about: "share of device time only" },
  op_uniform_share_pct: {
    type: "number",
    unit: "%",
    about: "share of op_latency_us with one classifier for all profiles",
  },
  op_uniform_device_share_pct: {
    type: "number",
    unit: "%",
    about: "share of device time with one classifier for all profiles",
  },
  op_input_bytes: {
    type: "number",
    unit: "bytes",
    about:
      "of the nodes' inputs over all passes, by their shapes: weights at every call, of a gather what it takes",
  },
  op_output_bytes: { type: "number", unit: "bytes", about: "of their outputs, the same way" },
  op_peak_bytes: {
    type: "number",
    unit: "bytes",
    about: "most that was in use in the session's allocator as a node of the class ended",
  },
  profiled_ms: {
    type: "number",
    unit: "ms",
    about: "wall time of one profiled pass, the mean of all: of a prompt, or of the tokens after the first",
  },
  unprofiled_ms: {
    type: "number",
    unit: "ms",
    about: "the same pass without profiler and waiting launches, the median of as many",
  },

  // Ceilings of a device, measured through ONNX Runtime.
  ceiling_flops_per_s: {
    type: "number",
    unit: "FLOP/s",
    about: "highest rate of products of square matrices in the row's dtype",
  },
  ceiling_bytes_per_s: {
    type: "number",
    unit: "bytes/s",
    about: "highest rate of moving memory, bytes read and written together",
  },

  // Accuracy and limits.
  task: { type: "string", unit: "", about: "benchmark task" },
  accuracy_pct: { type: "number", unit: "%", about: "score of the task" },
  shots: { type: "number", unit: "count", about: "solved examples in the prompt of the task" },
  max_prompt_tokens: { type: "number", unit: "tokens", about: "largest length that ran" },
  next_prompt_tokens: {
    type: "number",
    unit: "tokens",
    about: "next length of the published grid, which did not run",
  },
  memory_limit_bytes: {
    type: "number",
    unit: "bytes",
    about: "memory of the device, or the budget that emulates a smaller one",
  },

  // How far to trust it, and where it comes from.
  verdict: { type: "string", unit: "", about: "ok, suspect or rejected" },
  verdict_reasons: {
    type: "string[]",
    unit: "",
    about:
      "reason codes when the verdict is not ok: throttled, clock_drift, temperature_drift, foreign_process, unstable_warmup, window_too_short, few_samples, unverified_numerics, wrong_numerics, beyond_positions, energy_doubtful",
  },
  attempt: {
    type: "number",
    unit: "index",
    about: "0 for a sample's first reading; above, taken again as the verdict of the one before was not ok",
  },
  superseded: {
    type: "boolean",
    unit: "",
    about: "whether a later attempt replaces the sample, which then counts nowhere; set on reading",
  },
  gpu_clock_mhz: {
    type: "number",
    unit: "MHz",
    about:
      "mean clock of the GPU's processors while the sample was taken; of one too short for three readings, of the last 1.2 s",
  },
  gpu_temperature_c: { type: "number", unit: "C", about: "highest temperature of the GPU in that window" },
  power_cap_pct: {
    type: "number",
    unit: "%",
    about: "share of that window in which the power limit held the clocks down, which is no fault",
  },
  foreign_processes: { type: "number", unit: "count", about: "other processes on the GPU in that window" },
  foreign_cpus: {
    type: "number",
    unit: "CPUs",
    about: "CPUs' worth of time that others used while a sample on the CPU was taken, or in the last 0.5 s",
  },
  gate: {
    type: "string",
    unit: "",
    about:
      "numerical gate of this model and setting (`ssm-scope verify`): passed, failed or not-run; null where it is the reference itself, as an exported model on a CPU is",
  },
  figure: {
    type: "string",
    unit: "",
    about: "figures of the paper that show this row, separated by spaces",
  },
  panel: { type: "string[]", unit: "", about: "where in those figures, as `figure: panel`" },
  anomaly: { type: "string", unit: "", about: "what an audit of the row found" },
  source: { type: "string", unit: "", about: "artifact path of a published row; `measured` for ours" },
  measured_at: { type: "string", unit: "", about: "UTC time of the sample, ISO 8601" },
  host: { type: "string", unit: "", about: "name of the machine" },
  cpu_model: { type: "string", unit: "", about: "CPU as the operating system names it" },
  cpu_count: { type: "number", unit: "count", about: "logical CPUs available to the process" },
  memory_bytes: { type: "number", unit: "bytes", about: "memory of the machine" },
  os: { type: "string", unit: "", about: "operating system and release" },
  node_version: { type: "string", unit: "", about: "Node.js version" },
  ort_version: { type: "string", unit: "", about: "ONNX Runtime version of the library used" },
  gpu_driver: { type: "string", unit: "", about: "version of CUDA that the NVIDIA driver supports" },
  cuda_version: { type: "string", unit: "", about: "version of the CUDA runtime library in use" },
  ssm_scope_version: { type: "string", unit: "", about: "version of this package" },
  git_commit: { type: "string", unit: "", about: "commit of the checkout, with + when it had changes" },
} as const satisfies Record<string, Column>;

/** Name of a column of the schema. */
export type ColumnName = keyof typeof COLUMNS;

interface ValueOf {
  string: string;
  number: number;
  boolean: boolean;
  "number[]": number[];
  "string[]": string[];
}

/** One sample. A column that is absent or null was not measured or does not apply. */
export type Row = {
  [K in ColumnName]?: ValueOf[(typeof COLUMNS)[K]["type"]] | null;
};

/** Column names in schema order. */
export const COLUMN_NAMES = Object.keys(COLUMNS) as ColumnName[];
