import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import {
  environmentDifferences,
  ENVIRONMENT_FIELDS,
  ENVIRONMENT_FILE,
  loadCampaign,
  parseEnvironment,
  readEnvironment,
  writeEnvironment,
  type Environment,
} from "../../src/record/index.js";

const EMPTY = Object.fromEntries(
  Object.keys(ENVIRONMENT_FIELDS).map((field) => [field, null]),
) as Environment;
const ONE: Environment = {
  ...EMPTY,
  host: "here",
  cpu_count: 8,
  gpu_persistence: true,
  ort_providers: ["CUDAExecutionProvider", "CPUExecutionProvider"],
  packages: { koffi: "2.9.0" },
};

suite("environment.json", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "ssm-scope-environment-"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  test("is read as it was written, and leaves no draft", () => {
    assert.equal(readEnvironment(folder), null);
    writeEnvironment(folder, ONE);
    assert.deepEqual(readEnvironment(folder), ONE);
    assert.deepEqual(readdirSync(folder), [ENVIRONMENT_FILE]);
  });

  test("belongs to the campaign, a file of rows has none", () => {
    writeFileSync(join(folder, "rows.jsonl"), '{"model":"m","ttft_ms":1}\n');
    assert.deepEqual(loadCampaign(folder).environment, ONE);
    const file = loadCampaign(join(folder, "rows.jsonl"));
    assert.deepEqual([file.environment, file.rows.numRows()], [null, 1]);
  });

  test("of a wrong form is refused with the field", () => {
    const cases: [string, RegExp][] = [
      ["{", /^env is not JSON: /],
      ["[]", /^env holds \[\]: it must be an object/],
      ["{}", /version undefined/],
      ['{"version":99}', /version 99: this ssm-scope reads versions up to 1/],
      ['{"version":1,"cpu_count":"8"}', /^env: cpu_count is '8', and must be a number or null/],
      ['{"version":1,"packages":{"koffi":2}}', /packages is .* must be an object of strings/],
      ['{"version":1,"ort_providers":"CPU"}', /must be an array of strings/],
    ];
    for (const [text, message] of cases)
      assert.throws(() => parseEnvironment(text, "env"), { name: "UserError", message });
  });

  test("of an older form has nulls, and unknown fields are left out", () => {
    assert.deepEqual(parseEnvironment('{"version":1,"host":"here","colour":"red"}'), {
      ...EMPTY,
      host: "here",
    });
  });
});

test("differences are told field by field, packages one by one", () => {
  const other: Environment = {
    ...ONE,
    cpu_count: 16,
    ort_providers: ["CPUExecutionProvider"],
    packages: { koffi: "2.9.0", vega: "6.2.0" },
  };
  assert.deepEqual(environmentDifferences(ONE, other), [
    { field: "cpu_count", a: 8, b: 16, fixed: true },
    {
      field: "ort_providers",
      a: "CUDAExecutionProvider, CPUExecutionProvider",
      b: "CPUExecutionProvider",
      fixed: false,
    },
    { field: "packages.vega", a: null, b: "6.2.0", fixed: false },
  ]);
  assert.deepEqual(environmentDifferences(ONE, ONE), []);
});
