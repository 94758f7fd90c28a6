import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { after as afterAll, before, suite, test } from "node:test";
import { UserError } from "../../src/errors.js";
import { loadRows, type Row } from "../../src/record/index.js";
import { InterruptedError, type Cell } from "../../src/run/index.js";
import { runCells } from "../../src/run/run.js";
import { after, block, first, NULL_POINTER, writePid } from "../support/cell-preload.js";
import { DIST, ensureDist } from "../support/dist.js";
import { tinyCells } from "../support/tiny-cells.js";

const CELLS = tinyCells({ promptTokens: [8], newTokens: 3, repeats: 2 });
const ISOLATED = { isolate: "cell", progress: "none" } as const;

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "ssm-scope-isolated-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function rowsOf(
  options: Omit<Parameters<typeof runCells>[1], "progress">,
  cells: readonly Cell[] = CELLS,
): Promise<Row[]> {
  return (await runCells(cells, { ...ISOLATED, ...options })).objects();
}

/** Which sample of which model came out how. */
const outline = (rows: readonly Row[]): unknown[] =>
  rows.map(({ model, repeat, status }) => [model, repeat ?? null, status]);

const ALL_GOOD = CELLS.flatMap(({ model }) => [0, 1].map((repeat) => [model.name, repeat, "ok"]));

/** Whether a process runs; one that has ended and waits to be collected does not. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const status = `/proc/${pid}/status`;
  return !existsSync(status) || !/^State:\s+Z/m.test(readFileSync(status, "utf8"));
}

async function until(what: string, condition: () => boolean, limitMs = 20_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${limitMs} ms`);
    await wait(20);
  }
}

/** A row without what differs from run to run. */
const settled = (row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, TAKEN_AFRESH.test(name) ? typeof value : value]),
  );
const TAKEN_AFRESH =
  /_ms$|_per_s$|^measured_at$|^process_rss_bytes$|^campaign$|^warmup_|^verdict|^(peak_activation|reserved|total|context|residual|arena_slack)_bytes$/;

const CELL_COLUMNS = [
  ...["kind", "campaign", "cell", "model", "hf_id", "family", "weights", "parameters", "dtype", "lowering"],
  ...["device", "ep", "threads", "batch", "prompt_tokens", "new_tokens", "prefill", "segment_tokens"],
  ...["logits", "seed", "host", "cpu_model", "ort_version", "ssm_scope_version", "source"],
] as (keyof Row)[];

suite("cells in processes of their own", () => {
  test("give the rows that this process gives", async () => {
    const options = process.env.NODE_OPTIONS;
    // A debugger's or a loader's: nothing that a cell could run with.
    process.env.NODE_OPTIONS = "--import=file:///nowhere.mjs";
    try {
      const [here, there] = [await rowsOf({ isolate: "none" }), await rowsOf({ out: join(folder, "same") })];
      assert.deepEqual(outline(there), ALL_GOOD);
      assert.deepEqual(there.map(settled), here.map(settled));
      assert.deepEqual(readdirSync(join(folder, "same")), ["rows.jsonl"], "logs without a line are removed");
    } finally {
      if (options === undefined) delete process.env.NODE_OPTIONS;
      else process.env.NODE_OPTIONS = options;
    }
  });

  test("are the default where native code may crash, and not on the CPU", async () => {
    const crash = [after("ready", `process.kill(process.pid, "SIGKILL");`)];
    assert.deepEqual(outline(await rowsOf({ isolate: "auto", preload: crash })), ALL_GOOD);
    const elsewhere = CELLS.map((cell) => ({ ...cell, ep: "other" as "cpu" }));
    const rows = await rowsOf({ isolate: "auto", preload: crash }, elsewhere);
    assert.deepEqual(
      rows.map(({ status }) => status),
      ["failed", "failed"],
    );
    await assert.rejects(
      rowsOf({ isolate: "process" as "cell" }),
      /^UserError: isolate is "process"; it must be "auto" or "cell" or "model" or "none"$/,
    );
  });

  test("go on after one that crashes in native code: a row with its last words, and the next cell", async () => {
    const out = join(folder, "crash");
    const print = String.raw`writeSync(2, "first\nsecond\n\x1b[1;31mCUDA failure 700\x1b[m: an illegal address\n\nfourth\n");`;
    const preload = [after("row", `if (message.row.model === "tiny-gpt-neo") { ${print} ${NULL_POINTER} }`)];
    const rows = await rowsOf({ out, preload });
    assert.deepEqual(outline(rows), [
      ["tiny-gpt-neo", 0, "ok"],
      ["tiny-gpt-neo", null, "failed"],
      ["tiny-mamba2", 0, "ok"],
      ["tiny-mamba2", 1, "ok"],
    ]);
    const [good, dead] = rows as [Row, Row];
    assert.equal(
      dead.status_reason,
      "the process was killed by SIGSEGV after the first sample; last log lines: second | CUDA failure 700: an illegal address | fourth",
    );
    for (const column of CELL_COLUMNS) assert.deepEqual(dead[column], good[column], column);
    assert.ok(dead.measured_at);
    assert.equal(dead.ttft_ms ?? null, null);
    assert.deepEqual(readdirSync(join(out, "logs")), [`${CELLS[0]!.key}.log`]);
    assert.match(readFileSync(join(out, "logs", `${CELLS[0]!.key}.log`), "utf8"), /^first\nsecond\n/);

    const resumed = await rowsOf({ out, resume: true });
    assert.deepEqual(resumed.slice(0, 4), rows);
    assert.deepEqual(outline(resumed.slice(4)), [["tiny-gpt-neo", 1, "ok"]], "the samples it lacks");
    assert.deepEqual(loadRows(out).objects(), resumed);
  });

  const ENDS: [string, string, RegExp][] = [
    [
      "killed from outside",
      after("ready", `process.kill(process.pid, "SIGKILL");`),
      /^the process was killed by SIGKILL, not by the kernel's OOM killer, before the first sample; it logged nothing$/,
    ],
    [
      "aborted by a library",
      after("row", `if (count === 2) process.abort();`),
      /^the process was killed by SIGABRT after 2 samples; /,
    ],
    [
      "ended by a library",
      first(`console.log("no device"); process.exit(3);`),
      /^the process ended with exit code 3 before the first sample; last log lines: no device$/,
    ],
    [
      "ended by an error that nobody caught",
      after("row", `setImmediate(() => { throw new Error("stray"); });`),
      /^the process ended with exit code 1 after the first sample; last log lines: .*Error: stray$/,
    ],
  ];
  for (const [how, preload, reason] of ENDS)
    test(`say how they ended: ${how}`, async () => {
      const rows = await rowsOf({ preload: [preload] }, [{ ...CELLS[0]!, repeats: 100 }]);
      const { status, status_reason } = rows.at(-1)!;
      assert.equal(status, "failed");
      assert.match(status_reason!, reason);
      assert.ok(rows.slice(0, -1).every((row) => row.status === "ok"));
    });

  test("report an error of ONNX Runtime as this process does, whatever the release does then", async () => {
    // A config.json with that is refused: attention takes heads of whole blocks of 8 components.
    const { model } = CELLS[0]!;
    const broken = { ...CELLS[0]!, model: { ...model, config: { ...model.config, num_heads: 8 } } } as Cell;
    const here = await rowsOf({ isolate: "none" }, [broken]);
    const crash = after("row", `if (message.row.status === "failed") ${NULL_POINTER}`);
    const there = await rowsOf({ preload: [crash] }, [broken]);
    assert.match(here[0]!.status_reason!, /^RunWithBinding failed \(/);
    assert.deepEqual(there.map(settled), here.map(settled));
  });

  test("pass on what the user can put right, and defects of ours, as errors", async () => {
    const nowhere = first(`process.env.SSM_SCOPE_ORT = "/nowhere/libonnxruntime.so";`);
    const out = join(folder, "no-library");
    await assert.rejects(rowsOf({ out, preload: [nowhere] }), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /\/nowhere\/libonnxruntime.so/);
      return true;
    });
    assert.deepEqual(readdirSync(out), [], "no row, no log");
    const defect = { ...CELLS[0]!, model: { ...CELLS[0]!.model, config: {} } } as Cell;
    await assert.rejects(rowsOf({}, [defect]), (error: unknown) => {
      assert.ok(error instanceof Error && !(error instanceof UserError));
      assert.equal(error.name, "RangeError");
      assert.match(error.stack!, /Generator/, "the stack is the one of the process");
      return true;
    });
  });

  test("stop when the sweep is interrupted, and keep complete rows", async () => {
    const controller = new AbortController();
    const pidFile = join(folder, "interrupted.pid");
    const out = join(folder, "interrupted");
    const running = rowsOf(
      { out, signal: controller.signal, preload: [after("row", writePid(pidFile))] },
      CELLS.map((cell) => ({ ...cell, repeats: 100_000 })),
    );
    const aborted = until("a row", () => existsSync(pidFile)).then(() => {
      controller.abort();
    });
    await assert.rejects(running, (error: unknown) => {
      assert.ok(error instanceof InterruptedError, String(error));
      const rows = error.table.objects() as Row[];
      assert.ok(rows.length > 0 && rows.every(({ status }) => status === "ok"));
      assert.deepEqual(loadRows(out).objects(), rows);
      return true;
    });
    await aborted;
    assert.ok(!alive(Number(readFileSync(pidFile, "utf8"))));
    assert.deepEqual(readdirSync(out), ["rows.jsonl"]);
  });

  for (const [how, signal, blockedMs] of [
    ["killed, once a native call returns", "SIGKILL", 1500],
    ["gone after a second Ctrl-C, at once", "SIGTERM", 600_000],
  ] as const)
    test(`do not outlive a sweep that was ${how}`, async () => {
      const pidFile = join(folder, `${signal}.pid`);
      const preload = after("row", `${writePid(pidFile)} ${block(blockedMs)}`);
      const script = join(import.meta.dirname, "isolated-parent.ts");
      const parent = spawn(process.execPath, ["--import", "tsx", script, join(folder, signal), preload], {
        stdio: "ignore",
      });
      const gone = new Promise((resolve) => parent.on("exit", resolve));
      await until("a row", () => existsSync(pidFile) && readFileSync(pidFile, "utf8") !== "");
      const pid = Number(readFileSync(pidFile, "utf8"));
      assert.ok(alive(pid));
      parent.kill(signal);
      await gone;
      await until(`the end of process ${pid}`, () => !alive(pid), blockedMs + 5000);
    });

  test("work from the build, in a process that is a script or a kernel and not ours", () => {
    ensureDist();
    const code = `
      const { runCells } = require(${JSON.stringify(join(DIST, "run", "run.js"))});
      const cells = JSON.parse(${JSON.stringify(JSON.stringify(CELLS))});
      runCells(cells, { isolate: "cell", progress: "none" }).then((table) => console.log(table.numRows()));`;
    const printed = execFileSync(process.execPath, ["-e", code, "--", "--test"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    assert.equal(printed, "4\n");
  });
});
