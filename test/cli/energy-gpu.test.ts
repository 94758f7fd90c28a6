import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { DIST, ensureDist } from "../support/dist.js";
import { needGcc } from "../support/gcc.js";
import { temporaryFolder } from "../support/temporary.js";
import { GPU_0, stubNvml } from "../sensors/nvml/stub-nvml.js";

const WATTS = 300;

suite("a GPU by NVML, faked", needGcc, () => {
  const folder = temporaryFolder();
  before(() => {
    ensureDist();
    stubNvml(folder, "libnvidia-ml.so.1");
  });

  const ssmScope = (...args: string[]) => ssmScopeWith(1, ...args);
  const ssmScopeWith = (gpus: number, ...args: string[]) => {
    const env = {
      ...process.env,
      LD_LIBRARY_PATH: folder,
      STUB_NVML: `gpus=${gpus},power_mw=${1000 * WATTS}`,
    };
    const options = { env, encoding: "utf8" } as const;
    return spawnSync(process.execPath, [join(DIST, "cli/main.js"), ...args], options);
  };

  test("energy: its counter, and integrated power as the second witness", () => {
    const { stderr, status } = ssmScope("energy", "--json", "--idle", "0.5", "--", "sleep", "1");
    assert.equal(status, 0, stderr);
    const found = JSON.parse(stderr) as Record<string, number>;
    const truthJ = (WATTS * found.duration_ms!) / 1000;
    assert.deepEqual([found.energy_source, found.method], ["gpu", "energy_counter"]);
    assert.ok(Math.abs(found.energy_j! - truthJ) <= found.energy_error_j!, stderr);
    assert.ok(Math.abs(found.energy_witness_j! / truthJ - 1) < 0.02, stderr);
    assert.ok(Math.abs(found.energy_net_j!) <= found.energy_net_error_j!, stderr);
  });

  test("energy: of two GPUs, their sum, which is said", () => {
    const { stderr, status } = ssmScopeWith(2, "energy", "--idle", "0", "--", "sleep", "0.5");
    assert.equal(status, 0, stderr);
    assert.match(stderr, /^By gpu, energy counter, renewed every \d+ ms, of 2 devices together\.$/m);
    const [, watts] = /([\d.]+) W {2}mean power/.exec(stderr)!;
    assert.ok(Math.abs(Number(watts) / (2 * WATTS) - 1) < 0.1, stderr);
  });

  test("watch: by its UUID", () => {
    const { stdout, status } = ssmScope("watch", "--duration", "1");
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`${GPU_0} {2}power 300\\.0 W`));
  });
});
