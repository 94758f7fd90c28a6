import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTegrastatsLine, type Rail } from "../../src/sensors/tegrastats-line.js";
import { totalPower } from "../../src/sensors/tegrastats-power.js";
import { LINES } from "./tegrastats-files.js";

const ORIN = "VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0";
const THOR = "VDD_GPU + VDD_CPU_SOC_MSS + VIN_SYS_5V0";

/** Line, total in mW, the rails it is of, GR3D as printed: worked out by hand. */
const WORKED: [string, number | null, string | null, string | null][] = [
  ["jetpack2-3-tx1-legacy.log:1", null, null, "0%@998"],
  ["jetpack3-tx2.log:1", 3624, "VDD_IN", null],
  ["jetpack4-nano.log:1", 1022, "POM_5V_IN", "0%@76"],
  ["jetpack4-nano.log:4", 5143, "POM_5V_IN", "99%@921"],
  ["jetpack4-nano.log:6", 4122, "POM_5V_IN", "28%@76"],
  ["jetpack4-tx1.log:1", 2532, "VDD_IN", "0%@76"],
  ["jetpack4-tx2.log:4", 4061, "VDD_IN", "0%"],
  ["jetpack4-agx-xavier.log:2", 3229, "GPU + CPU + SOC + CV + VDDRQ + SYS5V", "0%"],
  ["jetpack4-xavier-nx.log:2", 6140, "VDD_IN", "0%@1109"],
  ["jetpack5-xavier-nx.log:3", 13711, "VDD_IN", "99%"],
  ["jetpack5-agx-orin.log:1", 9428, ORIN, "0%@114"],
  ["jetpack5-agx-orin.log:5", 22430, ORIN, "14%@[407,407]"],
  ["jetpack5-orin-nx.log:1", 5299, "VDD_IN", "0%@611"],
  ["jetpack5-orin-nx.log:3", null, null, "0%"],
  ["jetpack6-agx-orin.log:3", 8738, ORIN, "40%@[305,305]"],
  ["jetpack6-orin-nano.log:2", 12479, "VDD_IN", "63%@[621]"],
  ["jetpack6-orin-nx.log:1", 17946, "VDD_IN", "84%@[713]"],
  ["jetpack7-thor-r38.log:2", 9250, THOR, "@[0,0,0]"],
  ["jetpack7-thor-r38.log:4", 19780, "VIN", "@[314,314,314]"],
  ["jetpack7-thor-r39.log:2", 19545, THOR, "@[314,314,314]"],
  ["jetpack7-thor-r39.log:3", 87426, "VIN", null],
  ["jetpack7-agx-orin-r39.log:2", 13907, ORIN, "12%@[1300,1300]"],
  ["odd.log:1", 3818, ORIN, "0%"],
];

test("the 23 worked totals, by the rule of the board", () => {
  assert.equal(WORKED.length, 23);
  for (const [where, totalMw, rails, gr3d] of WORKED) {
    const line = parseTegrastatsLine(LINES.get(where)!)!;
    const total = totalPower(line.rails);
    assert.equal(total?.totalMw ?? null, totalMw, where);
    assert.equal(total?.rule.rails.join(" + ") ?? null, rails, where);
    assert.equal(line.gpus[0]?.text ?? null, gr3d, where);
  }
});

const rails = (mw: Record<string, number>): Rail[] =>
  Object.entries(mw).map(([name, nowMw]) => ({ name, nowMw, meanMw: nowMw, highestMw: null }));

test("rails that fit no board, miss one, or fit two have no total", () => {
  assert.equal(totalPower([]), null);
  assert.equal(totalPower(rails({ VDD_GPU_SOC: 1, VDD_CPU_CV: 2 })), null);
  assert.equal(totalPower(rails({ VIN: 5 })), null);
  assert.equal(totalPower(rails({ VDD_IN: 5, POM_5V_IN: 5 })), null);
  assert.equal(totalPower(rails({ VDD_IN: 5, VDD_GPU_SOC: 1, VDD_CPU_CV: 2, VIN_SYS_5V0: 1 })), null);
});

test("a rail that is printed twice has no single reading, but NC may be", () => {
  const twice = [...rails({ VDD_IN: 5 }), ...rails({ VDD_IN: 6 })];
  assert.equal(totalPower(twice), null);
  assert.equal(totalPower([...rails({ VDD_IN: 5, NC: 0 }), ...rails({ NC: 0 })])?.totalMw, 5);
});

test("negative readings stay in the sum", () => {
  const total = totalPower(rails({ VDD_GPU_SOC: 1592, VDD_CPU_CV: -398, VIN_SYS_5V0: 2624 }));
  assert.equal(total?.totalMw, 3818);
});

test("permuted labels are told: a rail above the input that feeds it", () => {
  const warning = totalPower(parseTegrastatsLine(LINES.get("odd.log:7")!)!.rails)?.warning;
  assert.match(warning!, /^Rail POM_5V_GPU reads 8949 mW, above the 3227 mW of POM_5V_IN/);
  const others = [...LINES].filter(([where]) => !/odd\.log:[78]/.test(where));
  for (const [where, text] of others)
    assert.equal(totalPower(parseTegrastatsLine(text)?.rails ?? [])?.warning ?? null, null, where);
});
