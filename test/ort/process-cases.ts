/** Ways for a process to use the engine and end, one a run: `node --import tsx process-cases.ts CASE`. See process.test.ts. */
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { openRuntime } from "../../src/ort/index.js";
import { identityModel, tinyModel } from "../support/tiny-model.js";

const SIZE = 2000;

/** A run of about a second. */
function longRun(): Promise<void> {
  const model = tinyModel({
    inputs: [["x", "FLOAT", [SIZE, SIZE]]],
    outputs: [["y", "FLOAT", [SIZE, SIZE]]],
    nodes: Array.from({ length: 10 }, (_, i) => ({
      op: "MatMul",
      in: [i === 0 ? "x" : `t${i}`, "x"],
      out: [i === 9 ? "y" : `t${i + 1}`],
    })),
  });
  const runtime = openRuntime();
  const session = runtime.createSession(model, { threads: 1 });
  const x = runtime.tensor("float32", [SIZE, SIZE], new Float32Array(SIZE * SIZE));
  return session.run(session.bind().input("x", x).outputToHost("y"));
}

async function identity(value: number): Promise<number> {
  const runtime = openRuntime();
  const session = runtime.createSession(identityModel());
  const binding = session
    .bind()
    .input("x", runtime.tensor("float32", [1], Float32Array.of(value)))
    .outputToHost("y");
  await session.run(binding);
  return Number(binding.outputs().get("y")!.data()[0]);
}

const inWorker = (): Promise<number> =>
  new Promise((resolve, reject) => {
    // tsx does not reach into workers by itself.
    const code = `import { tsImport } from ${JSON.stringify(import.meta.resolve("tsx/esm/api"))};
      await tsImport(${JSON.stringify(import.meta.url)}, ${JSON.stringify(import.meta.url)});`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
    worker.on("message", (value: number) => {
      void worker.terminate().then(() => {
        resolve(value);
      });
    });
    worker.on("error", reject);
  });

const CASES: Record<string, () => unknown> = {
  undisposed: () => identity(1),
  exit: () => identity(1).then(() => process.exit(0)),
  "exit-during-run": () => {
    void longRun();
    setTimeout(() => process.exit(0), 50);
  },
  "throw-during-run": () => {
    void longRun();
    setTimeout(() => {
      throw new Error("thrown on purpose");
    }, 50);
  },
  workers: async () => {
    const values = [
      await identity(1),
      ...(await Promise.all([inWorker(), inWorker()])),
      await inWorker(),
      await identity(2),
    ];
    if (values.join() !== "1,7,7,7,2") throw new Error(`Workers answered ${values.join()}.`);
  },
  warnings: () => {
    // ONNX Runtime warns that the output has another shape than the model says.
    const runtime = openRuntime();
    const model = tinyModel({
      inputs: [["x", "FLOAT", null]],
      outputs: [["y", "FLOAT", [3]]],
      nodes: [{ op: "Identity", in: ["x"], out: ["y"] }],
    });
    const session = runtime.createSession(model, { optimization: "none" });
    const binding = session
      .bind()
      .input("x", runtime.tensor("float32", [1], new Float32Array(1)))
      .outputToHost("y");
    session.runSync(binding);
  },
};

if (isMainThread) await CASES[process.argv[2]!]!();
else parentPort!.postMessage(await identity(7));
