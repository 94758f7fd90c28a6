import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, mock, suite, test } from "node:test";
import { compareCommand } from "../../src/cli/compare-command.js";
import { diffCommand } from "../../src/cli/diff.js";
import { ExitError } from "../../src/cli/exit.js";
import {
  ENVIRONMENT_FIELDS,
  formatJsonLines,
  writeEnvironment,
  type Environment,
  type Row,
} from "../../src/record/index.js";

const EMPTY = Object.fromEntries(
  Object.keys(ENVIRONMENT_FIELDS).map((field) => [field, null]),
) as Environment;

const STEADY = [100, 100.2, 99.9, 100.1, 100, 99.8];

interface Outcome {
  code: number;
  out: string;
}

/** Runs a command in this process. */
async function call(command: typeof diffCommand, ...args: string[]): Promise<Outcome> {
  const log = mock.method(console, "log", () => undefined);
  let code = 0;
  try {
    await command().exitOverride().parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    code = error.code;
  } finally {
    log.mock.restore();
  }
  return { code, out: log.mock.calls.map((one) => String(one.arguments[0])).join("\n") };
}

suite("diff and compare", () => {
  let folder: string;
  const path = (name: string): string => join(folder, name);
  const campaign = (name: string, environment: Partial<Environment> | null, factor: number): void => {
    mkdirSync(path(name));
    const rows = STEADY.flatMap((ms, repeat): Row[] =>
      ["fp32", "int8"].map((dtype) => ({
        kind: "latency",
        status: "ok",
        model: "m",
        dtype,
        prompt_tokens: 512,
        ttft_ms: ms * (dtype === "int8" ? factor : 1),
        repeat,
      })),
    );
    writeFileSync(join(path(name), "rows.jsonl"), formatJsonLines(rows));
    if (environment) writeEnvironment(path(name), { ...EMPTY, ...environment });
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "ssm-scope-diff-"));
    campaign("before", { gpu_power_limit_w: 450 }, 1);
    campaign("after", { gpu_power_limit_w: 300 }, 1.2);
    campaign("older", null, 1);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  test("the environment first, then numbers, and 1 for what is beyond the tolerance", async () => {
    const { code, out } = await call(diffCommand, path("before"), path("after"));
    assert.equal(code, 1);
    assert.ok(out.indexOf("gpu_power_limit_w") < out.indexOf("Numbers, B over A"));
    assert.match(out, /int8 +512 +ttft_ms +100 +120 +1\.2 .* slower/);
    assert.match(out, /1 same, 1 slower$/);
    const tolerant = await call(diffCommand, path("before"), path("after"), "--tolerance", "30%");
    assert.deepEqual([tolerant.code, /2 same$/.test(tolerant.out)], [0, true]);
  });

  test("as JSON, everything", async () => {
    const { code, out } = await call(diffCommand, path("before"), path("older"), "--json");
    const told = JSON.parse(out) as {
      environment_note: string;
      numbers: { verdict: string }[];
      differs: boolean;
    };
    assert.deepEqual(
      [code, told.differs, told.environment_note, told.numbers.map(({ verdict }) => verdict)],
      [0, false, "older has no environment.json: what differs there is unknown", ["same", "same"]],
    );
  });

  test("two settings of one campaign", async () => {
    const { out } = await call(compareCommand, path("after"), "--a", "dtype=fp32", "--b", "dtype=int8");
    assert.match(out, /512 +ttft_ms +.* samples +6 .* different +a/);
    const json = await call(
      compareCommand,
      path("after"),
      "--a",
      "dtype=fp32",
      "--b",
      "dtype=int8",
      "--json",
    );
    assert.equal((JSON.parse(json.out) as { verdict: string }[])[0]!.verdict, "different");
  });

  test("what is wrong is said", async () => {
    const wrong: [typeof diffCommand, string[], RegExp][] = [
      [diffCommand, [path("before"), path("nowhere")], /There is no file or folder/],
      [diffCommand, [path("before"), path("after"), "--metric", "energy_j"], /no row of before has energy_j/],
      [compareCommand, [path("after"), "--a", "colour=red", "--b", "dtype=int8"], /"colour" is no column/],
      [compareCommand, [path("after"), "--a", "dtype=fp16", "--b", "dtype=int8"], /no row has dtype "fp16"/],
    ];
    for (const [command, args, message] of wrong)
      await assert.rejects(call(command, ...args), { name: "UserError", message });
    const stderr = mock.method(process.stderr, "write", () => true);
    try {
      await assert.rejects(call(diffCommand, "a", "b", "--tolerance", "200%"), /not a share between 0 and 1/);
    } finally {
      stderr.mock.restore();
    }
  });
});
