import assert from "node:assert/strict";
import { test } from "node:test";
import { classScaling, classTimes, explainCrossover } from "../../src/analyze/index.js";
import { UserError } from "../../src/errors.js";
import { loadPaper, tableToRows, type Row } from "../../src/record/index.js";

/** Milliseconds of a class at a length of L tokens. */
type Law = (length: number) => number;

/** The rows of a profile whose passes took `inflation` times as long as without the profiler. */
function profileRows(
  model: string,
  laws: Readonly<Record<string, Law>>,
  { lengths = [1024, 2048, 4096, 8192, 16384], inflation = 1.25, passes = 3, unexplained = 0 } = {},
): Row[] {
  return lengths.flatMap((prompt_tokens) => {
    const classes = Object.entries(laws).map(([op_class, law]) => ({ op_class, ms: law(prompt_tokens) }));
    const unprofiled_ms = classes.reduce((sum, { ms }) => sum + ms, 0) * (1 + unexplained);
    return classes.map(({ op_class, ms }): Row => ({
      kind: "operators",
      status: "ok",
      model,
      device: "gpu",
      phase: "prefill",
      method: "ort_profiler",
      breakdown: "class",
      prompt_tokens,
      op_class,
      op_calls: 1,
      op_passes: passes,
      op_latency_us: ms * inflation * passes * 1000,
      op_share_pct: (100 * ms) / unprofiled_ms,
      profiled_ms: unprofiled_ms * inflation,
      unprofiled_ms,
    }));
  });
}

const TRANSFORMER = profileRows("transformer", {
  attention: (length) => 1e-7 * length ** 2,
  gemm: (length) => 2 + 1e-3 * length,
  launch_gap: () => 1,
});
const SSM = profileRows(
  "ssm",
  {
    ssm_scan: (length) => 5 + 1e-3 * length,
    gemm: (length) => 1 + 0.9e-3 * length,
    launch_gap: () => 3,
  },
  { inflation: 2 },
);

test("differences add up to that of the passes, and changes to the change", () => {
  const { table, crossings, overall } = explainCrossover(TRANSFORMER, SSM);
  const rows = table.objects() as { prompt_tokens: number; difference_ms: number }[];
  for (const length of [1024, 2048, 4096, 8192, 16384]) {
    const ttft = (rowsOf: readonly Row[]): number =>
      rowsOf.find((row) => row.prompt_tokens === length)!.unprofiled_ms!;
    const sum = rows
      .filter((row) => row.prompt_tokens === length)
      .reduce((total, { difference_ms }) => total + difference_ms, 0);
    assert.ok(Math.abs(sum - (ttft(TRANSFORMER) - ttft(SSM))) < 1e-9);
  }
  for (const moved of [overall, crossings[0]!.changes])
    assert.ok(Math.abs(moved.reduce((total, { change_pct }) => total + change_pct, 0) - 100) < 1e-9);
});

test("the class that makes the curves cross is the one that was made to, and the place is where they meet", () => {
  const { crossings, text } = explainCrossover(TRANSFORMER, SSM);
  assert.equal(crossings.length, 1);
  const [crossing] = crossings;
  // 1e-7 L² − 0.9e-3 L − 6 = 0.
  const truth = (0.9e-3 + Math.sqrt(0.9e-3 ** 2 + 4 * 1e-7 * 6)) / 2e-7;
  assert.ok(truth > 8192 && truth < 16384);
  assert.deepEqual([crossing!.before_tokens, crossing!.after_tokens], [8192, 16384]);
  assert.ok(Math.abs(crossing!.tokens / truth - 1) < 0.03, `${crossing!.tokens} ${truth}`);
  assert.deepEqual([crossing!.lowerBelow, crossing!.lowerAbove], ["transformer", "ssm"]);
  assert.deepEqual(
    crossing!.changes.map(({ op_class }) => op_class),
    ["attention", "gemm", "launch_gap", "ssm_scan"],
  );
  const [attention, gemm, gap, scan] = crossing!.changes;
  const close = (value: number, expected: number): void => {
    assert.ok(Math.abs(value - expected) < 1e-9, `${value} ${expected}`);
  };
  close(attention!.change_ms, 1e-7 * (16384 ** 2 - 8192 ** 2));
  close(gemm!.change_ms, 0.1e-3 * 8192);
  // The gaps explain who leads at short prompts, and nothing of the change.
  close(gap!.before_ms, -2);
  close(gap!.change_ms, 0);
  close(scan!.change_ms, -1e-3 * 8192);
  assert.match(
    text,
    /Between 8,192 and 16,384 tokens .* ssm becomes the faster one in place of transformer, and attention makes them cross/,
  );
  assert.match(
    text,
    /of the unprofiled pass.*1\.25 to 2\.00 times as long; that is taken off all classes alike\.$/,
  );
});

test("what classes lack of the pass is shown as such", () => {
  const [a] = classTimes(profileRows("m", { gemm: (length) => length }, { unexplained: 0.01 }));
  const [first] = a!.profiles;
  assert.ok(Math.abs(first!.classes.get("unexplained")! - 10.24) < 1e-9);
  assert.ok(Math.abs(first!.ms - 1034.24) < 1e-9);
  assert.equal(classTimes(TRANSFORMER)[0]!.profiles[0]!.classes.has("unexplained"), false);
});

test("the scaling of each class is the law that made it", () => {
  const rows = classScaling([...TRANSFORMER, ...SSM]).objects() as Record<string, number | string | null>[];
  const of = (model: string, op_class: string) =>
    rows.find((row) => row.model === model && row.op_class === op_class)!;
  const near = (value: unknown, expected: number): void => {
    assert.ok(
      Math.abs((value as number) - expected) < 1e-6 * Math.max(1, expected),
      `${String(value)} ${expected}`,
    );
  };
  near(of("transformer", "attention").c_ns_per_token2, 0.1);
  near(of("transformer", "gemm").b_us_per_token, 1);
  near(of("ssm", "ssm_scan").a_ms, 5);
  near(of("ssm", "launch_gap").a_ms, 3);
  near(of("ssm", "launch_gap").share_shortest_pct, (100 * 3) / (9 + 1.9e-3 * 1024));
  const zero = classScaling(profileRows("m", { gemm: (l) => l, memory: (l) => (l > 2000 ? 1 : 0) }));
  assert.deepEqual(zero.array("note"), [null, "no time at 1024 tokens"]);
});

test("the paper's profiles on device time: shares of device time, and a whole that is the kernels'", () => {
  const published = tableToRows(loadPaper("operators")).filter(({ device }) => device === "rtx4090");
  const of = (model: string): Row[] => published.filter((row) => row.model === model);
  const { table, crossings, text } = explainCrossover(of("mamba-130m"), of("mamba2-130m"));
  // Device time of a pass is the published total of the kernels: W1's 60.1 % of Mamba-2's at 256 tokens is its scan.
  const scan = (table.objects() as Record<string, number | string>[]).find(
    (row) => row.prompt_tokens === 256 && row.op_class === "ssm_scan",
  )!;
  assert.equal((scan.b_pct as number).toFixed(1), "60.1");
  const wholePass = of("mamba2-130m").find(
    (row) => row.op_class === "whole_pass" && row.prompt_tokens === 256,
  );
  const b = (table.objects() as { prompt_tokens: number; b_ms: number }[])
    .filter(({ prompt_tokens }) => prompt_tokens === 256)
    .reduce((sum, { b_ms }) => sum + b_ms, 0);
  // The classes hold the device time of the pass to within 0.2 %.
  assert.ok(Math.abs(b / (wholePass!.op_device_us! / 10_000) - 1) < 2e-3);
  assert.match(text, /Times are of device time of the profiled pass, by the paper's classes\.$/);
  for (const { changes } of crossings)
    assert.ok(Math.abs(changes.reduce((sum, { change_pct }) => sum + change_pct, 0) - 100) < 1e-6);
});

test("what cannot be compared says why", () => {
  const refused = (run: () => unknown, message: RegExp): void => {
    assert.throws(run, (error) => error instanceof UserError && message.test(error.message));
  };
  refused(() => explainCrossover([{ kind: "latency", ttft_ms: 1 }], SSM), /phase prefill and breakdown fine/);
  refused(() => explainCrossover(TRANSFORMER, SSM, { phase: "decode" }), /phase decode/);
  refused(() => explainCrossover([...TRANSFORMER, ...SSM], SSM), /^a has profiles of 2 models or settings/);
  refused(() => explainCrossover([...TRANSFORMER, TRANSFORMER[0]!], SSM), /attention twice: filter/);
  refused(
    () => explainCrossover(TRANSFORMER, profileRows("other", { gemm: () => 1 }, { lengths: [512, 1024] })),
    /a crossing needs two lengths in common/,
  );
  refused(
    () => classTimes(TRANSFORMER.map((row) => ({ ...row, op_latency_us: null }))),
    /at 1024 tokens has no times: its rows need op_latency_us and op_passes/,
  );
});
