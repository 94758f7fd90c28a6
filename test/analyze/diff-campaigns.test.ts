import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { diffCampaigns, type CampaignDiff } from "../../src/analyze/index.js";
import {
  ENVIRONMENT_FIELDS,
  rowsToTable,
  type Environment,
  type LoadedCampaign,
  type Row,
} from "../../src/record/index.js";

const NOTHING = Object.fromEntries(
  Object.keys(ENVIRONMENT_FIELDS).map((field) => [field, null]),
) as Environment;

const cell = (values: readonly number[], row: Row = {}): Row[] =>
  values.map((ttft_ms, repeat) => ({
    kind: "latency",
    status: "ok",
    campaign: "any",
    model: "m",
    device: "A",
    dtype: "fp32",
    prompt_tokens: 512,
    ttft_ms,
    total_bytes: 1000,
    repeat,
    ...row,
  }));

const campaign = (
  name: string,
  rows: readonly Row[],
  environment: Partial<Environment> | null = {},
): LoadedCampaign => ({
  name,
  rows: rowsToTable(rows.map((row) => ({ ...row, campaign: name }))),
  environment: environment && { ...NOTHING, ...environment },
});

const STEADY = [100, 100.2, 99.9, 100.1, 100, 99.8];
const SLOWER = STEADY.map((ms) => 1.2 * ms);

interface Number_ {
  prompt_tokens: number;
  metric: string;
  ratio: number;
  ratio_lo: number;
  ratio_hi: number;
  verdict: string;
  beyond: boolean;
}
const numbers = (diff: CampaignDiff): Number_[] => diff.numbers.objects() as Number_[];

suite("two campaigns", () => {
  const before = campaign(
    "before",
    [...cell(STEADY), ...cell(STEADY, { prompt_tokens: 1024 }), ...cell([1, 1], { prompt_tokens: 4096 })],
    { ort: "1.29.0", packages: { koffi: "2.9.0", arquero: "8.0.1" }, gpu_power_limit_w: 450 },
  );
  const after = campaign(
    "after",
    [
      ...cell(SLOWER),
      ...cell(STEADY, { prompt_tokens: 1024 }),
      ...cell([1], { prompt_tokens: 2048 }),
      { ...cell([1], { prompt_tokens: 4096 })[0]!, status: "oom", ttft_ms: null, total_bytes: null },
    ],
    { ort: "1.29.0", packages: { koffi: "2.10.0", arquero: "8.0.1" }, gpu_power_limit_w: 300 },
  );
  const diff = diffCampaigns(before, after);

  test("differ first in their environments", () => {
    assert.deepEqual(diff.environment.objects(), [
      { field: "gpu_power_limit_w", a: 450, b: 300, fixed: true },
      { field: "packages.koffi", a: "2.9.0", b: "2.10.0", fixed: false },
    ]);
    assert.equal(diff.environmentNote, null);
  });

  test("then in the cells that they hold", () => {
    assert.deepEqual(
      (diff.cells.objects() as Record<string, unknown>[]).map(({ prompt_tokens, status_a, status_b }) => [
        prompt_tokens,
        status_a,
        status_b,
      ]),
      [
        [4096, "ok", "oom"],
        [2048, null, "ok"],
      ],
    );
  });

  test("then in numbers, a ratio for each setting and metric", () => {
    assert.deepEqual(
      numbers(diff).map(({ prompt_tokens, metric, verdict, beyond }) => [
        prompt_tokens,
        metric,
        verdict,
        beyond,
      ]),
      [
        [512, "ttft_ms", "slower", true],
        [1024, "ttft_ms", "same", false],
        [512, "total_bytes", "same", false],
        [1024, "total_bytes", "same", false],
      ],
    );
    const [first] = numbers(diff);
    assert.ok(Math.abs(first!.ratio - 1.2) < 1e-12);
    assert.ok(first!.ratio_lo < 1.2 && first!.ratio_hi > 1.2);
    assert.equal(diff.differs, true);
  });

  test("a tolerance says how much is no difference", () => {
    const rows = (name: string, values: number[]) => campaign(name, cell(values));
    const [a, b] = [rows("a", STEADY), rows("b", SLOWER)];
    assert.equal(diffCampaigns(a, b, { metrics: ["ttft_ms"] }).differs, true);
    const tolerant = diffCampaigns(a, b, { metrics: ["ttft_ms"], sameWithin: 0.3 });
    assert.deepEqual([numbers(tolerant)[0]!.verdict, tolerant.differs], ["same", false]);
    // Sure, but of 1 %: neither the same within 0.5 % nor beyond 2 %.
    const little = rows(
      "c",
      STEADY.map((ms) => 1.01 * ms),
    );
    const [one] = numbers(diffCampaigns(a, little, { metrics: ["ttft_ms"], sameWithin: 0.0101 }));
    assert.deepEqual([one!.verdict, one!.beyond], ["slower", false]);
  });

  test("the same campaign differs in nothing", () => {
    const same = diffCampaigns(before, before);
    assert.deepEqual([same.environment.numRows(), same.cells.numRows(), same.differs], [0, 0, false]);
    assert.ok(numbers(same).every(({ ratio, verdict }) => ratio === 1 && verdict !== "slower"));
  });

  test("each on a device of its own are compared all the same", () => {
    const other = campaign("other", cell(SLOWER, { device: "B" }));
    assert.equal(numbers(diffCampaigns(before, other))[0]!.verdict, "slower");
  });

  test("a column that an older campaign lacks is no setting", () => {
    const newer = campaign("newer", cell(STEADY, { prompt: "seeded" }));
    assert.equal(numbers(diffCampaigns(before, newer)).length, 2);
  });

  test("what a crash left of a cell is not another cell", () => {
    const failed = campaign("failed", [
      ...cell(STEADY, { cuda_graph: true }),
      { ...cell([1], { prompt_tokens: 1024 })[0]!, status: "failed", ttft_ms: null },
    ]);
    const ran = campaign("ran", [
      ...cell(STEADY, { cuda_graph: true }),
      ...cell(STEADY, { prompt_tokens: 1024, cuda_graph: true }),
    ]);
    assert.deepEqual(
      (diffCampaigns(failed, ran).cells.objects() as Record<string, unknown>[]).map(
        ({ status_a, status_b }) => [status_a, status_b],
      ),
      [["failed", "ok"]],
    );
  });
});

test("what cannot be compared is said", () => {
  const a = campaign("a", cell(STEADY), null);
  const b = campaign("b", cell(STEADY, { dtype: "int8" }));
  assert.throws(() => diffCampaigns(a, b), {
    name: "UserError",
    message: /a and b share no setting with .*: dtype is "fp32" in a and "int8" in b$/,
  });
  assert.throws(() => diffCampaigns(a, b, { metrics: ["energy_j"] }), {
    name: "UserError",
    message: /no row of a has energy_j/,
  });
  assert.equal(
    diffCampaigns(a, campaign("c", cell(STEADY))).environmentNote,
    "a has no environment.json: what differs there is unknown",
  );
});
