import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { DIST, ensureDist } from "../support/dist.js";
import { needGcc } from "../support/gcc.js";
import { temporaryFolder } from "../support/temporary.js";
import { GPU_0, GPU_1, stubNvml } from "../sensors/nvml/stub-nvml.js";

const WATTS = 300;

suite("a GPU by NVML, faked", needGcc, () => {
  const folder = temporaryFolder();
  before(() => {
    ensureDist();
    stubNvml(folder, "libnvidia-ml.so.1");
  });

  const ssmScope = (...args: string[]) => ssmScopeWith(1, ...args);
  const ssmScopeWith = (gpus: number, ...args: string[]) =>
    node({ STUB_NVML: `gpus=${gpus},power_mw=${1000 * WATTS}` }, join(DIST, "cli/main.js"), ...args);
  const node = (environment: Record<string, string>, ...args: string[]) => {
    const env = { ...process.env, LD_LIBRARY_PATH: folder, ...environment };
    return spawnSync(process.execPath, args, { env, encoding: "utf8" });
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
    assert.match(
      stderr,
      /^By gpu, energy counter, renewed every \d+ ms, of 2 devices together: GPU-0{8}-\S+, GPU-0{7}1-\S+\.$/m,
    );
    const [, watts] = /([\d.]+) W {2}mean power/.exec(stderr)!;
    assert.ok(Math.abs(Number(watts) / (2 * WATTS) - 1) < 0.1, stderr);
  });

  test("energy: of the GPUs that the command sees, or that are named", () => {
    const devices = (environment: Record<string, string>, ...args: string[]) => {
      const { stderr } = node(
        environment,
        join(DIST, "cli/main.js"),
        ...["energy", "--json", "--idle", "0", ...args, "--", "sleep", "0.2"],
      );
      const { devices, warnings } = JSON.parse(stderr.trim().split("\n").at(-1)!) as {
        devices: string[];
        warnings: string[];
      };
      return { devices, warnings };
    };
    const second = { CUDA_VISIBLE_DEVICES: "1", CUDA_DEVICE_ORDER: "PCI_BUS_ID" };
    assert.deepEqual(devices(second), { devices: [GPU_1], warnings: [] });
    assert.deepEqual(devices(second, "--gpu", "all").devices, [GPU_0, GPU_1]);
    const slice = "MIG-00000006-0000-0000-0000-000000000000";
    assert.deepEqual(devices({ CUDA_VISIBLE_DEVICES: slice, STUB_NVML: "mig=1" }), {
      devices: [GPU_0],
      warnings: [`the energy is of the whole GPU ${GPU_0}, of which the MIG slice ${slice} is a part`],
    });
    const wrong = ssmScope("energy", "--gpu", "7", "--", "true");
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /--gpu names "7", which is no GPU here/);
  });

  test("a session on a MIG slice is given its whole GPU, with the doubt", () => {
    const code = `import { findEnergySource } from "ssm-scope/sensors";
      const session = { deviceId: 0, uuid: "GPU-00000006-0000-0000-0000-000000000000" };
      const { source } = await findEnergySource({ of: "gpu", session });
      await new Promise((resolve) => setTimeout(resolve, 100));
      const devices = new Set((await source.since(0)).map(({ device }) => device));
      console.log(JSON.stringify([[...devices], source.doubt]));
      await source.close();`;
    const { stdout, stderr } = node({ STUB_NVML: "mig=1" }, "--input-type=module", "-e", code);
    assert.deepEqual(
      JSON.parse(stdout),
      [
        [GPU_0],
        `the energy is of the whole GPU ${GPU_0}, of which the MIG slice MIG-00000006-0000-0000-0000-000000000000 is a part`,
      ],
      stderr,
    );
  });

  test("watch: by its UUID", () => {
    const { stdout, status } = ssmScope("watch", "--duration", "1");
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`${GPU_0} {2}power 300\\.0 W`));
  });
});
