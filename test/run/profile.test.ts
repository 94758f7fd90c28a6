import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import { UserError } from "../../src/errors.js";
import type { Model } from "../../src/models/index.js";
import { OPERATOR_CLASSES, type NodeRow, type TraceEvent } from "../../src/profile/index.js";
import { loadRows, type Row } from "../../src/record/index.js";
import {
  InterruptedError,
  profile,
  readProfileFile,
  type ProfileResult,
  type ProfileRun,
} from "../../src/run/index.js";
import { temporaryFolder } from "../support/temporary.js";

/** So wide that a step takes milliseconds: what is around runs must be little of a pass, as it is of real models. */
const WIDE: Model = {
  name: "wide-mamba2",
  family: "ssm",
  hfId: "none",
  parameters: 1,
  source: "made up for tests",
  arch: "mamba2",
  config: {
    vocab_size: 8192,
    hidden_size: 1024,
    num_hidden_layers: 2,
    expand: 2,
    num_heads: 32,
    head_dim: 64,
    n_groups: 1,
    state_size: 64,
    conv_kernel: 4,
    layer_norm_epsilon: 1e-5,
  },
};

/** Where only what is done with it counts. */
const NARROW: Model = {
  ...WIDE,
  name: "narrow-mamba2",
  config: { ...WIDE.config, vocab_size: 64, hidden_size: 64, num_heads: 2 },
};

const SETTINGS = {
  models: [WIDE],
  promptTokens: [128],
  newTokens: 3,
  passes: 2,
  lowering: "ssd-matmul",
  progress: "none",
} as const;

const PHASES = ["prefill", "decode"] as const;

const total = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0);

suite("a profile of our own", () => {
  const folder = temporaryFolder();
  const out = join(folder, "campaign");
  const trace = join(folder, "trace.json");
  let result: ProfileResult;
  let rows: Row[];
  let runs: ProfileRun[];
  let nodes: (NodeRow & { phase: string })[];
  before(async () => {
    result = await profile({ ...SETTINGS, out, trace });
    rows = result.rows.objects();
    runs = result.runs.objects() as ProfileRun[];
    nodes = result.nodes.objects() as (NodeRow & { phase: string })[];
  });
  test("classes and gaps sum to the wall time of the profiled passes", () => {
    assert.deepEqual(
      runs.map(({ phase }) => phase),
      PHASES,
    );
    for (const { phase, sum_error_pct, unclassified_pct, profiled_ms, unprofiled_ms, inflation } of runs) {
      const mine = rows.filter((row) => row.phase === phase);
      const sumMs = total(mine.map((row) => row.op_latency_us!)) / 1000 / 2;
      // These passes take milliseconds, of which a busy machine takes its part before and after the run.
      assert.ok(
        Math.abs(sumMs / profiled_ms! - 1) < (phase === "decode" ? 0.25 : 0.1),
        `${phase}: ${sumMs} of ${profiled_ms} ms`,
      );
      assert.ok(Math.abs(100 + sum_error_pct! - total(mine.map((row) => row.op_share_pct!))) < 1e-6);
      assert.equal(unclassified_pct, 0);
      assert.ok(unprofiled_ms! > 0);
      assert.equal(inflation, profiled_ms! / unprofiled_ms!);
    }
  });

  test("a class has the time and the calls of its nodes", () => {
    for (const phase of PHASES)
      for (const opClass of OPERATOR_CLASSES) {
        const mine = nodes.filter((node) => node.phase === phase && node.op_class === opClass);
        const row = rows.find((one) => one.phase === phase && one.op_class === opClass);
        if (opClass === "launch_gap") assert.equal(row!.op_calls, phase === "prefill" ? 2 : 2 * 2);
        else {
          assert.equal(row?.op_latency_us ?? 0, total(mine.map(({ time_us }) => time_us)));
          assert.equal(row?.op_calls ?? 0, total(mine.map(({ calls }) => calls)));
        }
      }
  });

  test("nodes: every pass ran every layer, with its weights among the inputs", () => {
    const products = nodes.filter((node) => node.phase === "prefill" && node.op_class === "gemm");
    assert.deepEqual(
      products.map(({ node, calls, layer }) => [node, calls, layer]).sort(),
      [0, 1].flatMap((layer) =>
        ["FusedMatMul", "FusedMatMul_1"].map((name) => [`/layers.${layer}/mixer/${name}`, 2, layer]),
      ),
    );
    const out = products.find(({ node }) => node === "/layers.1/mixer/FusedMatMul_1")!;
    assert.equal(out.inputs, "float[1,128,2048] float[1024,2048]");
    assert.equal(out.outputs, "float[1,128,1024]");
    assert.equal(out.input_bytes, 2 * 4 * 2048 * (128 + 1024));
  });

  test("rows say the setting and the machine as those of run do, and are on disk", async () => {
    for (const row of rows) {
      assert.deepEqual(
        [row.kind, row.breakdown, row.method, row.op_passes, row.op_device_us ?? null],
        ["operators", "class", "ort_profiler", 2, null],
      );
      for (const column of ["cell", "dtype", "lowering", "device", "ort_version", "host"] as const)
        assert.ok(row[column], column);
    }
    const file = join(out, "rows.jsonl");
    const read = loadRows(file).objects() as Row[];
    assert.deepEqual(
      read.map(({ op_class, op_latency_us }) => [op_class, op_latency_us]),
      rows.map(({ op_class, op_latency_us }) => [op_class, op_latency_us]),
    );
    const more = await profile({ ...SETTINGS, models: [NARROW], phase: "prefill", passes: 1, out });
    assert.equal(loadRows(file).numRows(), rows.length + more.rows.numRows());
  });

  test("the trace has a lane for each class, which holds the time of the class", () => {
    const { traceEvents } = JSON.parse(readFileSync(trace, "utf8")) as { traceEvents: TraceEvent[] };
    const lanes = new Map<string, string>();
    for (const { ph, name, pid, tid, args } of traceEvents)
      if (ph === "M" && name === "thread_name") lanes.set(`${pid}/${tid}`, String(args!.name));
    const lane = ({ pid, tid }: TraceEvent): string => lanes.get(`${pid}/${tid}`)!;
    for (const [i, phase] of PHASES.entries()) {
      const mine = traceEvents.filter(({ ph, pid }) => ph === "X" && pid === i + 1);
      for (const event of mine) {
        assert.ok(Number.isFinite(event.ts) && event.dur! >= 0 && lane(event));
        assert.ok(event.ts! > -1000, "times count from the first pass");
      }
      for (const { op_class, op_latency_us } of rows.filter((row) => row.phase === phase)) {
        const inLane = total(mine.filter((event) => lane(event) === op_class).map(({ dur }) => dur!));
        // What is between runs is a gap too, and in no profile.
        if (op_class === "launch_gap") assert.ok(inLane > 0 && inLane <= op_latency_us!);
        else assert.equal(inLane, op_latency_us);
      }
    }
    const counters = traceEvents.filter(({ ph, name }) => ph === "C" && name === "allocator");
    assert.ok(counters.some(({ args }) => (args!.bytes as number) > 0));
    assert.ok(traceEvents.every(({ ph }) => ["M", "X", "C"].includes(ph!)));
  });
});

test("of a prompt in segments every pass has all of them, and none of the warm-up, which is the first alone", async () => {
  const settings = {
    ...SETTINGS,
    models: [NARROW],
    promptTokens: [64],
    segmentTokens: 16,
    phase: "prefill",
  } as const;
  const { rows, nodes } = await profile(settings);
  const [row] = rows.objects() as Row[];
  assert.ok(row!.warmup_runs! >= 2);
  const product = (nodes.objects() as NodeRow[]).find(({ op_class }) => op_class === "gemm")!;
  assert.equal(product.calls, 2 * 4);
  assert.match(product.outputs, /^float\[1,16,/);
});

suite("a profile in a process of its own, as on a GPU", () => {
  const own = { ...SETTINGS, models: [NARROW], isolate: "cell", passes: 1 } as const;

  test("has the same classes", async () => {
    const { rows, runs } = await profile({ ...own, phase: "decode" });
    const [run] = runs.objects() as ProfileRun[];
    assert.deepEqual([run!.phase, run!.status], ["decode", "ok"]);
    const classes = (rows.objects() as Row[]).map(({ op_class }) => op_class);
    for (const wanted of ["ssm_scan", "conv1d", "gemm", "logits", "launch_gap"])
      assert.ok(classes.includes(wanted), wanted);
  });

  test("a stop ends it", async () => {
    const stop = new AbortController();
    const stopped = profile({ ...own, signal: stop.signal });
    setTimeout(() => {
      stop.abort();
    }, 100);
    await assert.rejects(stopped, InterruptedError);
  });
});

test("what makes no sense is refused before anything runs", async () => {
  const refused = async (options: object, message: RegExp): Promise<void> => {
    await assert.rejects(
      profile({ ...SETTINGS, ...options }),
      (error) => error instanceof UserError && message.test(error.message),
    );
  };
  await refused({ phase: "decode", newTokens: 1 }, /the first is the prefill's; decoding needs 2 or more/);
  await refused({ phase: "both ends" }, /the phase is "both ends"; it must be "prefill" or/);
  await refused({ passes: 0 }, /the number of passes is 0/);
  await refused({ models: ["no-such"] }, /no-such/);
});

suite("a profile of another program", () => {
  const folder = temporaryFolder();
  const events = [
    ...[0, 100].flatMap((ts) => [
      {
        cat: "Node",
        name: "/model/layers.0/attn/GroupQueryAttention_kernel_time",
        ts: ts + 10,
        dur: 50,
        args: { op_name: "GroupQueryAttention", provider: "CUDAExecutionProvider" },
      },
      { cat: "Node", name: "odd_kernel_time", ts: ts + 60, dur: 20, args: { op_name: "NeverHeardOf" } },
      { cat: "Session", name: "model_run", ts, dur: 100 },
    ]),
  ];

  test("is summed through the same classes; what no table knows makes it suspect", async () => {
    const file = join(folder, "theirs.json.gz");
    writeFileSync(file, gzipSync(JSON.stringify(events)));
    const { rows, runs } = await readProfileFile(file, { skipRuns: 1, phase: "decode" });
    assert.deepEqual(
      (rows.objects() as Row[]).map((row) => [
        row.model,
        row.phase,
        row.op_class,
        row.op_share_pct,
        row.verdict,
      ]),
      [
        ["theirs", "decode", "attention", 50, "suspect"],
        ["theirs", "decode", "launch_gap", 30, "suspect"],
        ["theirs", "decode", "unclassified", 20, "suspect"],
      ],
    );
    const [run] = runs.objects() as ProfileRun[];
    assert.deepEqual([run!.profiled_ms, run!.passes, run!.unclassified_pct], [0.1, 1, 20]);
  });

  test("a trace of PyTorch's profiler is one too", async () => {
    const file = "test/fixtures/torch-trace/cpu.json.gz";
    const { rows, nodes, runs } = await readProfileFile(file, { name: "theirs", phase: "prefill" });
    const classes = rows.objects() as Row[];
    assert.ok(classes.every(({ model, method }) => model === "theirs" && method === "torch_profiler_trace"));
    assert.ok(Math.abs(total(classes.map(({ op_share_pct }) => op_share_pct!)) - 100) < 1e-6);
    assert.ok(nodes.numRows() > classes.length);
    const [run] = runs.objects() as ProfileRun[];
    const sumMs = total(classes.map(({ op_latency_us }) => op_latency_us! / 1000));
    assert.ok(Math.abs(run!.profiled_ms! * run!.passes - sumMs) < 1e-9);
    await assert.rejects(readProfileFile(file, { skipRuns: 1 }), /says itself what its passes are/);
    await assert.rejects(readProfileFile(file, { trace: "t.json" }), /is a trace already/);
  });

  test("a file without runs, or that is none, is refused", async () => {
    const file = join(folder, "none.json");
    writeFileSync(file, JSON.stringify(events));
    await assert.rejects(
      readProfileFile(file, { skipRuns: 2 }),
      /has 2 runs of a model, of which 2 are skipped/,
    );
    const cut = join(folder, "cut.json.gz");
    writeFileSync(cut, gzipSync(JSON.stringify(events)).subarray(0, 60));
    await assert.rejects(readProfileFile(cut), /is no file packed with gzip, or not all of it/);
  });
});
