/** A sweep in a cell: one display that is updated in place, and the stop button, under the real Jupyter. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { installKernel } from "../../src/cli/kernel.js";
import { readJsonLines } from "../../src/record/index.js";
import { ensureDist } from "../support/dist.js";
import { finished, jupyterPython, needsJupyter } from "../support/jupyter.js";
import { scratchFolder } from "../support/notebook.js";

const folder = scratchFolder();
const env = {
  JUPYTER_PATH: join(folder, "prefix", "share", "jupyter"),
  JUPYTER_RUNTIME_DIR: join(folder, "runtime"),
};

before(() => {
  ensureDist();
  installKernel({ prefix: join(folder, "prefix") });
});

/** What drive_kernel.py prints of a cell. */
interface Executed {
  reply: { status: string; ename?: string; evalue?: string };
  outputs: [string, { data?: Record<string, string>; transient?: { display_id?: string }; text?: string }][];
}

const PREPARE = `
import { interruptedRows, plan, run, type RunOptions } from "ssm-scope/run";
const [cell] = plan({ models: ["gpt-neo-125m"], promptTokens: [8] });
const config = { vocab_size: 64, hidden_size: 32, num_layers: 2, num_heads: 2, intermediate_size: null, max_position_embeddings: 64,
  window_size: 16, attention_layers: ["global", "local"], layer_norm_epsilon: 1e-5 };
const model = { ...cell.model, name: "tiny", config } as typeof cell.model;
const sweep = (more: Partial<RunOptions>) => run({ models: [model], promptTokens: [8], newTokens: 4, threads: 1, ...more });`;

test(
  "a sweep shows one display that is updated in place, and the stop button keeps its rows",
  needsJupyter,
  async () => {
    const script = join(import.meta.dirname, "drive_kernel.py");
    const out = join(folder, "night");
    const many = `{ repeats: 1_000_000, out: ${JSON.stringify(out)} }`;
    const cells = [
      PREPARE,
      "(await sweep({ repeats: 3 })).numRows()",
      `// stop\nawait sweep(${many});`,
      "interruptedRows()!.numRows()",
      `// stop\nawait sweep({ ...${many}, isolate: "cell", resume: true });`,
      "interruptedRows()!.numRows()",
    ];
    const driven = await finished(jupyterPython(), [script, "ssm-scope", folder, ...cells], env);
    assert.equal(driven.code, 0, driven.stderr);
    const [prepared, whole, stopped, kept, again, keptAgain] = JSON.parse(driven.stdout) as Executed[];
    assert.equal(prepared!.reply.status, "ok", JSON.stringify(prepared));

    const shown = ({ outputs }: Executed) => outputs.filter(([type]) => type.endsWith("display_data"));
    const [first, ...updates] = shown(whole!);
    assert.equal(first![0], "display_data");
    assert.ok(updates.length > 0 && updates.every(([type]) => type === "update_display_data"));
    const ids = new Set(shown(whole!).map(([, { transient }]) => transient?.display_id));
    assert.equal(ids.size, 1, "one display");
    assert.match(updates.at(-1)![1].data!["text/plain"]!, /^tiny, 8 tokens: TTFT .*\nended after \d+ s$/);
    assert.match(first![1].data!["text/html"]!, /<progress max="100" value="0">/);
    assert.ok(!whole!.outputs.some(([type]) => type === "stream"), "nothing on stderr");
    assert.deepEqual(result(whole!), 3);

    for (const cell of [stopped!, again!]) {
      assert.equal(cell.reply.ename, "InterruptedError", JSON.stringify(cell.reply));
      assert.match(shown(cell).at(-1)![1].data!["text/plain"]!, /stopping after the step in flight/);
    }
    const rows = readJsonLines(join(out, "rows.jsonl")).rows;
    assert.match(stopped!.reply.evalue!, new RegExp(`^interrupted; ${result(kept!)} complete rows are kept`));
    assert.ok(result(kept!) > 0);
    assert.ok(result(keptAgain!) >= result(kept!));
    assert.equal(rows.length, result(keptAgain!), "what is in the table is on the disk");
  },
);

const result = ({ outputs }: Executed): number =>
  Number(outputs.find(([type]) => type === "execute_result")![1].data!["text/plain"]);
