import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { jetsonState } from "../../src/sensors/jetson-state.js";
import { temporaryFolder } from "../support/temporary.js";

const folder = temporaryFolder();

function tree(files: Record<string, string>): string {
  const root = mkdtempSync(join(folder, "root-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

const ORIN = {
  "proc/device-tree/compatible": "nvidia,p3768-0000+p3767-0005\0nvidia,tegra234\0",
  "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
  "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64\n",
  "etc/nvpmodel.conf":
    "# modes\n< POWER_MODEL ID=0 NAME=15W >\nCPU_ONLINE CORE_0 1\n< POWER_MODEL ID=12 NAME=MAXN_SUPER >\n",
  "var/lib/nvpmodel/status": "pmode:0012\n",
};
const clocks = (lowest: number) => ({
  "sys/devices/system/cpu/cpu0/cpufreq/scaling_min_freq": `${lowest}\n`,
  "sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq": "1728000\n",
  "sys/devices/system/cpu/cpu1/online": "0\n",
  "sys/devices/system/cpu/cpufreq/boost": "0\n",
  "sys/class/devfreq/17000000.gpu/min_freq": "1020000000\n",
  "sys/class/devfreq/17000000.gpu/max_freq": "1020000000\n",
  "sys/class/devfreq/15340000.vic/min_freq": "1\n",
  "sys/class/devfreq/15340000.vic/max_freq": "2\n",
});
const none = () => null;

test("the power mode by its file, with the name of its settings, and whether clocks are held", () => {
  const held = tree({ ...ORIN, ...clocks(1728000) });
  assert.deepEqual(jetsonState({ root: held, query: none }), {
    board: "NVIDIA Jetson Orin Nano Developer Kit",
    l4t: "R36 (release), REVISION: 4.3",
    nvpmodel: "MAXN_SUPER",
    nvpmodelId: 12,
    jetsonClocks: true,
  });
  assert.equal(jetsonState({ root: tree({ ...ORIN, ...clocks(729600) }), query: none }).jetsonClocks, false);
});

test("the power mode by the command where the file is not to be read", () => {
  const { "var/lib/nvpmodel/status": _, ...files } = ORIN;
  const root = tree(files);
  const asked = jetsonState({ root, query: () => "NV Fan Mode:quiet\nNV Power Mode: MODE_30W\n2\n" });
  assert.deepEqual([asked.nvpmodel, asked.nvpmodelId, asked.jetsonClocks], ["MODE_30W", 2, null]);
  assert.equal(jetsonState({ root, query: none }).nvpmodelId, null);
});

test("another machine tells nothing, and is not asked", () => {
  const query = () => assert.fail("asked");
  const state = jetsonState({
    root: tree({ ...clocks(1728000), "var/lib/nvpmodel/status": "pmode:0002" }),
    query,
  });
  assert.ok(Object.values(state).every((value) => value === null));
});
