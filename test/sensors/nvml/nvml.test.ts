import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { nvml, nvmlGpus, type NvmlOptions } from "../../../src/sensors/nvml.js";
import { gpuUsedBytes } from "../../../src/sensors/nvml/gpus.js";
import type { OpenSensor, Sample, Values } from "../../../src/sensors/sensor.js";
import { needGcc } from "../../support/gcc.js";
import { temporaryFolder } from "../../support/temporary.js";
import { GPU_0, GPU_1, stubNvml, type StubNvml } from "./stub-nvml.js";

suite("NVML, by a stub", needGcc, () => {
  const folder = temporaryFolder();
  let count = 0;
  /** A library of its own, so that no setting outlives its test. */
  const stub = (settings: Record<string, number> = {}, flags: readonly string[] = []): StubNvml => {
    const made = stubNvml(folder, `libnvml-${++count}.so`, flags);
    for (const [name, value] of Object.entries(settings)) made.set(name, value);
    return made;
  };
  const opened = async (
    { path }: StubNvml,
    options: NvmlOptions = {},
  ): Promise<{ sensor: OpenSensor; told: string[] }> => {
    const told: string[] = [];
    const sensor = await nvml({ library: path, intervalMs: 2, ...options }).open({
      onWarning: (sentence) => told.push(sentence),
    });
    return { sensor, told };
  };
  /** What the first samples of GPU 0 tell together. */
  const first = async (made: StubNvml, options: NvmlOptions = {}): Promise<Values & { told: string }> => {
    const { sensor, told } = await opened(made, { gpus: [GPU_0], ...options });
    const values = { ...(await sensor.sample())!.values };
    const second = await sensor.sample();
    await sensor.close();
    return { ...values, ...second!.values, told: told.join("\n") };
  };

  test("every reading, in the units of the names; nothing is warned of", async () => {
    const { told, energy_j, ...values } = await first(stub());
    assert.doesNotMatch(told, /does not tell|fell|lost/);
    assert.ok((energy_j as number) > 0);
    const processes = ["gpu_processes", "foreign_processes", "foreign_pids", "foreign_process_bytes"];
    for (const name of processes) assert.ok(name in values, name);
    assert.deepEqual(
      Object.fromEntries(Object.entries(values).filter(([name]) => !processes.includes(name))),
      {
        power_w: 300,
        power_rule: "GPU: NVML POWER_INSTANT",
        power_draw_average_w: 250,
        memory_used_bytes: 140 * 2 ** 30,
        memory_total_bytes: 141 * 2 ** 30,
        gpu_load_pct: 97,
        utilization_memory_pct: 41,
        gpu_clock_mhz: 1980,
        clocks_mem_mhz: 3201,
        temperature_gpu_c: 61,
        temperature_memory_c: 74,
        clocks_event_reasons: "none",
        enforced_power_limit_w: 700,
        energy_rule: "GPU: NVML total energy",
      },
    );
  });

  test("two GPUs by UUID, also by a library without the newer names", async () => {
    const { sensor } = await opened(stub());
    const devices = new Map<string | null, Sample>();
    for (let i = 0; i < 4; i++) {
      const sample = await sensor.sample();
      if ("power_w" in sample!.values) devices.set(sample!.device, sample!);
    }
    await sensor.close();
    assert.deepEqual([...devices.keys()], [GPU_0, GPU_1]);
    assert.equal(devices.get(GPU_1)!.values.power_w, 301);

    const old = stub({ reasons: 0x24 }, ["-DOLD"]);
    assert.deepEqual(
      nvmlGpus(old.path).map(({ uuid, index, pciBusId, migUuids }) => ({ uuid, index, pciBusId, migUuids })),
      [
        { uuid: GPU_0, index: 0, pciBusId: "0000:1B:00.0", migUuids: null },
        { uuid: GPU_1, index: 1, pciBusId: "0000:1C:00.0", migUuids: null },
      ],
    );
    const told = await first(old);
    assert.equal(told.power_w, 300);
    assert.equal(told.power_rule, "GPU: NVML power usage, mean of 1 s");
    assert.equal(told.power_draw_average_w, null);
    assert.equal(told.clocks_event_reasons, "sw_power_cap+sw_thermal_slowdown");
    assert.equal(told.temperature_gpu_c, 61);
    assert.doesNotMatch(told.told, /does not tell/, "the older function stands in");
  });

  test("power of a driver without the instant field is a mean since Ampere, but for GA100", async () => {
    const rule = async (architecture: number) => (await first(stub({ architecture, instant: 3 }))).power_rule;
    assert.equal(await rule(5), "GPU: NVML power usage, of the moment");
    assert.equal(await rule(7), "GPU: NVML power usage, mean of 1 s");
    assert.equal(await rule(0xffffffff), "GPU: NVML power usage");
  });

  test("what is not supported is null, never 0, asked once and told of in one sentence", async () => {
    const made = stub({
      instant: 3,
      average: 3,
      memory_celsius: 3,
      nvmlDeviceGetPowerUsage: 3,
      nvmlDeviceGetTotalEnergyConsumption: 3,
      nvmlDeviceGetMemoryInfo: 3,
      nvmlDeviceGetUtilizationRates: 3,
      nvmlDeviceGetClockInfo: 3,
      nvmlDeviceGetTemperature: 3,
      nvmlDeviceGetTemperatureV: 3,
      nvmlDeviceGetCurrentClocksEventReasons: 3,
      nvmlDeviceGetEnforcedPowerLimit: 4,
      nvmlDeviceGetComputeRunningProcesses_v3: 3,
      nvmlDeviceGetGraphicsRunningProcesses_v3: 3,
    });
    const { sensor, told } = await opened(made, { gpus: [GPU_0], stateIntervalMs: 1 });
    const { values } = (await sensor.sample())!;
    assert.deepEqual(
      Object.entries(values).filter(([, value]) => value !== null),
      [],
    );
    for (const name of ["power_w", "energy_j", "memory_used_bytes", "gpu_load_pct", "foreign_processes"])
      assert.ok(name in values, name);
    made.set("nvmlDeviceGetMemoryInfo", 0);
    // Some samples are of what changes fast alone.
    let later = (await sensor.sample())!.values;
    while (!("memory_used_bytes" in later)) later = (await sensor.sample())!.values;
    assert.equal(later.memory_used_bytes, null, "it is not asked again");
    await sensor.close();
    assert.equal(told.length, 1);
    assert.match(
      told[0]!,
      /^Stub 0 \(GPU-0{8}.*\) does not tell power \(NOT_SUPPORTED\), total energy .*power limit \(NO_PERMISSION\).*: null\.$/,
    );
    const found = await nvml({ library: made.path, gpus: [GPU_0] }).discover();
    assert.equal(found.devices.length, 1, "memory came back");
    made.set("nvmlDeviceGetMemoryInfo", 3);
    assert.match((await nvml({ library: made.path }).discover()).reason!, /tells nothing.*tegrastats/);
  });

  test("a failure of one call leaves one reading out", async () => {
    const made = stub({ nvmlDeviceGetFieldValues: 999 });
    const { sensor, told } = await opened(made, { gpus: [GPU_0] });
    assert.equal((await sensor.sample())!.values.power_w, null);
    made.set("nvmlDeviceGetFieldValues", 0);
    await sensor.sample(); // of energy
    assert.equal((await sensor.sample())!.values.power_w, 300);
    await sensor.close();
    assert.deepEqual(
      told.filter((sentence) => /does not tell/.test(sentence)),
      [],
    );
  });

  test("a GPU that is lost ends its samples with one warning, and the last one the sensor's", async () => {
    const made = stub();
    const { sensor, told } = await opened(made);
    for (let i = 0; i < 4; i++) await sensor.sample();
    made.set("lost", 1);
    const rest = [await sensor.sample(), await sensor.sample(), await sensor.sample()];
    assert.ok(rest.slice(1).every((sample) => sample?.device === GPU_1));
    made.set("lost", 3);
    let more = 0;
    while ((await sensor.sample()) !== null) more++;
    assert.ok(more < 5);
    const gone = told.filter((sentence) => /is lost/.test(sentence));
    assert.equal(gone.length, 2);
    assert.match(gone[0]!, /^Stub 0 \(GPU-0.*\) is lost \(GPU_IS_LOST\): there are no readings of it/);
    assert.equal(sensor.problem, gone[1]);
    assert.equal(await sensor.sample(), null);
    assert.match(
      (await nvml({ library: made.path }).discover()).reason!,
      /GPU 0 cannot be read \(GPU_IS_LOST\)/,
    );
  });

  test("the energy counter is read at its tick, its fall told once and passed on as it is", async () => {
    const made = stub({ tick_ms: 50 });
    const { sensor, told } = await opened(made, { gpus: [GPU_0], slowIntervalMs: 1e6 });
    const energies: { at_ms: number; joules: number }[] = [];
    const until = performance.now() + 500;
    let back = false;
    for await (const { at_ms, values } of sensor) {
      if (typeof values.energy_j === "number") energies.push({ at_ms, joules: values.energy_j });
      if (!back && at_ms > until - 150) {
        made.set("counter_back_mj", 1.5e9);
        back = true;
      }
      if (at_ms > until) break;
    }
    const advances = energies.filter(({ joules }, i) => i > 0 && joules > energies[i - 1]!.joules);
    assert.ok(advances.length >= 6, `${advances.length} advances`);
    for (const { joules } of advances.slice(1)) assert.equal(Math.round(joules * 1000) % 15_000, 0);
    const polls = 500 / 2;
    assert.ok(energies.length < 0.7 * polls, `${energies.length} readings in ${polls} polls`);
    assert.equal(energies.filter(({ joules }, i) => i > 0 && joules < energies[i - 1]!.joules).length, 1);
    const fell = told.filter((sentence) => /fell from/.test(sentence));
    assert.equal(fell.length, 1);
    assert.match(fell[0]!, /^The energy counter of Stub 0 .* no energy is known across that\.$/);
  });

  test("a GPU in MIG mode lists its instances, and says what its power is of", async () => {
    const made = stub({ mig: 1, nvmlDeviceGetUtilizationRates: 3 });
    assert.deepEqual(
      nvmlGpus(made.path).map(({ migUuids }) => migUuids),
      [["MIG-00000000-0000-0000-0000-000000000000", "MIG-00000006-0000-0000-0000-000000000000"], null],
    );
    const told = await first(made);
    assert.equal(told.gpu_load_pct, null);
    assert.equal(told.power_w, 300);
    assert.match(
      told.told,
      /Stub 0 .* is cut into MIG instances: power, energy and clocks are of all of it\./,
    );
  });

  test("no library, one that does not start, no GPU, a GPU that is not there", async () => {
    const reason = async (options: NvmlOptions) => (await nvml(options).discover()).reason;
    assert.match((await reason({ library: "/nowhere/libnvml.so" }))!, /Could not load NVML.*no such file/);
    await assert.rejects(nvml({ library: "/nowhere/libnvml.so" }).open(), { name: "UserError" });
    const broken = stub({ nvmlInit_v2: 18 });
    assert.match(
      (await reason({ library: broken.path }))!,
      /does not start: LIB_RM_VERSION_MISMATCH; the driver was updated: restart the machine\.$/,
    );
    assert.match((await reason({ library: stub({ gpus: 0 }).path }))!, /lists no GPU on this machine/);
    const made = stub({ no_handle: 0 });
    assert.deepEqual(await nvml({ library: made.path }).discover(), { devices: [GPU_1], reason: null });
    const { sensor, told } = await opened(made);
    await sensor.close();
    assert.deepEqual(told, ["GPU 0 cannot be read (NO_PERMISSION)."]);
    await assert.rejects(nvml({ library: made.path, gpus: ["GPU-x"] }).open(), {
      name: "UserError",
      message: `NVML lists no GPU "GPU-x"; it lists ${GPU_1}.`,
    });
    assert.throws(() => nvml({ intervalMs: 0 }), /interval/);
  });

  test("memory in use by GPU; one that does not answer is left out, and all of them without NVML", () => {
    const made = stub({ lost: 1 });
    assert.deepEqual([...gpuUsedBytes(made.path)], [[GPU_1, 140 * 2 ** 30 + 1]]);
    assert.equal(gpuUsedBytes("/nowhere/libnvml.so").size, 0);
  });
});
