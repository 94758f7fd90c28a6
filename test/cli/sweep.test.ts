import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { readPlan } from "../../src/cli/sweep/read-plan.js";
import { temporaryFolder } from "../support/temporary.js";

const folder = temporaryFolder();
const MAIN = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const cli = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, ["--import", "tsx", MAIN, "sweep", ...args], { encoding: "utf8" });

suite("a plan's file", () => {
  const PLAN = { models: ["mamba2-130m"], promptTokens: "1K..4K*2" };

  test("is JSON, or a module's default export", async () => {
    assert.deepEqual(await readPlan(file("plan.json", JSON.stringify(PLAN))), PLAN);
    assert.deepEqual(await readPlan(file("plan.mjs", `export default ${JSON.stringify(PLAN)};`)), PLAN);
    const typed = `import type { Nothing } from "nowhere";
      const models: string[] = ["mamba2-130m"];
      export default { models, promptTokens: "1K..4K*2" } satisfies object as unknown as Nothing;`;
    assert.deepEqual(await readPlan(file("plan.ts", typed)), PLAN);
  });

  const WRONG: [what: string, name: string, text: string | null, sentence: RegExp][] = [
    ["that is not there", "none.json", null, /none\.json: the plan cannot be read \(ENOENT\)$/],
    ["that is cut", "cut.json", '{"models": [', /cut\.json: .*JSON/],
    [
      "of another kind",
      "plan.yaml",
      "models: x",
      /plan\.yaml: a plan is a \.json, \.js, \.mjs or \.ts file$/,
    ],
    ["without an export", "empty.mjs", "const plan = 1;", /empty\.mjs: the plan has no default export$/],
    [
      "that imports in TypeScript",
      "import.ts",
      'import "./x.js"; export default {};',
      /import\.ts: the plan cannot be loaded: .*; a plan in TypeScript may import types only/,
    ],
  ];
  for (const [what, name, text, message] of WRONG)
    test(`${what} is refused`, async () => {
      const path = text === null ? join(folder, name) : file(name, text);
      await assert.rejects(readPlan(path), { name: "UserError", message });
    });
});

test("a dry run prints what is known of each cell, as a table or for programs, and measures nothing", () => {
  const path = file(
    "dry.json",
    JSON.stringify({
      models: "mamba2-130m",
      promptTokens: [128, 256],
      memory: [null, "600MB"],
      newTokens: 4,
    }),
  );
  const out = join(folder, "not-made");
  const { status, stdout, stderr } = cli(
    path,
    "--dry-run",
    "--json",
    "-o",
    out,
    "--lowering",
    "linear-attention",
  );
  assert.equal(status, 0, stderr);
  const rows = JSON.parse(stdout) as Record<string, unknown>[];
  assert.deepEqual(
    rows.map(({ prompt_tokens, memory_limit_bytes }) => [
      prompt_tokens,
      (memory_limit_bytes as number) === 600e6,
    ]),
    [
      [128, false],
      [256, false],
      [128, true],
      [256, true],
    ],
  );
  assert.ok(rows.every((row) => row.ttft_ms === null && row.time_basis === "none" && row.fits === true));
  assert.ok(!existsSync(out));
  const table = cli(path, "--dry-run", "--shard", "1/2", "--logits", "all");
  assert.match(table.stdout, /2 cells, all with ep cpu, .*logits all\./);
  assert.match(
    table.stdout,
    /no earlier rows of these models to predict times from; give some with --rows DIR/,
  );
});

test("a plan that makes no sense ends with 2 and one sentence, before anything is made", () => {
  const out = join(folder, "nothing");
  const path = file(
    "wrong.json",
    JSON.stringify({ models: "mamba2-130m", groups: [{ promptTokens: [128, "8Kb"] }] }),
  );
  const { status, stderr } = cli(path, "-o", out);
  assert.equal(status, 2);
  assert.match(
    stderr,
    /^ssm-scope: groups\[0\]\.promptTokens\[1\]: "8Kb" must be a number of tokens [^\n]*\n$/,
  );
  assert.ok(!existsSync(out));
});

test("what another campaign holds is left out; one that is not there is named", () => {
  const args = ["-m", "gpt-neo-125m", "-l", "16,32", "-r", "1"];
  const cells = JSON.parse(cli(...args, "--dry-run", "--json").stdout) as { cell: string }[];
  const rows = cells.map(({ cell }) => JSON.stringify({ kind: "latency", status: "ok", cell, repeat: 0 }));
  const first = file("first.jsonl", `${rows[0]!}\n`);
  const all = file("all.jsonl", `${rows.join("\n")}\n`);
  const left = cli(...args, "--dry-run", "--except", first);
  assert.match(left.stdout, /^1 cell, all with ep cpu/m);
  const none = cli(...args, "-o", join(folder, "left"), "--except", first, "--except", all);
  assert.equal(none.stdout, `the plan has no cell that is not in ${first} or ${all}\n`, none.stderr);
  assert.ok(!existsSync(join(folder, "left")));
  const absent = cli(...args, "--dry-run", "--except", join(folder, "absent"));
  assert.equal(absent.status, 2);
  assert.match(absent.stderr, /^ssm-scope: There is no file or folder [^\n]*absent\.\n$/);
});
