/**
 * The notebooks of this repository run as they are, and say again what their committed outputs say: the cells
 * tagged `key-numbers` must put out the same text. After a change that is meant, renew them all:
 * `ssm-scope notebook run --in-place --svg-only notebooks/*.ipynb`.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { before, describe, test } from "node:test";
import { runNotebook } from "../../src/cli/notebook/run-notebook.js";
import { DIST, ensureDist } from "../support/dist.js";
import { need } from "../support/need.js";
import { keyNumbers, readNotebook, scratchFolder, writeNotebook } from "../support/notebook.js";

const NOTEBOOKS = resolve(import.meta.dirname, "../../notebooks");
const names = readdirSync(NOTEBOOKS).filter((name) => name.endsWith(".ipynb"));

/** Those that measure do so at a few short lengths here: what they find is the machine's, and no key number. */
const SMALL = new Map(
  Object.entries({
    "01-crossover.ipynb": { promptTokens: "[16, 32, 64]", newTokens: "2", repeats: "2" },
    "11-your-own-model.ipynb": { promptTokens: "[16, 32, 64]", repeats: "2" },
    "13-operators.ipynb": { promptTokens: "[16, 32, 64]" },
  }).map(([name, values]) => [name, new Map(Object.entries(values))]),
);

/** Of one cell. */
const TIMEOUT_S = 300;

/** What a code host still shows, and a reader still loads. */
const MAX_BYTES = 300_000;

const needsBuild = need("dist/run", existsSync(join(DIST, "run", "index.js")), "npm run build");

before(ensureDist);
const folder = scratchFolder();

// Verdicts of the numerical gate that a cell reaches must not end up in the user's own cache.
process.env.XDG_CACHE_HOME = join(folder, "cache");

/** All cells ran in order and none failed, and there is something to be seen. */
function isComplete(file: string): void {
  const code = readNotebook(file).cells.filter(({ cell_type }) => cell_type === "code");
  assert.deepEqual(
    code.map(({ execution_count }) => execution_count),
    code.map((_, index) => index + 1),
  );
  const outputs = code.flatMap((cell) => cell.outputs);
  assert.deepEqual(
    outputs.filter(({ output_type }) => output_type === "error"),
    [],
  );
  assert.ok(outputs.some(({ data }) => data && "text/html" in data));
}

test("there are notebooks", () => {
  assert.ok(names.length > 10);
});

for (const name of names)
  test(`${name} is committed with its outputs, asks its question first, and is small enough to be shown`, () => {
    const file = join(NOTEBOOKS, name);
    isComplete(file);
    const [first] = readNotebook(file).cells;
    assert.equal(first!.cell_type, "markdown");
    assert.match(first!.source.join(""), /^# .*\?\n/);
    assert.ok(Object.keys(keyNumbers(file)).length > 0, "no cell is tagged key-numbers");
    assert.ok(statSync(file).size < MAX_BYTES, `${statSync(file).size} bytes`);
  });

// Two at a time, for each is a process that uses little more than one core.
describe("run again", { concurrency: 2 }, () => {
  for (const name of names)
    test(`${name} runs headless and gives its key numbers`, needsBuild, async () => {
      const output = join(folder, `headless-${name}`);
      const parameters = SMALL.get(name) ?? new Map<string, string>();
      const run = await runNotebook(join(NOTEBOOKS, name), { output, parameters, timeoutS: TIMEOUT_S });
      assert.equal(run.how, "ok", run.failed?.error);
      isComplete(output);
      assert.deepEqual(keyNumbers(output), keyNumbers(join(NOTEBOOKS, name)));
    });
});

test("a changed key number is seen", needsBuild, async () => {
  mkdirSync(join(folder, "changed"));
  const numbers = (name: string, value: string): Promise<string> => {
    const file = writeNotebook(join(folder, "changed", name), [
      { source: `await Promise.resolve();\nconsole.log("tokens", ${value});`, tags: ["key-numbers"] },
      "Math.random()",
    ]);
    return runNotebook(file, { output: file, timeoutS: TIMEOUT_S }).then(() => file);
  };
  const [committed, same, changed] = await Promise.all([
    numbers("committed.ipynb", "24950"),
    numbers("same.ipynb", "24950"),
    numbers("changed.ipynb", "24951"),
  ]);
  assert.deepEqual(keyNumbers(same), keyNumbers(committed));
  assert.notDeepEqual(keyNumbers(changed), keyNumbers(committed));
});
