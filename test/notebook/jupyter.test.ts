/** The kernel under the real Jupyter. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { installKernel } from "../../src/cli/kernel.js";
import { runNotebook } from "../../src/cli/notebook/run-notebook.js";
import { ensureDist } from "../support/dist.js";
import { finished, JUPYTER, jupyterPython, needsJupyter } from "../support/jupyter.js";
import { isGone, readNotebook, scratchFolder, writeNotebook, type WrittenCell } from "../support/notebook.js";

/** What drive_kernel.py prints: a cell's reply and iopub messages. */
interface Executed {
  reply: { status: string; execution_count?: number; ename?: string; evalue?: string; traceback?: string[] };
  outputs: [string, Record<string, unknown>][];
}

interface Answers extends Record<string, unknown> {
  complete: { matches: string[]; cursor_start: number; cursor_end: number };
  inspect: { found: boolean; data: Record<string, string> };
  info: { status?: string; language_info: { name: string; version: string } };
  shutdown_s: number;
}

const folder = scratchFolder();
const env = {
  JUPYTER_PATH: join(folder, "prefix", "share", "jupyter"),
  JUPYTER_RUNTIME_DIR: join(folder, "runtime"),
};
const execute = (...args: string[]) => finished(JUPYTER!, ["execute", ...args], env);

before(() => {
  ensureDist();
  installKernel({ prefix: join(folder, "prefix") });
});

test(
  "jupyter execute and the headless run write the same outputs, byte for byte as nbformat",
  needsJupyter,
  async () => {
    const file = writeNotebook(join(folder, "same.ipynb"), [
      { type: "markdown", source: "# Möglich — ja\n" },
      'import * as scope from "ssm-scope";\nconst n: number = await Promise.resolve(20);\nconsole.log("é", typeof scope);\nconsole.error("two");',
      "n + 1",
      'import { display, newDisplay } from "tslab";\nconst bar = newDisplay(); bar.text("0 %");\ndisplay.raw("application/json", { b: 1, a: [1.5, null] } as unknown as string);',
      'bar.html("<b>100 %</b>");',
      { source: 'throw new RangeError("expected");', tags: ["raises-exception"] },
      "[{ a: 1 }]",
      "for (let i = 0; i < 2000; i++) console.log(i);",
    ]);
    const headless = join(folder, "headless.ipynb");
    const [jupyter, run] = await Promise.all([
      execute("--output=jupyter.ipynb", file),
      runNotebook(file, { output: headless, timeoutS: 60 }),
    ]);
    assert.equal(jupyter.code, 0, jupyter.stderr);
    assert.equal(run.how, "ok");

    const withoutTimes = ({ metadata, ...cell }: WrittenCell) => {
      const { execution, ...rest } = metadata;
      assert.ok(execution === undefined || typeof execution === "object");
      return { ...cell, metadata: rest };
    };
    const [ours, theirs] = [headless, join(folder, "jupyter.ipynb")].map((path) => readNotebook(path));
    assert.deepEqual(ours!.metadata, theirs!.metadata);
    for (const [index, cell] of ours!.cells.entries()) {
      const other = withoutTimes(theirs!.cells[index]!);
      assert.deepEqual(withoutTimes(cell), { ...other, id: cell.id }, `cell ${index + 1}`);
    }

    const program = [
      "import nbformat, sys",
      "text = open(sys.argv[1], newline='').read()",
      "notebook = nbformat.reads(text, as_version=4)",
      "nbformat.validate(notebook)",
      "assert nbformat.writes(notebook) + '\\n' == text",
    ].join("\n");
    const validated = await finished(jupyterPython(), ["-c", program, headless]);
    assert.equal(validated.code, 0, validated.stderr);
  },
);

test("jupyter execute fails where a cell fails, and says why", needsJupyter, async () => {
  const file = writeNotebook(join(folder, "fails.ipynb"), ['throw new Error("no such model");']);
  const { code, stderr } = await execute(file);
  assert.notEqual(code, 0);
  assert.match(stderr, /Error: no such model\n {4}at compiled cell/);
});

test("the kernel answers as the protocol asks", needsJupyter, async () => {
  const script = join(import.meta.dirname, "drive_kernel.py");
  const driven = await finished(jupyterPython(), [script, "ssm-scope", folder], env);
  assert.equal(driven.code, 0, driven.stderr);
  const answers = JSON.parse(driven.stdout) as Answers;
  const executed = (name: string) => answers[name] as Executed;
  const types = (name: string) => executed(name).outputs.map(([type]) => type);

  assert.deepEqual(types("value"), ["execute_input", "execute_result"]);
  assert.deepEqual(executed("value").reply, { status: "ok", execution_count: 2 });

  for (const [name, ename, evalue] of [
    ["error", "RangeError", "too long"],
    ["diagnostic", "TypeScriptError", "1:7 - Type 'number' is not assignable to type 'string'."],
    ["awaiting", "Interrupted", "the cell was interrupted"],
    ["busy", "Interrupted", "the cell was interrupted"],
  ]) {
    const { reply, outputs } = executed(name!);
    const message = outputs.find(([type]) => type === "error")?.[1];
    assert.deepEqual([reply.status, reply.ename, reply.evalue], ["error", ename, evalue]);
    assert.deepEqual(message, { ename, evalue, traceback: reply.traceback }, "reply and message agree");
  }
  assert.equal(executed("after").reply.status, "ok", "an interrupted kernel goes on, with its variables");

  const burst = executed("burst").outputs.flatMap(([type, { data }]) =>
    type === "display_data" ? [(data as Record<string, unknown>)["text/plain"]] : [],
  );
  assert.deepEqual(
    burst,
    Array.from({ length: 3000 }, (_, i) => String(i)),
    "no output is lost",
  );

  assert.ok(answers.complete.matches.includes("sqrt"));
  assert.deepEqual([answers.complete.cursor_start, answers.complete.cursor_end], [5, 7]);
  assert.equal(answers.inspect.data["text/plain"], "const answer: number");
  assert.equal(answers.info.language_info.name, "typescript");
  assert.match(answers.info.language_info.version, /^5\./);
  assert.ok(answers.shutdown_s < 4, `a cell's timer kept the kernel for ${answers.shutdown_s} s`);
});

test("a kernel ends when Jupyter is killed", needsJupyter, async () => {
  const program = [
    "import os, sys",
    "from jupyter_client.manager import start_new_kernel",
    "manager, client = start_new_kernel(kernel_name='ssm-scope')",
    "print(manager.provisioner.pid, flush=True)",
    "os._exit(0)",
  ].join("\n");
  const { stdout, stderr } = await finished(jupyterPython(), ["-c", program], env);
  assert.match(stdout, /^\d+\n$/, stderr);
  assert.ok(await isGone(Number(stdout)));
});
