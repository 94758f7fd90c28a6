/** The notebooks of this repository run as they are, headless and under Jupyter. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { before, test } from "node:test";
import { installKernel } from "../../src/cli/kernel.js";
import { runNotebook } from "../../src/cli/notebook/run-notebook.js";
import { DIST, ensureDist } from "../support/dist.js";
import { finished, JUPYTER, needsJupyter } from "../support/jupyter.js";
import { need } from "../support/need.js";
import { readNotebook, scratchFolder } from "../support/notebook.js";

const NOTEBOOKS = resolve(import.meta.dirname, "../../notebooks");
const names = readdirSync(NOTEBOOKS).filter((name) => name.endsWith(".ipynb"));

/** A cell of these measures two small models on a CPU. */
const TIMEOUT_S = 300;

const needsBuild = need("dist/run", existsSync(join(DIST, "run", "index.js")), "npm run build");

before(ensureDist);
const folder = scratchFolder();

/** All cells ran in order, none failed, and tables and figures are there to be seen. */
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
  const types = new Set(outputs.flatMap(({ data }) => Object.keys(data ?? {})));
  for (const type of ["text/html", "text/markdown", "image/svg+xml"])
    assert.ok(types.has(type), `no output of type ${type}`);
}

test("there are notebooks", () => {
  assert.ok(names.length > 0);
});

for (const name of names) {
  test(`${name} runs headless`, needsBuild, async () => {
    const output = join(folder, `headless-${name}`);
    const run = await runNotebook(join(NOTEBOOKS, name), { output, timeoutS: TIMEOUT_S });
    assert.equal(run.how, "ok", run.failed?.error);
    isComplete(output);
  });

  test(
    `${name} runs under Jupyter`,
    { skip: needsBuild.skip === false ? needsJupyter.skip : needsBuild.skip },
    async () => {
      installKernel({ prefix: join(folder, "prefix") });
      copyFileSync(join(NOTEBOOKS, name), join(folder, name));
      const { code, stderr } = await finished(
        JUPYTER!,
        ["execute", `--timeout=${TIMEOUT_S}`, `--output=jupyter-${name}`, join(folder, name)],
        {
          JUPYTER_PATH: join(folder, "prefix", "share", "jupyter"),
          JUPYTER_RUNTIME_DIR: join(folder, "runtime"),
        },
      );
      assert.equal(code, 0, stderr);
      isComplete(join(folder, `jupyter-${name}`));
    },
  );
}
