/** The kernel under the real Jupyter. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { installKernel, KERNELS } from "../../src/cli/kernel.js";
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
  for (const kernel of KERNELS) installKernel({ prefix: join(folder, "prefix"), kernel });
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

  assert.deepEqual(executed("restarted").reply.evalue, "1:23 - Cannot find name 'answer'.");
  assert.equal(executed("restarted").reply.execution_count, 1, "a restarted kernel counts anew");

  assert.ok(answers.complete.matches.includes("sqrt"));
  assert.deepEqual([answers.complete.cursor_start, answers.complete.cursor_end], [5, 7]);
  assert.equal(answers.inspect.data["text/plain"], "const answer: number");
  assert.equal(answers.info.language_info.name, "typescript");
  assert.match(answers.info.language_info.version, /^5\./);
  assert.ok(answers.shutdown_s < 4, `a cell's timer kept the kernel for ${answers.shutdown_s} s`);
});

/** Runs cells in an installed kernel, in a folder whose node_modules, and those above, do not hold ssm-scope. */
async function runCells(
  kernel: string,
  cells: string[],
  more: Record<string, string> = {},
): Promise<Executed[]> {
  const script = join(import.meta.dirname, "drive_kernel.py");
  const outside = mkdtempSync(join(tmpdir(), "ssm-scope-outside-"));
  try {
    const driven = await finished(jupyterPython(), [script, kernel, outside, ...cells], { ...env, ...more });
    assert.equal(driven.code, 0, driven.stderr);
    return JSON.parse(driven.stdout) as Executed[];
  } finally {
    rmSync(outside, { recursive: true });
  }
}

const dataOf = ({ outputs }: Executed): Record<string, unknown>[] =>
  outputs.flatMap(([, { data }]) => (data ? [data as Record<string, unknown>] : []));

test(
  "with the library preloaded, in any folder, values show as tables and figures",
  needsJupyter,
  async () => {
    const cells = {
      table: 'const rows = loadPaper("latency").select("model", "ttft_ms"); rows',
      frame: "const frame = await toDanfo(rows); frame",
      arquero: 'import { from } from "arquero"; from([{ a: 1 }]).numRows()',
      figure: 'figure1(figurePoints(loadPaper("latency")), { source: "paper" })',
      spec: '({ $schema: "https://vega.github.io/schema/vega-lite/v6.json", mark: "bar", data: { values: [{ a: 1 }] } })',
      mistake: "summarize([])",
      defect: 'JSON.parse("{")',
      typed: "const text: string = median([1]);",
      own: "const run = 1; run + 1",
      imported: 'import { show } from "ssm-scope"; await show(rows);',
    };
    const executed = await runCells("ssm-scope-loaded", Object.values(cells));
    const of = Object.fromEntries(Object.keys(cells).map((name, i) => [name, executed[i]!])) as Record<
      keyof typeof cells,
      Executed
    >;
    const [html] = dataOf(of.table).map((data) => String(data["text/html"]));
    assert.match(html!, /<th [^>]*>ttft_ms<br><small>ms<\/small><\/th>/);
    assert.equal(html!.match(/<tr>/g)?.length, 51, "a head and 50 rows");
    assert.match(html!, /first 50 of \d+ rows/);
    assert.deepEqual(dataOf(of.frame), dataOf(of.table), "danfo's frame shows as arquero's table");
    assert.deepEqual(dataOf(of.imported), dataOf(of.table));
    assert.deepEqual(dataOf(of.arquero), [{ "text/plain": "1" }]);
    for (const cell of [of.figure, of.spec]) {
      const [data] = dataOf(cell);
      assert.match(String(data!["image/svg+xml"]), /^<svg /);
      assert.equal(typeof data!["application/vnd.vegalite.v6+json"], "object");
    }
    assert.deepEqual(of.mistake.reply.traceback, [
      "UserError: the table has no rows: nothing was loaded or measured",
    ]);
    const frames = of.defect.reply.traceback!.slice(1);
    assert.ok(
      frames.length > 0 && frames.every((line) => /^ {4}at compiled cell:/.test(line)),
      frames.join("\n"),
    );
    assert.match(of.typed.reply.evalue!, /Type 'number' is not assignable to type 'string'/);
    assert.deepEqual(dataOf(of.own), [{ "text/plain": "2" }], "a name of one's own hides the library's");
  },
);

test(
  "the CUDA kernel says first whether there is a GPU, and runs cells without one",
  needsJupyter,
  async () => {
    // Without devices to see, a machine with a GPU is as one without.
    const [first, second] = await runCells("ssm-scope-cuda", ["1 + 1", "typeof run"], {
      CUDA_VISIBLE_DEVICES: "",
    });
    const streams = (cell: Executed) =>
      cell.outputs.filter(([type]) => type === "stream").map(([, text]) => text);
    assert.equal(streams(first!).length, 1);
    assert.equal(streams(first!)[0]!.name, "stderr");
    assert.match(
      String(streams(first!)[0]!.text),
      /^CUDA cannot be used here, and cells run without it \(ep: "cpu"\): [^\n]+\n$/,
    );
    assert.deepEqual(dataOf(first!), [{ "text/plain": "2" }]);
    assert.deepEqual(streams(second!), [], "once");
    assert.deepEqual(dataOf(second!), [{ "text/plain": "function" }]);
  },
);

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
