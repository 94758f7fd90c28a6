import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import type { ClaimResult } from "../../src/claims/index.js";
import { saveRows, type Row } from "../../src/record/index.js";
import { samples, tableOf } from "../claims/rows.js";
import { ensureDist } from "../support/dist.js";

const MAIN = resolve("dist/cli/main.js");
let folder: string;

before(() => {
  ensureDist();
  folder = mkdtempSync(join(tmpdir(), "ssm-scope-claims-"));
  const campaign = (name: string, rows: Row[]): void => {
    mkdirSync(join(folder, name));
    saveRows(tableOf(rows), join(folder, name, "rows.jsonl"));
  };
  // A campaign a model: they are judged together.
  campaign("qwen", samples("qwen2.5-0.5b", "ttft_ms", { 1024: 10, 32768: 40 }));
  campaign("mamba", samples("mamba2-780m", "ttft_ms", { 1024: 19, 32768: 100 }));
});
after(() => {
  rmSync(folder, { recursive: true });
});

const claims = (...args: string[]): { code: number | null; out: string; err: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "claims", ...args], {
    cwd: folder,
    encoding: "utf8",
  });
  return { code: status, out: stdout, err: stderr };
};

test("without rows it prints every claim with its verdict by the paper's own data", () => {
  const { code, out } = claims();
  assert.equal(code, 0);
  assert.match(
    out,
    /^H006 +contradicted-by-own-data +8192 tokens +24576 to 32768 tokens +mamba2-780m has lower TTFT/m,
  );
  assert.match(out, /^W19 /m);
  assert.match(out, /^\d+ reproduced, \d+ no-data, 7 contradicted-by-own-data$/m);
});

test("campaigns are judged together, filtered by verdict", () => {
  const { code, out } = claims("qwen", "mamba", "--verdict", "reproduced,not-reproduced-here");
  assert.equal(code, 0);
  assert.match(out, /^H001 +reproduced +1\.9x +1\.881x +1\.9x \(1\.\d+ to 1\.\d+x\)/m);
  assert.match(out, /^H003 +not-reproduced-here +2\.65x +2\.648x +0\.4x/m);
  assert.doesNotMatch(out, /no-data/);
  assert.match(
    out,
    /^\d+ reproduced here, \d+ not-reproduced-here, \d+ reproduced by published rows alone$/m,
  );
});

test("--only gives reasons, --strict an exit code", () => {
  const good = claims("qwen", "mamba", "--only", "H001", "--strict");
  assert.equal(good.code, 0);
  assert.match(
    good.out,
    /^H001 is reproduced: .*\n {2}stated 1\.9x, recomputed 1\.881x, here 1\.9x \([^)]*\)\n.*On NVIDIA H200/,
  );
  assert.equal(claims("qwen", "mamba", "--only", "H001,H003", "--strict").code, 1);
  assert.equal(claims("--only", "H003,W5", "--strict").code, 0);
});

test("nothing to print is said, and is not reproduced", () => {
  const { code, out } = claims("qwen", "mamba", "--only", "H003", "--verdict", "reproduced", "--strict");
  assert.equal(code, 1);
  assert.equal(out, "No claim is reproduced.\n");
});

test("--json gives results as they are, an open end as null", () => {
  const { out } = claims("qwen", "mamba", "--only", "H006", "--json");
  const [result] = JSON.parse(out) as ClaimResult[];
  assert.equal(result!.verdict, "contradicted-by-own-data");
  assert.deepEqual(result!.recomputed!.value, [24576, 32768]);
  assert.deepEqual(result!.here!.value, [32768, null]);
  assert.equal(result!.evidence.length, 3);
});

test("what is wrong is one sentence and 2", () => {
  for (const [args, message] of [
    [["nowhere"], /^ssm-scope: There is no file or folder nowhere\.$/m],
    [["--only", "X1"], /^ssm-scope: there is no claim "X1"; there are H001/m],
    [["--only", ","], /^ssm-scope: --only names no claim: it must list ids, such as H003,W5$/m],
    [["--verdict", "wrong"], /^ssm-scope: verdict is wrong: it must be one of reproduced, /m],
  ] as const) {
    const { code, err } = claims(...args);
    assert.equal(code, 2);
    assert.match(err, message);
  }
  assert.match(claims("--help").out, /Examples:\n {2}ssm-scope claims\n/);
});
