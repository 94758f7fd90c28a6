/**
 * Notebooks run headless: tslab's converter and executor in a child process. This also holds the behaviour of
 * tslab's internal modules, which are no public API.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { collectParameter } from "../../src/cli/notebook/parameters.js";
import { type CellEvent, runNotebook } from "../../src/cli/notebook/run-notebook.js";
import { UserError } from "../../src/errors.js";
import { DIST, ensureDist } from "../support/dist.js";
import { isGone, printed, readNotebook, scratchFolder, writeNotebook } from "../support/notebook.js";

before(ensureDist);
const folder = scratchFolder();

test("every kind of output is kept, and the cells see what earlier ones declared", async () => {
  const output = join(folder, "deeper", "kinds-out.ipynb");
  const file = writeNotebook(join(folder, "kinds.ipynb"), [
    { type: "markdown", source: "# Kinds of output" },
    'import { display, newDisplay } from "tslab";\nlet n: number = await Promise.resolve(20);\nconsole.log("one"); console.log("two");\nconsole.error("three");',
    "n += 1; n * 2",
    'import { readFileSync } from "fs";\nJSON.parse(readFileSync("kinds.ipynb", "utf8")).cells.length',
    'display.html("<b>x</b>");\nconst bar = newDisplay(); bar.text("0 %");',
    'bar.text("100 %");',
    "[{ model: 'a', ttft_ms: 1.23456 }]",
    { source: 'throw new RangeError("expected");', tags: ["raises-exception"] },
    { source: "process.exit(1)", tags: ["skip-execution"] },
    "console.log(process.cwd());",
    "",
  ]);
  const events: CellEvent[] = [];
  const run = await runNotebook(file, { output, timeoutS: 60, onCell: (event) => events.push(event) });
  assert.deepEqual(run, { output, how: "ok" });

  const { cells, nbformat, nbformat_minor, metadata } = readNotebook(output);
  assert.deepEqual([nbformat, nbformat_minor], [4, 5]);
  assert.equal((metadata.language_info as { name: string }).name, "typescript");
  assert.deepEqual(
    cells.map((cell) => cell.execution_count),
    [undefined, 1, 2, 3, 4, 5, 6, 7, null, 8, null],
  );
  assert.deepEqual(cells[1]!.outputs, [
    { name: "stdout", output_type: "stream", text: ["one\n", "two\n"] },
    { name: "stderr", output_type: "stream", text: ["three\n"] },
  ]);
  assert.deepEqual(cells[2]!.outputs, [
    { data: { "text/plain": ["42"] }, execution_count: 2, metadata: {}, output_type: "execute_result" },
  ]);
  assert.deepEqual(cells[3]!.outputs[0]?.data, { "text/plain": ["11"] }, "a cell's folder is the notebook's");
  assert.deepEqual(
    cells[4]!.outputs.map(({ data }) => data),
    [{ "text/html": ["<b>x</b>"] }, { "text/plain": ["100 %"] }],
  );
  assert.deepEqual(cells[5]!.outputs, [], "an update shows where the display is");
  assert.match(String(cells[6]!.outputs[0]?.data?.["text/html"]), /<td [^>]*>1\.235<\/td>/);
  assert.equal(cells[7]!.outputs[0]?.ename, "RangeError");
  assert.deepEqual(cells[8]!.outputs, []);
  assert.equal(printed(cells[9]!), `${folder}\n`);

  const ends = events
    .filter(({ ended }) => ended)
    .map(({ number, total, ended }) => [number, total, ended!.how]);
  assert.equal(events.length, 16);
  assert.deepEqual(ends[6], [7, 8, "failed"]);
  assert.deepEqual(ends[7], [8, 8, "ok"]);
});

test("a cell imports the package by its name, with its types, and shows what it makes", async () => {
  const exported = Object.keys((await import(join(DIST, "index.js"))) as object).sort();
  const spec = '{ data: { values: [{ x: 1 }] }, mark: "point", encoding: { x: { field: "x" } } }';
  const output = join(folder, "import-out.ipynb");
  const file = writeNotebook(join(folder, "import.ipynb"), [
    'import * as scope from "ssm-scope";\nconsole.log(Object.keys(scope).sort().join());',
    'import { show } from "../../dist/notebook/index.js";\nimport { table } from "arquero";',
    'await show(table({ model: ["a"], ttft_ms: [1.5] }));',
    `await show({ name: "f", title: "A point", caption: "It is small.", spec: ${spec} });`,
    'await show("**bold**");',
    "table({ batch: [1, 2] })",
    "scope.thereIsNoSuchExport;",
  ]);
  const run = await runNotebook(file, { output, timeoutS: 60 });
  const { cells } = readNotebook(output);

  // `default` is what TypeScript's interop adds to a namespace.
  const seen = printed(cells[0]!).trim().split(",");
  assert.deepEqual(
    seen.filter((name) => name !== "default"),
    exported,
  );
  assert.equal(cells[0]!.outputs.length, 1, "nothing but what the cell prints: no ExperimentalWarning");

  const shown = cells
    .slice(1, 6)
    .map(({ outputs }) =>
      outputs.map(({ output_type, data }) => [output_type, ...Object.keys(data ?? {}).sort()]),
    );
  assert.deepEqual(shown, [
    [],
    [["display_data", "text/html", "text/plain"]],
    [
      ["display_data", "application/vnd.vegalite.v6+json", "image/svg+xml", "text/plain"],
      ["display_data", "text/markdown", "text/plain"],
    ],
    [["display_data", "text/markdown", "text/plain"]],
    [["execute_result", "text/html", "text/plain"]],
  ]);

  // With types that did not resolve, the package would be `any` and the last cell would pass.
  assert.equal(run.how, "failed");
  assert.match(String(cells[6]!.outputs[0]?.evalue), /Property 'thereIsNoSuchExport' does not exist/);
});

test("a shorthand property takes a variable of an earlier cell, as a pattern gives it one", async () => {
  const output = join(folder, "shorthand-out.ipynb");
  const file = writeNotebook(join(folder, "shorthand.ipynb"), [
    "const models = ['a']; let repeats = 3;",
    "console.log(JSON.stringify({ models, repeats, nested: [{ repeats }] }));",
    "({ repeats } = { repeats: 4 });\nconst { length } = models;",
    "console.log(repeats, length);",
  ]);
  const run = await runNotebook(file, { output, timeoutS: 60 });
  assert.equal(run.how, "ok", run.failed?.error);
  const { cells } = readNotebook(output);
  assert.equal(printed(cells[1]!), '{"models":["a"],"repeats":3,"nested":[{"repeats":3}]}\n');
  assert.equal(printed(cells[3]!), "4 1\n");
});

test("a notebook of the preloaded or the CUDA kernel finds the library as there", async () => {
  const file = writeNotebook(join(folder, "loaded.ipynb"), ["typeof run + typeof loadPaper"]);
  for (const name of ["ssm-scope-loaded", "ssm-scope-cuda"]) {
    writeFileSync(file, JSON.stringify({ ...readNotebook(file), metadata: { kernelspec: { name } } }));
    const output = join(folder, `${name}.ipynb`);
    const run = await runNotebook(file, { output, timeoutS: 60 });
    assert.equal(run.how, "ok", run.failed?.error);
    const outputs = readNotebook(output).cells[0]!.outputs;
    assert.deepEqual(outputs.at(-1)?.data, { "text/plain": ["functionfunction"] });
    const said = outputs.slice(0, -1).map(({ text }) => text!.join(""));
    if (name === "ssm-scope-loaded") assert.deepEqual(said, []);
    else assert.match(said.join(), /^CUDA (?:is ready|cannot be used here)/);
  }
});

test("a session outlives `npm install`: packages that it imports are touched", async () => {
  const at = join(folder, "installed");
  const installed = join(at, "node_modules", "some-package");
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(installed, "package.json"), '{ "name": "some-package", "types": "index.d.ts" }');
  writeFileSync(join(installed, "index.js"), "exports.answer = 42;");
  writeFileSync(join(installed, "index.d.ts"), "export declare const answer: number;");
  const file = writeNotebook(join(at, "install.ipynb"), [
    'import { answer } from "some-package";\nimport { utimesSync } from "fs";',
    'for (const name of ["package.json", "index.d.ts"]) utimesSync(`node_modules/some-package/${name}`, 0, 0);\n' +
      "await new Promise((done) => setTimeout(done, 300));",
    "console.log(answer);",
  ]);
  const run = await runNotebook(file, { output: file, timeoutS: 60 });
  assert.equal(run.how, "ok", run.failed?.error);
});

test("parameters are assigned behind the cell that declares them, and checked by the compiler", async () => {
  const file = writeNotebook(join(folder, "parameters.ipynb"), [
    {
      source:
        "let lengths = [64, 256];\nlet rows: string | null = null; // a folder\nlet repeats: number = 3;",
      tags: ["parameters"],
    },
    "console.log(JSON.stringify([lengths, rows, repeats]));",
  ]);
  const output = join(folder, "parameters-out.ipynb");
  const values = ["lengths=[16]", "rows=../out/a=b"].reduce(
    (all, text) => collectParameter(text, all),
    collectParameter("rows=replaced"),
  );
  const twice = [file, output];
  for (const from of twice) {
    const run = await runNotebook(from, { output, parameters: values, timeoutS: 60 });
    assert.equal(run.how, "ok", run.failed?.error);
    const { cells } = readNotebook(output);
    assert.equal(cells.length, 3, "an injected cell is replaced");
    assert.deepEqual(cells[1]!.metadata, { tags: ["injected-parameters"] });
    assert.deepEqual(cells[1]!.source, ['rows = "../out/a=b";\n', "lengths = [16];"]);
    assert.equal(printed(cells[2]!), '[[16],"../out/a=b",3]\n');
  }

  const wrong = await runNotebook(file, {
    output,
    parameters: collectParameter("repeats=often"),
    timeoutS: 60,
  });
  assert.match(String(wrong.failed?.error), /Type 'string' is not assignable to type 'number'/);
  assert.equal(wrong.failed?.source, 'repeats = "often";');
});

test("a parameter that a notebook lacks is refused with those it has, before any cell runs", async () => {
  const with3 = writeNotebook(join(folder, "with-parameters.ipynb"), [
    { source: "let lengths = [64, 256];\nlet rows = null;", tags: ["parameters"] },
  ]);
  const without = writeNotebook(join(folder, "without-parameters.ipynb"), ["let lengths = [64];"]);
  const output = join(folder, "never.ipynb");
  const refused = (file: string, message: RegExp) =>
    assert.rejects(
      runNotebook(file, { output, parameters: collectParameter("length=64"), timeoutS: 60 }),
      (error: unknown) => error instanceof UserError && message.test(error.message),
    );
  await refused(
    with3,
    /with-parameters\.ipynb has no parameter length: it has lengths = \[64, 256\], rows = null$/,
  );
  await refused(
    without,
    /without-parameters\.ipynb has no parameter length: it has none \(a code cell tagged/,
  );
  assert.ok(!existsSync(output));
  assert.throws(() => collectParameter("=3"), /NAME=VALUE is needed/);
  assert.throws(() => collectParameter("lengths"), /NAME=VALUE is needed/);
});

test("a figure's specification can be left out of the file", async () => {
  const spec = '{ data: { values: [{ x: 1 }] }, mark: "point", encoding: { x: { field: "x" } } }';
  const file = writeNotebook(join(folder, "svg.ipynb"), [
    'import { show } from "ssm-scope";',
    `await show({ name: "f", title: "A point", caption: "", spec: ${spec} });`,
  ]);
  const output = join(folder, "svg-out.ipynb");
  await runNotebook(file, { output, svgOnly: true, timeoutS: 60 });
  const [drawn] = readNotebook(output).cells[1]!.outputs;
  assert.deepEqual(Object.keys(drawn!.data!).sort(), ["image/svg+xml", "text/plain"]);
});

test("a busy cell is stopped at its time limit, with the processes it started", async () => {
  const output = join(folder, "slow-out.ipynb");
  const file = writeNotebook(join(folder, "slow.ipynb"), [
    'import { spawn } from "child_process";\nconsole.log(spawn("sleep", ["600"]).pid);',
    "while (true) {}",
  ]);
  const run = await runNotebook(file, { output, timeoutS: 2 });
  assert.equal(run.how, "timed out");
  const { cells } = readNotebook(output);
  assert.equal(cells[1]!.outputs.at(-1)?.evalue, "the cell ran longer than 2 s and was stopped");
  assert.ok(await isGone(Number(printed(cells[0]!))));
});

test("a cell that ends its process is a failed cell", async () => {
  const output = join(folder, "dies-out.ipynb");
  const file = writeNotebook(join(folder, "dies.ipynb"), ["process.kill(process.pid, 'SIGSEGV');"]);
  const run = await runNotebook(file, { output, timeoutS: 60 });
  assert.equal(run.how, "died");
  assert.equal(readNotebook(output).cells[0]!.outputs.at(-1)?.ename, "KernelDied");
});

test("a missing notebook is the user's error", async () => {
  await assert.rejects(
    runNotebook(join(folder, "none.ipynb"), { output: "unused.ipynb", timeoutS: 1 }),
    (error: unknown) =>
      error instanceof UserError && /there is no notebook .*none\.ipynb/.test(error.message),
  );
});

/** Starts the command in a process of its own, as the shell does. */
function command(args: string[]) {
  const program = `import { notebookCommand } from ${JSON.stringify(join(DIST, "cli", "notebook.js"))};
    await notebookCommand().parseAsync(${JSON.stringify(args)}, { from: "user" });`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { cwd: folder });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  const exit = new Promise<number | null>((done) => child.on("close", done));
  return { child, exit, stdout: () => stdout, stderr: () => stderr };
}

test("the command runs all files, says how each cell ended, and fails when one did", async () => {
  writeNotebook(join(folder, "one.ipynb"), [
    'console.log("before");',
    "console.log('partial');\nthrow new Error('no such model');",
    'console.log("never");',
  ]);
  writeNotebook(join(folder, "two.ipynb"), ["2"]);
  const { exit, stdout, stderr } = command(["run", "one.ipynb", "two.ipynb"]);
  assert.equal(await exit, 1, stderr());
  const [one, two] = ["one.ipynb", "two.ipynb"].map((name) => join("out", "notebooks", name));
  assert.equal(stdout(), `${one}\n${two}\n`);
  assert.match(stderr(), /^one\.ipynb 2\/3 {2}console\.log\('partial'\); … failed, \d+\.\d s$/m);
  assert.match(stderr(), /Cell 2 of one\.ipynb failed:\n\n {4}console.*\n {4}throw[^]*Error: no such model/);
  assert.match(stderr(), /^two\.ipynb 1\/1 {2}2 … ok, \d+\.\d s$/m);

  const { cells } = readNotebook(join(folder, one!));
  assert.equal(printed(cells[0]!), "before\n");
  assert.deepEqual(
    cells[1]!.outputs.map(({ output_type }) => output_type),
    ["stream", "error"],
  );
  assert.deepEqual([cells[2]!.execution_count, cells[2]!.outputs], [null, []], "no cell runs after it");
});

test("Ctrl-C keeps the outputs so far, stops what the cell started and exits with 130", async () => {
  const file = writeNotebook(join(folder, "long.ipynb"), [
    'import { spawn } from "child_process";\nconsole.log(spawn("sleep", ["600"]).pid);',
    "await new Promise((done) => setTimeout(done, 600_000));",
  ]);
  const { child, exit, stderr } = command(["run", "--in-place", "long.ipynb"]);
  while (!stderr().includes("2/2")) await delay(20);
  child.kill("SIGINT");
  assert.equal(await exit, 130, stderr());
  const { cells } = readNotebook(file);
  assert.ok(await isGone(Number(printed(cells[0]!))));
  assert.equal(cells[1]!.outputs[0]?.ename, "Interrupted");
});

test("nothing runs where one of the notebooks lacks a parameter", async () => {
  writeNotebook(join(folder, "has.ipynb"), [{ source: "let rows = null;", tags: ["parameters"] }]);
  writeNotebook(join(folder, "lacks.ipynb"), ["1"]);
  const { exit, stdout, stderr } = command(["run", "has.ipynb", "lacks.ipynb", "-p", "rows=../out/a"]);
  assert.notEqual(await exit, 0);
  assert.match(stderr(), /UserError: lacks\.ipynb has no parameter rows/);
  assert.equal(stdout(), "");
});

test("a time limit that is no number of seconds is refused", async () => {
  const { exit, stderr } = command(["run", "one.ipynb", "--timeout", "soon"]);
  assert.notEqual(await exit, 0);
  assert.match(stderr(), /'--timeout <seconds>' argument 'soon' is invalid\. a number of seconds above 0/);
});
