import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRows, tableToRows, type Row } from "../../src/record/index.js";

for (const campaign of ["h200/operators", "h200/operators-figures", "cpu/operators"])
  test(`data/${campaign}: the classes of each profile sum to its wall time within 2 %, and none is unclassified`, () => {
    const profiles = new Map<string, Row[]>();
    for (const row of tableToRows(loadRows(`data/${campaign}`)))
      profiles.set(`${row.cell} ${row.phase}`, [...(profiles.get(`${row.cell} ${row.phase}`) ?? []), row]);
    assert.ok(profiles.size >= 8);
    for (const [profile, classes] of profiles) {
      const sum = classes.reduce((total, { op_share_pct }) => total + op_share_pct!, 0);
      assert.ok(Math.abs(sum - 100) < 2, `${profile}: ${sum} %`);
      const unclassified = classes.find(({ op_class }) => op_class === "unclassified");
      assert.ok((unclassified?.op_share_pct ?? 0) < 1, profile);
    }
  });
