import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { Model } from "../../../src/models/index.js";
import { OrtError } from "../../../src/ort/index.js";
import { openEngine, gateFacts, type OpenEngine } from "../../../src/run/gate/engine.js";
import { planGate } from "../../../src/run/gate/plan.js";
import {
  gateRow,
  gateOf,
  verify,
  VerifyInterruptedError,
  type VerifyOptions,
} from "../../../src/run/index.js";
import { loadCheckpoint } from "../../support/checkpoint.js";
import { cpuOperators } from "../../support/operators.js";

const tiny = (folder: string): Model => loadCheckpoint(folder).model;
const neo = tiny("gpt_neo");
const qwen = tiny("qwen2");
const mamba2 = tiny("mamba2");
const MODELS = [neo, qwen, tiny("mamba"), mamba2, tiny("mamba2-groups")];

/** One thread: what these models compute is less than waking a second one costs. */
const onOneThread: OpenEngine = (cell, source) => {
  const engine = openEngine(cell, source);
  return { ...engine, open: (one, lengths) => engine.open({ ...one, threads: 1 }, lengths) };
};

suite("the gate on the CPU, with tiny models", () => {
  let folder: string;
  let options: VerifyOptions;
  before(() => {
    cpuOperators();
    folder = mkdtempSync(join(tmpdir(), "ssm-scope-verify-"));
    options = { folder, progress: "none", engines: { reference: onOneThread, candidate: onOneThread } };
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const gates = (settings: VerifyOptions): unknown[] =>
    planGate(settings).flatMap(({ candidates }) =>
      candidates.map((setting) => gateOf(setting, gateFacts("cpu", 0), { folder })),
    );

  test("every architecture passes in float32 and float16, every lowering and segmentation", async () => {
    const results = await verify({ ...options, models: MODELS });
    // Without an SSM one way; else the pairs of stock lowerings, and fused operators with themselves.
    assert.equal(results.length, 2 * (1 + 1 + (1 + 1) + 2 * (4 + 1)));
    for (const { status, reason, dtype, checks, tolerance } of results) {
      assert.equal(status, "passed", reason ?? "");
      assert.ok(checks.every(({ maxError, maxAbsError }) => maxError <= tolerance.max && maxAbsError < 1));
      assert.ok(checks.every(({ meanAbsError, maxAbsError }) => meanAbsError <= maxAbsError));
      assert.equal(
        checks.some(({ phase, positions }) => phase === "decode" && positions === 64),
        true,
      );
      assert.deepEqual(
        [...new Set(checks.map(({ segmentTokens }) => segmentTokens))],
        [null, 64, 50],
        "in one piece, in chunks, in odd segments",
      );
      // float16 that were float32 in disguise would prove nothing.
      const worst = Math.max(...checks.map(({ maxError }) => maxError));
      assert.ok(dtype === "fp16" ? worst > 1e-4 : worst < 1e-5, `${dtype}: ${worst}`);
    }
    assert.equal(readdirSync(folder).length, results.length);
    assert.deepEqual(gates({ models: MODELS, dtypes: ["fp16"] }), Array(14).fill("passed"));
  });

  test("int8 and int4 pass against their own weights, dequantised", async () => {
    const dtypes = ["int8", "int4"] as const;
    const inFloats: VerifyOptions = {
      models: [mamba2],
      dtypes,
      quantCompute: "float",
      lowerings: ["linear-attention"],
    };
    const inInt8: VerifyOptions = { models: [qwen], dtypes, quantBlock: 128 };
    for (const settings of [inFloats, inInt8]) {
      const results = await verify({ ...options, ...settings });
      assert.equal(results.length, 2);
      for (const { status, reason, quant, checks } of results) {
        assert.equal(status, "passed", reason ?? "");
        const worst = Math.max(...checks.map(({ maxError }) => maxError));
        assert.ok(quant!.int8Compute ? worst > 1e-4 : worst < 1e-5, `${worst}`);
      }
      assert.deepEqual(gates(settings), ["passed", "passed"]);
    }
    assert.deepEqual(gates({ models: [qwen], dtypes }), ["not-run", "not-run"], "other blocks");
  });

  test("a longest prompt of whole chunks does not keep shorter ones from being put in", async () => {
    const results = await verify({ ...options, models: [mamba2], dtypes: ["fp32"], promptTokens: [320] });
    for (const { status, reason } of results) assert.equal(status, "passed", reason ?? "");
  });

  test("a row of its table has the errors of each phase and the verdict", async () => {
    const [result] = await verify({ ...options, models: [qwen], dtypes: ["fp16"] });
    const row = gateRow(result!);
    const worst = (phase: string): number =>
      Math.max(...result!.checks.filter((check) => check.phase === phase).map(({ maxError }) => maxError));
    assert.equal(row.prefill_max_error, worst("prefill"));
    assert.equal(row.decode_max_error, worst("decode"));
    assert.ok(row.decode_mean_error! < row.decode_max_error);
    assert.match(row.greedy!, /^(\d+)\/\1$/);
    assert.deepEqual([row.model, row.lowering, row.verdict], ["qwen2", null, "passed"]);
  });

  /** The engine, but for one tensor whose first values are others. */
  const withWrong =
    (tensor: string): OpenEngine =>
    (cell, source) => {
      let met = false;
      const engine = onOneThread(cell, {
        fill: (spec, out) => {
          source.fill(spec, out);
          if (!spec.name.includes(tensor)) return;
          met = true;
          out.fill(out[out.length - 1]!, 0, out.length / 2);
        },
      });
      return {
        open: (one, lengths) => {
          const answers = engine.open(one, lengths);
          assert.ok(met, `no weight is named ${tensor}`);
          return answers;
        },
        [Symbol.dispose]: () => {
          engine[Symbol.dispose]();
        },
      };
    };

  for (const [model, tensor, dtype = "fp16"] of [
    [mamba2, "layers.1.mixer.conv1d.weight"],
    [mamba2, "layers.2.mixer.dt_bias"],
    [mamba2, "layers.0.mixer.out_proj.weight"],
    [qwen, "layers.2.mlp.down_proj.weight"],
    [qwen, "layers.1.self_attn.o_proj.weight"],
    [neo, "h.3.mlp.c_proj.weight"],
    [qwen, "layers.2.mlp.down_proj.weight", "int4"],
  ] as const)
    test(`one wrong tensor fails: ${model.arch}, ${tensor}, ${dtype}`, async () => {
      const settings: VerifyOptions = {
        models: [model],
        dtypes: [dtype],
        ...(model === mamba2 && { lowerings: ["linear-attention"] }),
      };
      const results = await verify({
        ...options,
        ...settings,
        engines: { reference: onOneThread, candidate: withWrong(tensor) },
      });
      assert.ok(results.length > 0);
      for (const { status, reason } of results) {
        assert.equal(status, "failed");
        assert.match(reason!, /prompt tokens.*: (a logit is|logits are) off by .*, more than /);
      }
      assert.ok(
        gates(settings).every((gate) => gate === "failed"),
        "an earlier pass does not stand",
      );
    });

  test("a state that is not carried on fails, though each prompt alone is right", async () => {
    const forgetful: OpenEngine = (cell, source) => {
      const engine = onOneThread(cell, source);
      return {
        open: (one, lengths) => {
          const answers = engine.open(one, lengths);
          return {
            // Only the last segment, as if the state before it were lost.
            prefill: (prompt) =>
              answers.prefill(
                one.segmentTokens === null
                  ? prompt
                  : prompt.slice(prompt.length - (prompt.length % one.segmentTokens || one.segmentTokens)),
              ),
            step: (tokens) => answers.step(tokens),
            get logits() {
              return answers.logits;
            },
            [Symbol.dispose]: () => {
              answers[Symbol.dispose]();
            },
          };
        },
        [Symbol.dispose]: () => {
          engine[Symbol.dispose]();
        },
      };
    };
    const [result] = await verify({
      ...options,
      models: [mamba2],
      dtypes: ["fp16"],
      lowerings: ["linear-attention"],
      engines: { reference: onOneThread, candidate: forgetful },
    });
    assert.equal(result!.status, "failed");
    assert.match(result!.reason!, /^130 prompt tokens in segments of 64: /);
  });

  test("a type that the provider has no kernel for is unsupported, names the operator and leaves no verdict", async () => {
    const settings = { models: [qwen], dtypes: ["bf16"] as const };
    const [result] = await verify({ ...options, ...settings });
    assert.equal(result!.status, "unsupported");
    assert.match(result!.reason!, /^no kernel for \w+ in bf16 on cpu \(node \//);
    assert.deepEqual(gates(settings), ["not-run"]);
    assert.equal(gateRow(result!).prefill_max_error, null);
  });

  const breaking =
    (error: Error, when: "open" | "prefill"): OpenEngine =>
    (cell, source) => {
      const engine = onOneThread(cell, source);
      return {
        open: (one, lengths) => {
          if (when === "open") throw error;
          const answers = engine.open(one, lengths);
          return Object.assign(Object.create(answers) as typeof answers, {
            prefill: () => Promise.reject(error),
            [Symbol.dispose]: () => {
              answers[Symbol.dispose]();
            },
          });
        },
        [Symbol.dispose]: () => {
          engine[Symbol.dispose]();
        },
      };
    };

  test("an error of a kernel fails, no memory is no verdict, and the other settings are still judged", async () => {
    for (const when of ["open", "prefill"] as const) {
      const settings = { models: [qwen], dtypes: ["fp16", "fp32"] as const };
      const broken = new OrtError("RunWithBinding", 6, "shape mismatch");
      const failed = await verify({
        ...options,
        ...settings,
        engines: { reference: onOneThread, candidate: breaking(broken, when) },
      });
      assert.deepEqual(
        failed.map(({ status, reason }) => [status, reason]),
        [0, 1].map(() => ["failed", broken.message]),
      );
      assert.deepEqual(gates(settings), ["failed", null]);
      const full = new OrtError("RunWithBinding", 6, "Failed to allocate memory for requested buffer");
      const none = await verify({
        ...options,
        ...settings,
        engines: { reference: onOneThread, candidate: breaking(full, when) },
      });
      assert.deepEqual(
        none.map(({ status }) => status),
        ["not-run", "not-run"],
      );
      assert.deepEqual(gates(settings), ["not-run", null]);
    }
  });

  test("after an error that loses the device nothing more is run", async () => {
    const lost = new OrtError("RunWithBinding", 1, "CUDA failure 700: an illegal memory access ; GPU=0");
    const settings = { models: [qwen], dtypes: ["fp16", "fp32"] as const };
    await assert.rejects(
      verify({
        ...options,
        ...settings,
        engines: { reference: onOneThread, candidate: breaking(lost, "prefill") },
      }),
      /the device is lost to this process: .*CUDA failure 700/,
    );
    assert.deepEqual(gates(settings), ["failed", null]);
  });

  test("a defect of ours is thrown on", async () => {
    const defect = new TypeError("x is not a function");
    await assert.rejects(
      verify({
        ...options,
        models: [qwen],
        engines: { reference: onOneThread, candidate: breaking(defect, "prefill") },
      }),
      defect,
    );
  });

  test("an interruption keeps what was judged", async () => {
    const controller = new AbortController();
    let opened = 0;
    const settings = { models: [qwen], dtypes: ["fp16", "fp32"] as const };
    const interrupting: OpenEngine = (cell, source) => {
      opened += 1;
      if (opened === 2) controller.abort();
      return onOneThread(cell, source);
    };
    await assert.rejects(
      verify({
        ...options,
        ...settings,
        signal: controller.signal,
        engines: { reference: onOneThread, candidate: interrupting },
      }),
      (error: unknown) => {
        assert.ok(error instanceof VerifyInterruptedError, String(error));
        assert.deepEqual(
          error.results.map(({ dtype, status }) => [dtype, status]),
          [["fp16", "passed"]],
        );
        return true;
      },
    );
    assert.deepEqual(gates(settings), ["passed", null]);
  });

  test("a folder that cannot be written is said before anything is measured", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const never: OpenEngine = () => {
      throw new Error("measured");
    };
    await assert.rejects(
      verify({ models: [qwen], progress: "none", folder: join(file, "gate"), engines: { reference: never } }),
      { code: "ENOTDIR" },
    );
    rmSync(file);
  });

  test("a record says what it was decided on", () => {
    const records = readdirSync(folder).map(
      (name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Record<string, unknown>,
    );
    for (const record of records)
      for (const name of ["key", "status", "model", "ep", "device", "dtype", "tolerance", "checks", "facts"])
        assert.ok(name in record, name);
  });
});
