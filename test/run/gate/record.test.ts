import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, suite, test } from "node:test";
import { gateKey } from "../../../src/run/gate/key.js";
import { forgetRecord, gateFolder, gateOf, writeRecord } from "../../../src/run/gate/record.js";
import { settingOf } from "../../../src/run/gate/setting.js";
import { plan } from "../../../src/run/index.js";

const FACTS = { device: "NVIDIA H200", ort_version: "1.29.0" };
const [cell] = plan({ models: ["gpt-neo-125m"], promptTokens: [8], ep: "cuda" });
const setting = settingOf(cell!, true);
const key = gateKey(setting, FACTS);

suite("verdicts on disk", () => {
  const root = mkdtempSync(join(tmpdir(), "ssm-scope-gate-"));
  const folder = join(root, "gate");
  const warnings: string[] = [];
  const options = { folder, onWarning: (message: string) => warnings.push(message) };
  beforeEach(() => {
    rmSync(folder, { recursive: true, force: true });
    warnings.length = 0;
  });
  after(() => {
    rmSync(root, { recursive: true });
  });

  test("what was not judged is not-run, silently", () => {
    assert.equal(gateOf(setting, FACTS, options), "not-run");
    assert.deepEqual(warnings, []);
  });

  test("what was judged is found again, for this setting on this device only", () => {
    writeRecord({ key, status: "passed", model: "gpt-neo-125m" }, folder);
    assert.equal(gateOf(setting, FACTS, options), "passed");
    assert.equal(gateOf({ ...setting, cudaGraph: false }, FACTS, options), "not-run");
    assert.equal(gateOf(setting, { ...FACTS, ort_version: "1.30.0" }, options), "not-run");
    writeRecord({ key, status: "failed" }, folder);
    assert.equal(gateOf(setting, FACTS, options), "failed");
    assert.deepEqual(readdirSync(folder), [`${key}.json`], "no drafts are left");
    assert.match(readFileSync(join(folder, `${key}.json`), "utf8"), /\n$/);
    forgetRecord(key, folder);
    forgetRecord(key, folder);
    assert.equal(gateOf(setting, FACTS, options), "not-run");
  });

  test("the reference has no verdict", () => {
    assert.equal(gateOf({ ...setting, ep: "cpu", dtype: "fp32" }, FACTS, options), null);
    assert.equal(gateOf({ ...setting, ep: "cpu", dtype: "fp16" }, FACTS, options), "not-run");
  });

  const DAMAGED: [string, string][] = [
    ["cut", `{"key": "${key}", "sta`],
    ["empty", ""],
    ["of another setting", JSON.stringify({ key: "0".repeat(32), status: "passed" })],
    ["without a verdict", JSON.stringify({ key })],
    ["with an odd verdict", JSON.stringify({ key, status: "PASSED" })],
    ["null", "null"],
  ];
  for (const [what, text] of DAMAGED)
    test(`a record that is ${what} counts as none, with a warning`, () => {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `${key}.json`), text);
      assert.equal(gateOf(setting, FACTS, options), "not-run");
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]!, new RegExp(`${key}\\.json .*ignored`));
    });

  test("a record that cannot be read counts as none, with a warning", () => {
    mkdirSync(join(folder, `${key}.json`), { recursive: true });
    assert.equal(gateOf(setting, FACTS, options), "not-run");
    assert.match(warnings[0]!, /cannot be read \(EISDIR/);
  });
});

test("verdicts live where the XDG Base Directory Specification puts caches", () => {
  const standard = join(homedir(), ".cache", "ssm-scope", "gate");
  assert.equal(gateFolder({}), standard);
  assert.equal(gateFolder({ XDG_CACHE_HOME: "" }), standard);
  assert.equal(gateFolder({ XDG_CACHE_HOME: "relative" }), standard);
  assert.equal(gateFolder({ XDG_CACHE_HOME: "/var/tmp/cache" }), "/var/tmp/cache/ssm-scope/gate");
});
