import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { dirname, join } from "node:path";
import { after, before, suite, test } from "node:test";
import { ENVIRONMENT_FIELDS, readEnvironment, type Environment } from "../../../src/record/index.js";
import { containerOf } from "../../../src/run/environment/container.js";
import { cpuSettings } from "../../../src/run/environment/cpu.js";
import { gatherEnvironment } from "../../../src/run/environment/gather.js";
import { keepEnvironment } from "../../../src/run/environment/keep.js";
import { packageVersions } from "../../../src/run/environment/packages.js";
import { cudnnVersionText } from "../../../src/ort/cuda/versions.js";
import { gpuSettings } from "../../../src/sensors/nvml/gpus.js";
import { GPU_0, stubNvml } from "../../sensors/nvml/stub-nvml.js";
import { tinyCells } from "../../support/tiny-cells.js";

let folder: string;
before(() => {
  folder = mkdtempSync(join(os.tmpdir(), "ssm-scope-environment-"));
});
after(() => {
  rmSync(folder, { recursive: true });
});

/** A machine of files. */
function machine(name: string, files: Record<string, string>): string {
  const root = join(folder, name);
  for (const [path, text] of Object.entries({ "proc/stat": "", ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const EMPTY = Object.fromEntries(
  Object.keys(ENVIRONMENT_FIELDS).map((field) => [field, null]),
) as Environment;

suite("the container, by its maker's traces", () => {
  const told: [string, Record<string, string>, NodeJS.ProcessEnv, string][] = [
    ["bare", {}, {}, "none"],
    ["docker", { ".dockerenv": "" }, {}, "docker"],
    ["podman", { "run/.containerenv": "" }, {}, "podman"],
    ["pod", { ".dockerenv": "" }, { KUBERNETES_SERVICE_HOST: "10.0.0.1" }, "kubernetes"],
    ["image", {}, { APPTAINER_CONTAINER: "/x.sif" }, "apptainer"],
    ["groups", { "proc/1/cgroup": "0::/kubepods/burstable/pod1" }, {}, "kubernetes"],
    ["lxc", {}, { container: "lxc" }, "lxc"],
    ["wsl", { "proc/sys/kernel/osrelease": "5.15.0-microsoft-standard-WSL2" }, {}, "wsl"],
  ];
  for (const [name, files, env, expected] of told)
    test(name, () => {
      assert.equal(containerOf({ root: machine(name, files), env }), expected);
    });

  test("unknown where there is no /proc", () => {
    assert.equal(containerOf({ root: join(folder, "nowhere"), env: {} }), null);
  });
});

test("how the CPU is set, as Linux says it, and null where it does not", () => {
  const cpu = "sys/devices/system/cpu/cpu0/cpufreq";
  const root = machine("cpu", {
    [`${cpu}/scaling_governor`]: "powersave\n",
    [`${cpu}/scaling_max_freq`]: "4700000\n",
    "proc/self/cgroup": "0::/job\n",
    "sys/fs/cgroup/job/cpu.max": "150000 100000\n",
  });
  assert.deepEqual(cpuSettings(root), { cpu_quota: 1.5, cpu_governor: "powersave", cpu_max_mhz: 4700 });
  assert.deepEqual(cpuSettings(machine("free", { "sys/fs/cgroup/cpu.max": "max 100000" })), {
    cpu_quota: null,
    cpu_governor: null,
    cpu_max_mhz: null,
  });
  assert.equal(
    cpuSettings(
      machine("one", {
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
      }),
    ).cpu_quota,
    2,
  );
});

test("packages are told as they are installed, also in a folder above", () => {
  const root = machine("packages", {
    "app/package.json": '{"dependencies":{"above":"1","here":"1","@of/one":"1","missing":"1"}}',
    "app/node_modules/here/package.json": '{"version":"1.2.3"}',
    "app/node_modules/@of/one/package.json": '{"version":"4.5.6"}',
    "node_modules/above/package.json": '{"version":"7.8.9"}',
  });
  assert.deepEqual(packageVersions(join(root, "app")), { "@of/one": "4.5.6", above: "7.8.9", here: "1.2.3" });
  assert.equal(packageVersions()["onnxruntime-node"], "1.29.0");
});

test("this machine tells what it is, and nothing of a GPU that is not used", () => {
  const here = gatherEnvironment(tinyCells({ promptTokens: [8], newTokens: 2, repeats: 1 }));
  assert.deepEqual(Object.keys(here).sort(), Object.keys(ENVIRONMENT_FIELDS).sort());
  assert.deepEqual(
    [here.host, here.node, here.ep, here.ort, here.gpu, here.cuda, here.cudnn],
    [os.hostname(), process.versions.node, "cpu", "1.29.0", null, null, null],
  );
  assert.ok(here.ort_providers!.includes("CPUExecutionProvider"));
});

test("a GPU tells how it is set", () => {
  const { path } = stubNvml(folder, "settings.so");
  const [gpu] = gpuSettings(path);
  assert.equal(gpu!.uuid, GPU_0);
  assert.deepEqual(
    [gpu!.clockMhz, gpu!.memoryClockMhz, gpu!.maxClockMhz, gpu!.maxMemoryClockMhz],
    [1980, 3201, 1980, 3201],
  );
  assert.ok(gpu!.powerLimitW! > 0);
  assert.deepEqual(gpuSettings(join(folder, "no-such-library.so")), []);
});

test("cuDNN's number is its version", () => {
  assert.deepEqual([91002, 90000, 91301].map(cudnnVersionText), ["9.10.2", "9.0.0", "9.13.1"]);
});

suite("a campaign", () => {
  const one: Environment = {
    ...EMPTY,
    host: "h",
    gpu_power_limit_w: 450,
    node: "20.20.0",
    gpu_clock_mhz: 210,
  };
  let out: string;
  const told: string[] = [];
  const keep = (environment: Environment): void => {
    keepEnvironment(out, environment, (sentence) => told.push(sentence));
  };

  test("keeps the environment that it began in", () => {
    out = machine("campaign", {});
    keep(one);
    keep({ ...one, node: null, gpu_clock_mhz: 1980 });
    assert.deepEqual(readEnvironment(out), one);
    assert.deepEqual(told, []);
  });

  test("learns what was not known before", () => {
    keep({ ...one, gpu: "H200" });
    assert.deepEqual(readEnvironment(out), { ...one, gpu: "H200" });
    keep(one);
  });

  test("is not gone on with where its numbers would not be comparable", () => {
    assert.throws(
      () => {
        keep({ ...one, gpu_power_limit_w: 300 });
      },
      {
        name: "UserError",
        message:
          "the campaign was measured with gpu_power_limit_w 450, and here it is 300; choose another folder (--out)",
      },
    );
  });

  test("says what else has changed", () => {
    keep({ ...one, node: "22.1.0" });
    assert.deepEqual(told, ["The campaign goes on in another environment: node was 20.20.0 and is 22.1.0."]);
    assert.deepEqual(readEnvironment(out), { ...one, gpu: "H200" });
  });
});
