import assert from "node:assert/strict";
import { createReadStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { UserError } from "../../src/errors.js";
import { importTorchTrace } from "../../src/profile/import-torch.js";
import { openProfile } from "../../src/profile/open-profile.js";
import type { TorchProfile } from "../../src/profile/torch-trace.js";

const FIXTURES = join(import.meta.dirname, "../fixtures/torch-trace");
const FACTS = { model: "tiny", prompt_tokens: 128 };

const summed = (profile: TorchProfile, key: "op_type" | "op_class"): Map<string, number> => {
  const sums = new Map<string, number>();
  for (const node of profile.nodes) sums.set(node[key], (sums.get(node[key]) ?? 0) + node.time_us);
  return sums;
};
const shares = ({ rows }: TorchProfile): number => rows.reduce((sum, row) => sum + row.op_share_pct!, 0);

/** Calls, self host time and self device time in us of each operator, by PyTorch itself. */
const averagesOf = (place: string): [string, [number, number, number]][] =>
  Object.entries(
    JSON.parse(readFileSync(join(FIXTURES, `${place}-averages.json`), "utf8")) as Record<
      string,
      [number, number, number]
    >,
  );

test("own times of a real trace of a CPU are PyTorch's own, and the classes sum to the steps", async () => {
  const { format, chunks } = await openProfile(createReadStream(join(FIXTURES, "cpu.json.gz")));
  assert.equal(format, "pytorch");
  const profile = await importTorchTrace(chunks, FACTS, "cpu.json.gz");
  const own = summed(profile, "op_type");
  const operators = averagesOf("cpu").filter(([name]) => name.startsWith("aten::"));
  assert.ok(operators.length > 40);
  for (const [name, [calls, selfUs]] of operators)
    // The trace rounds the times of each call.
    assert.ok(
      Math.abs((own.get(name) ?? 0) - selfUs) < 0.002 * calls,
      `${name}: ${own.get(name)}, ${selfUs}`,
    );
  assert.ok(Math.abs(shares(profile) - 100) < 1e-9);
  // Scopes have no time of their own: what Python took in them is in the gap.
  const [, [steps, stepSelf]] = averagesOf("cpu").find(([name]) => name === "ProfilerStep*")!;
  const scopeSelf = averagesOf("cpu").find(([name]) => name === "TinyRMSNorm_prof")![1][1];
  assert.ok(profile.rows.every(({ op_passes }) => op_passes === steps));
  const gap = profile.rows.find(({ op_class }) => op_class === "launch_gap")!.op_latency_us!;
  const betweenSteps = gap - stepSelf - scopeSelf;
  assert.ok(betweenSteps > 0 && betweenSteps < 100, `${betweenSteps} us between the steps`);
});

test("kernels of a real trace of a GPU take what PyTorch says, and go to the class of the operator that launched them", async () => {
  const { chunks } = await openProfile(createReadStream(join(FIXTURES, "cuda.json.gz")));
  const profile = await importTorchTrace(chunks, FACTS, "cuda.json.gz");
  const averages = averagesOf("cuda");
  // Operators have the device time of their kernels, which stand beside them without host time.
  const kernels = averages.filter(
    ([name, [, hostUs, deviceUs]]) => hostUs === 0 && deviceUs > 0 && !/^ProfilerStep|_prof$/.test(name),
  );
  const own = summed(profile, "op_type");
  assert.ok(kernels.length > 15);
  assert.deepEqual([...own.keys()].sort(), kernels.map(([name]) => name).sort());
  const near = (ours: number, [calls, , deviceUs]: [number, number, number], name: string): void => {
    assert.ok(Math.abs(ours - deviceUs) < 0.002 * calls, `${name}: ${ours}, ${deviceUs}`);
  };
  for (const [name, times] of kernels) near(own.get(name)!, times, name);
  const byClass = summed(profile, "op_class");
  const all = new Map(averages);
  near(byClass.get("attention")!, all.get("aten::_efficient_attention_forward")!, "attention");
  near(byClass.get("embedding")!, all.get("aten::gather")!, "embedding");
  near(byClass.get("sampling")!, all.get("aten::argmax")!, "sampling");
  near(byClass.get("host_device_copy")!, all.get("aten::_local_scalar_dense")!, "host_device_copy");
  assert.equal(profile.rows.find(({ op_class }) => op_class === "unclassified")!.op_latency_us, 0);
  assert.ok(Math.abs(shares(profile) - 100) < 1e-9);
});

test("the outermost operator that says what it is for decides", async () => {
  const text = gunzipSync(readFileSync(join(FIXTURES, "cpu.json.gz"))).toString();
  const { nodes, rows } = await importTorchTrace([text], FACTS);
  const classOf = (name: string, op_type: string): string | undefined =>
    nodes.find((one) => one.node === name && one.op_type === op_type)?.op_class;
  assert.equal(classOf("aten::linear", "aten::t"), "gemm");
  assert.equal(classOf("aten::scaled_dot_product_attention", "aten::transpose"), "attention");
  assert.equal(classOf("aten::conv1d", "aten::copy_"), "conv1d");
  assert.equal(classOf("TinyRMSNorm_prof", "aten::mul"), "normalization");
  assert.equal(classOf("aten::item", "aten::_local_scalar_dense"), "host_device_copy");
  assert.equal(rows.find(({ op_class }) => op_class === "unclassified")!.op_latency_us, 0);
});

// A pass on a GPU, by hand: 100 us, three operators, five kernels of which two overlap.
const on = (cat: string, name: string, ts: number, dur: number, args: object = {}): object => ({
  ph: "X",
  cat,
  name,
  pid: cat.startsWith("cpu") || cat.startsWith("cuda") ? 1 : 0,
  tid: cat.startsWith("cpu") || cat.startsWith("cuda") ? 1 : 7,
  ts,
  dur,
  args,
});
const GPU = [
  on("cpu_op", "aten::linear", 0, 10, { "External id": 1 }),
  on("cpu_op", "aten::addmm", 2, 6, { "External id": 2 }),
  on("cuda_runtime", "cudaLaunchKernel", 4, 2, { correlation: 11, "External id": 2 }),
  on("cpu_op", "MambaInnerFn", 10, 20, { "External id": 3 }),
  // Launched with no operator of its own around it.
  on("cuda_runtime", "cudaLaunchKernel", 12, 2, { correlation: 12 }),
  on("cpu_op", "aten::linear", 16, 4, { "External id": 4 }),
  on("cuda_runtime", "cudaLaunchKernel", 17, 2, { correlation: 13 }),
  on("cuda_runtime", "cudaLaunchKernel", 24, 2, { correlation: 14 }),
  on("cpu_op", "aten::item", 30, 70, { "External id": 5 }),
  on("kernel", "ampere_sgemm_128x64_tn", 20, 10, { "External id": 2, correlation: 11, stream: 7 }),
  on("kernel", "causal_conv1d_fwd_kernel", 30, 5, { "External id": 3, correlation: 12 }),
  on("kernel", "ampere_sgemm_32x32", 40, 20, { correlation: 13 }),
  // On another stream, half of it beside the one before.
  on("kernel", "selective_scan_fwd_kernel", 50, 20, { "External id": 3, correlation: 14 }),
  on("gpu_memcpy", "Memcpy DtoH (Device -> Pageable)", 80, 10, { "External id": 5 }),
];

test("kernels go to the operator that launched them, and no moment counts twice", async () => {
  const { rows, nodes } = await importTorchTrace([JSON.stringify({ traceEvents: GPU })], FACTS, "hand.json");
  const times = Object.fromEntries(
    rows.map(({ op_class, op_latency_us }) => [op_class!, op_latency_us ?? null]),
  );
  assert.deepEqual(times, {
    ssm_scan: 10,
    conv1d: 5,
    gemm: 30,
    host_device_copy: 10,
    // Of 100 us 55 with a kernel.
    launch_gap: 45,
    unclassified: 0,
  });
  assert.deepEqual(
    nodes.filter(({ op_class }) => op_class === "gemm").map(({ node, op_type }) => [node, op_type]),
    [
      // Inside the fused mixer, found by its launch alone.
      ["aten::linear", "ampere_sgemm_32x32"],
      ["aten::linear", "ampere_sgemm_128x64_tn"],
    ],
  );
  const gemm = rows.find(({ op_class }) => op_class === "gemm")!;
  assert.equal(gemm.op_device_us, 30);
  // Both linear layers: the product inside the first, and the launches, are part of them.
  assert.equal(gemm.op_cpu_us, 14);
  assert.equal(gemm.source, "hand.json");
  assert.ok(Math.abs(rows.reduce((sum, row) => sum + row.op_share_pct!, 0) - 100) < 1e-9);
});

test("in pieces of any size, compressed or not, a trace is the same", async () => {
  const packed = readFileSync(join(FIXTURES, "cpu.json.gz"));
  const plain = gunzipSync(packed);
  const pieces = (bytes: Buffer, size: number): Buffer[] =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
  const imported = await Promise.all(
    [[plain], pieces(plain, 9973), pieces(packed, 1), [gzipSync(plain, { level: 1 })]].map(async (chunks) => {
      const opened = await openProfile(chunks);
      return importTorchTrace(opened.chunks, FACTS);
    }),
  );
  for (const one of imported) assert.deepEqual(one, imported[0]);
});

test("what a file is is told by what it holds", async () => {
  const ort =
    '[\n{"cat" : "Session","pid" :1,"tid" :1,"dur" :9,"ts" :1,"ph" : "X","name" :"model_loading_array","args" : {}}]';
  assert.equal((await openProfile([ort])).format, "onnxruntime");
  assert.equal(
    (await openProfile([JSON.stringify({ schemaVersion: 1, traceEvents: [] })])).format,
    "pytorch",
  );
  await assert.rejects(openProfile(["model,ttft_ms\n"], "a.csv"), {
    name: "UserError",
    message: /^a\.csv begins with "model,ttft_ms\\n": it must be a profile of ONNX Runtime or/,
  });
  await assert.rejects(openProfile([Buffer.from([0x1f, 0x8b, 1, 2, 3])], "a.gz"), {
    message: /^a\.gz is no file packed with gzip, or not all of it: /,
  });
});

test("a trace that is none says where", async () => {
  const refused = (events: unknown[], message: RegExp): Promise<void> =>
    assert.rejects(
      importTorchTrace([JSON.stringify({ traceEvents: events })], FACTS, "bad.json"),
      (error) => error instanceof UserError && message.test(error.message),
    );
  await refused([], /^bad\.json has 0 events and no operator among them/);
  await refused(
    [GPU[0], { ...GPU[1], dur: "long" }],
    /^bad\.json: event 2 has dur "long": it must be a number/,
  );
  await refused([{ ...GPU[0], ts: null }], /^bad\.json: event 1 has ts null/);
  const cut = JSON.stringify({ traceEvents: GPU }).slice(0, 200);
  await assert.rejects(
    importTorchTrace([cut], FACTS, "cut.json"),
    /^UserError: cut\.json: .*after 200 bytes/,
  );
});
