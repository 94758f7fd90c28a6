import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { readConfig } from "../../src/checkpoint/index.js";
import { encodeModel } from "../../src/graph/index.js";
import { buildModel, lowerings, storedTensors, type Lowering } from "../../src/models/index.js";
import { openRuntime } from "../../src/ort/index.js";
import { SCOPE_RULES, scopeOf, TYPE_RULES } from "../../src/profile/classes.js";
import {
  classify,
  layerOf,
  OPERATOR_CLASSES,
  toPaperClass,
  why,
  type OpClass,
} from "../../src/profile/index.js";
import { architectures } from "../../src/run/gate/architectures.js";
import { graphOptions, type Phase } from "../../src/run/graph-options.js";
import { operatorsOf } from "../../src/run/operators.js";
import { plan, type Cell, type Dtype } from "../../src/run/index.js";
import { cpuOperators, needOperators } from "../support/operators.js";
import { temporaryFolder } from "../support/temporary.js";

interface Seen {
  readonly name: string;
  readonly opType: string;
  /** Which graph has it. */
  readonly where: string;
}

/** Every kind of graph is built with a type of every kind; that all are crossed would find nothing more. */
const GRAPHS: readonly { dtype: Dtype; phase: Phase; logits: "last" | "all"; tokensMultipleOf: number }[] = [
  { dtype: "fp32", phase: "prefill", logits: "all", tokensMultipleOf: 1 },
  { dtype: "fp32", phase: "decode", logits: "last", tokensMultipleOf: 1 },
  { dtype: "fp16", phase: "prefill", logits: "last", tokensMultipleOf: 64 },
  { dtype: "int8", phase: "prefill", logits: "last", tokensMultipleOf: 1 },
  { dtype: "int4", phase: "decode", logits: "last", tokensMultipleOf: 1 },
];

const FOLDER = new URL("../fixtures/hf/", import.meta.url).pathname;

suite("operators of all graphs, as ONNX Runtime runs them on the CPU", needOperators, () => {
  const folder = temporaryFolder();
  const seen: Seen[] = [];
  before(() => {
    cpuOperators();
    for (const name of architectures()) {
      const model = { ...readConfig(`${FOLDER}${name}`), name };
      const known = lowerings(model);
      for (const lowering of known.length > 0 ? known : [null])
        for (const dtype of new Set(GRAPHS.map((graph) => graph.dtype))) {
          const settings = { models: [model], promptTokens: [64], newTokens: 2, dtype };
          const [cell] = plan({ ...settings, ...(lowering && { lowering, decodeLowering: lowering }) });
          collect(
            cell!,
            GRAPHS.filter((graph) => graph.dtype === dtype),
            lowering,
          );
        }
    }
  });

  function collect(cell: Cell, graphs: typeof GRAPHS, lowering: Lowering | null): void {
    const runtime = openRuntime();
    const device = runtime.device("cpu");
    const optimized = join(folder, "optimized.onnx");
    for (const { phase, dtype, ...rest } of graphs) {
      const built = buildModel(cell.model, graphOptions(cell, phase, { ...rest, positions: 128 }));
      // What weights hold is of no account: the optimizer does not see them.
      const stored = built.weights.flatMap(storedTensors);
      const tensors = device.allocate(stored);
      const session = runtime.createSession(encodeModel(built.graph), {
        device,
        threads: 1,
        logSeverity: 3,
        initializers: new Map(stored.map(({ name }, i) => [name, tensors[i]!])),
        customOps: operatorsOf(built.graph, device),
        config: { "session.optimized_model_filepath": optimized },
        ...(dtype === "fp16" && { optimization: "extended" as const }),
      });
      session[Symbol.dispose]();
      for (const tensor of tensors) tensor[Symbol.dispose]();
      const where = `${cell.model.name} ${lowering ?? ""} ${dtype} ${phase}`;
      for (const { name, opType } of fromBinary(ModelProtoSchema, readFileSync(optimized)).graph!.node)
        seen.push({ name, opType, where });
    }
  }

  test("every type is in the table", () => {
    const types = new Set(Object.values(TYPE_RULES).flatMap(({ ours = [] }) => ours));
    const strange = seen.filter(({ opType }) => !types.has(opType));
    assert.deepEqual([...new Set(strange.map(({ opType, where }) => `${opType} of ${where}`))], []);
  });

  test("every entry of the table for our graphs occurs", () => {
    const types = new Set(seen.map(({ opType }) => opType));
    const unused = Object.values(TYPE_RULES).flatMap(({ ours = [] }) =>
      ours.filter((one) => !types.has(one)),
    );
    assert.deepEqual(unused, []);
    const scopes = new Set(seen.map(({ name }) => scopeOf(name)));
    const idle = SCOPE_RULES.filter(
      ({ origin, scope }) => origin === undefined && ![...scopes].some((one) => scope.test(one)),
    );
    assert.deepEqual(idle, []);
  });

  test("every class but those of the runtime is somebody's, and none is unclassified", () => {
    const classes = new Set(seen.map((one) => classify(one).opClass));
    const runtimes: OpClass[] = ["host_device_copy", "launch_gap", "unclassified"];
    assert.deepEqual(
      OPERATOR_CLASSES.filter((one) => !classes.has(one)),
      runtimes,
    );
  });

  test("every lowering has its scan in ssm_scan, whatever it is made of", () => {
    const scans = (lowering: string): Set<string> =>
      new Set(
        seen
          .filter((one) => one.where.startsWith(`mamba2 ${lowering}`) && classify(one).opClass === "ssm_scan")
          .map(({ opType }) => opType),
      );
    assert.deepEqual([...scans("fused")], ["SsdScan"]);
    assert.ok(scans("linear-attention").has("LinearAttention"));
    for (const type of ["MatMul", "CumSum", "Exp"]) assert.ok(scans("ssd-matmul").has(type), type);
  });

  test("every layer's nodes know their layer", () => {
    const strays = seen.filter(({ name }) => name.startsWith("/layers.") && layerOf(name) === null);
    assert.deepEqual(strays, []);
  });
});

suite("the classifier", () => {
  test("no type is in two classes", () => {
    const types = Object.values(TYPE_RULES).flatMap((entry) => Object.values(entry).flat() as string[]);
    assert.equal(new Set(types).size, types.length);
  });

  test("scope first, type second", () => {
    const classOf = (name: string, opType: string): OpClass => classify({ name, opType }).opClass;
    assert.equal(classOf("/layers.3/mixer/ssm/MatMul_1", "MatMul"), "ssm_scan");
    assert.equal(classOf("/layers.3/mixer/MatMul_1", "MatMul"), "gemm");
    assert.equal(classOf("/layers.3/mixer/ssm/inside/NeverHeardOf", "NeverHeardOf"), "ssm_scan");
    assert.equal(
      classOf("/layers.3/mixer/ssm/LayerNormalization", "SimplifiedLayerNormalization"),
      "normalization",
    );
    assert.equal(classOf("/layers.3/attention/FusedMatMul", "FusedMatMul"), "gemm");
    assert.equal(classOf("/layers.3/mixer/attention/FusedMatMul", "FusedMatMul"), "attention");
    assert.equal(classOf("/head/sample/ReduceMax", "ReduceMax"), "sampling");
    // What the runtime inserts is no work of the scope, though its name has it.
    assert.equal(classOf("InsertedPrecisionFreeCast_/layers.0/mixer/ssm/Pad_2", "Cast"), "memory");
    assert.equal(classOf("/layers.0/mixer/ssm/x", "MemcpyToHost"), "host_device_copy");
    assert.equal(classOf("", "NeverHeardOf"), "unclassified");
    // As exported by others.
    assert.equal(classOf("/model/layers.0/self_attn/MatMul", "MatMul"), "attention");
    assert.equal(classOf("/model/layers.0/self_attn/q_proj/MatMul", "MatMul"), "gemm");
    assert.equal(classOf("/lm_head/MatMul", "MatMul"), "logits");
  });

  test("says why", () => {
    assert.equal(
      why({ name: "/layers.3/mixer/ssm/MatMul", opType: "MatMul" }),
      "the scope /layers.3/mixer/ssm is ssm_scan: the scan with all that makes its decays, inputs and states",
    );
    assert.equal(
      why({ name: "/layers.3/mlp/Mul", opType: "Mul" }),
      "the type Mul is arithmetic: no scope decides",
    );
    assert.match(why({ opType: "NeverHeardOf" }), /knows neither its scope nor the type NeverHeardOf/);
  });

  test("every class has the paper's, but the gaps, which the paper leaves out", () => {
    const three = OPERATOR_CLASSES.map((one) => toPaperClass(one, "three_class"));
    assert.deepEqual([...new Set(three)], ["ssm", "gemm", "non_gemm", null]);
    assert.equal(toPaperClass("launch_gap", "fine"), null);
    const paper = readFileSync(new URL("../../data/paper/operators.csv", import.meta.url), "utf8");
    for (const one of OPERATOR_CLASSES)
      for (const breakdown of ["three_class", "fine"] as const) {
        const name = toPaperClass(one, breakdown);
        if (name !== null) assert.ok(paper.includes(`,${name},`), `${one} is ${name}`);
      }
  });
});
