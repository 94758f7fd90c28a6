import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { before, suite, test } from "node:test";
import { InferenceSession, Tensor } from "onnxruntime-node";
import {
  readProfile,
  summarizeProfile,
  withPackedWeights,
  type TraceEvent,
} from "../../src/profile/index.js";
import { temporaryFolder } from "../support/temporary.js";
import { tinyModel } from "../support/tiny-model.js";

/** A list as ONNX Runtime writes it: nodes before the run that they are of. */
const listOf = (...events: TraceEvent[]): string[] => [JSON.stringify(events)];
const node = (name: string, ts: number, dur: number, args: object = {}): TraceEvent => ({
  cat: "Node",
  ph: "X",
  name: `${name}_kernel_time`,
  ts,
  dur,
  tid: 7,
  args: { op_name: "Mul", provider: "CPUExecutionProvider", ...args },
});
const run = (ts: number, dur: number): TraceEvent => ({
  cat: "Session",
  ph: "X",
  name: "model_run",
  ts,
  dur,
});

suite("a profile of ONNX Runtime", () => {
  const folder = temporaryFolder();
  let file: string;
  before(async () => {
    // y = (x · x) + x by a program that is not ours: onnxruntime-node's own session.
    const model = tinyModel({
      inputs: [["x", "FLOAT", ["n", 4]]],
      outputs: [["y", "FLOAT", ["n", 4]]],
      nodes: [
        { op: "Mul", in: ["x", "x"], out: ["squares"] },
        { op: "Add", in: ["squares", "x"], out: ["y"] },
      ],
    });
    const session = await InferenceSession.create(model, {
      enableProfiling: true,
      profileFilePrefix: join(folder, "theirs"),
    });
    for (let i = 0; i < 3; i++) await session.run({ x: new Tensor("float32", new Float32Array(12), [3, 4]) });
    session.endProfiling();
    await session.release();
    file = execFileSync("sh", ["-c", `ls ${folder}/theirs*`], { encoding: "utf8" }).trim();
  });

  test("sums to what all its events say, its shapes and bytes to what was run", async () => {
    const events = JSON.parse(readFileSync(file, "utf8")) as Required<TraceEvent>[];
    const runs = events.filter(({ cat, name }) => cat === "Session" && name === "model_run");
    const nodes = events.filter(({ cat, ts }) => cat === "Node" && ts >= runs[1]!.ts);
    const sum = (list: Required<TraceEvent>[]): number => list.reduce((total, { dur }) => total + dur, 0);
    const read = await readProfile(createReadStream(file), { skipRuns: 1 });
    assert.deepEqual(
      [read.runs, read.skippedRuns, read.runUs, read.startUs, read.events, read.full],
      [2, 1, sum(runs.slice(1)), runs[1]!.ts, events.length, false],
    );
    assert.deepEqual(
      read.nodes.map(({ opType, calls, timeUs }) => [opType, calls, timeUs]),
      ["Mul", "Add"].map((opType) => [opType, 2, sum(nodes.filter(({ args }) => args.op_name === opType))]),
    );
    const [mul] = read.nodes;
    assert.deepEqual(mul!.outputs, [{ type: "float", shape: [3, 4] }]);
    assert.deepEqual([mul!.inputBytes, mul!.outputBytes], [2 * 2 * 48, 2 * 48]);

    const { classes, check } = summarizeProfile(read);
    assert.deepEqual(
      classes.map(({ opClass }) => opClass),
      ["arithmetic", "launch_gap"],
    );
    assert.equal(classes[0]!.timeUs, sum(nodes));
    assert.equal(check.errorPct, 0);
  });
});

suite("sums", () => {
  test("a node inside another, as in a loop, is not counted twice", async () => {
    const read = await readProfile(
      listOf(
        node("/before/Mul", 5, 5),
        node("/loop/body/Mul", 12, 10),
        node("/loop/body/Mul_1", 23, 30),
        node("/loop/Loop", 11, 60, { op_name: "Loop" }),
        node("/after/Mul", 80, 10),
        run(0, 100),
      ),
    );
    assert.deepEqual(
      read.nodes.map(({ timeUs }) => timeUs),
      [5, 10, 30, 20, 10],
    );
    const { classes, check } = summarizeProfile(read);
    assert.equal(classes.find(({ opClass }) => opClass === "launch_gap")!.timeUs, 25);
    // A Loop is none of our operators: it is shown, and speaks against the profile.
    assert.equal(check.unclassifiedPct, 20);
    assert.equal(check.classified, false);
  });

  test("time that runs and copies do not explain is an error of the sum", async () => {
    const read = await readProfile(listOf(node("/layers.0/mlp/Mul", 10, 60), run(0, 100)));
    const copies = { calls: 1, timeUs: 5 };
    const good = summarizeProfile(read, { wallUs: 106, copies });
    assert.ok(good.check.sums);
    assert.ok(Math.abs(good.check.errorPct - (100 * 105) / 106 + 100) < 1e-9);
    const shares = good.classes.reduce((sum, { sharePct }) => sum + sharePct, 0);
    assert.ok(Math.abs(shares - 100 - good.check.errorPct) < 1e-9);
    assert.equal(summarizeProfile(read, { wallUs: 110, copies }).check.sums, false);
    // Nodes that overlap would make the gap less than nothing, and are seen there.
    const over = summarizeProfile({ ...read, runUs: 50 });
    assert.equal(over.classes.at(-1)!.timeUs, -10);
  });

  test("of a gather only what it takes is read; a type without a size makes bytes unknown", async () => {
    const shapes = (inputs: object[], outputs: object[]) => ({
      input_type_shape: inputs,
      output_type_shape: outputs,
    });
    const read = await readProfile(
      listOf(
        node("/embed/Gather", 0, 1, {
          op_name: "Gather",
          ...shapes([{ float16: [50000, 768] }, { int64: [1, 2] }], [{ float16: [1, 2, 768] }]),
        }),
        node("/text/Mul", 2, 1, shapes([{ string: [3] }], [{ float: [2] }])),
        run(0, 4),
      ),
    );
    assert.deepEqual(
      read.nodes.map(({ inputBytes, outputBytes }) => [inputBytes, outputBytes]),
      [
        [2 * 768 * 2 + 16, 2 * 768 * 2],
        [null, 8],
      ],
    );
  });

  test("a packed weight is an input again, and one that the profile tells of is not one twice", async () => {
    const told = { float: [1, 4] };
    const read = await readProfile(
      listOf(
        node("/a/MatMul", 0, 1, { op_name: "MatMul", input_type_shape: [told] }),
        node("/a/MatMul", 1, 1, { op_name: "MatMul", input_type_shape: [told] }),
        node("/b/MatMul", 2, 1, { op_name: "MatMul", input_type_shape: [told, { float: [4, 8] }] }),
        run(0, 4),
      ),
    );
    const weights = () => [{ type: "float", shape: [4, 8] }];
    assert.deepEqual(
      withPackedWeights(read.nodes, weights).map(({ inputs, inputBytes }) => [inputs.length, inputBytes]),
      [
        [2, 2 * (16 + 128)],
        [2, 16 + 128],
      ],
    );
  });
});

test("200 MB are read in less than 300 MB of memory (npm run bench:profile: 1 GB)", () => {
  const bench = resolve(import.meta.dirname, "../bench/profile.ts");
  const said = execFileSync(process.execPath, ["--import", "tsx", bench, "2e8"], { encoding: "utf8" });
  const { bytes, runs, nodes, peakRssMb } = JSON.parse(said) as Record<string, number>;
  assert.ok(bytes! >= 2e8);
  assert.ok(runs! > 100);
  assert.equal(nodes, 1920);
  assert.ok(peakRssMb! < 300, said);
});
