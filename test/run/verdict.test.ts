import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, suite, test } from "node:test";
import {
  markSuperseded,
  rowsToTable,
  VERDICT_REASONS,
  verdictReason,
  type Row,
} from "../../src/record/index.js";
import { markOutliers, summarize } from "../../src/analyze/index.js";
import { doubtsOf } from "../../src/cli/doubts.js";
import { judgeVerdict, VERDICT_LIMITS, type VerdictEvidence } from "../../src/run/verdict.js";
import { conditionColumns, watchHost } from "../../src/run/watch-conditions.js";
import {
  hostConditions,
  hostSnapshot,
  type HostConditions,
  type HostSnapshot,
} from "../../src/sensors/host-conditions.js";
import { windowConditions, type WindowConditions } from "../../src/sensors/window-conditions.js";

const QUIET: VerdictEvidence = {
  windowMs: 20,
  samples: 5,
  isWarm: true,
  gate: "passed",
  isBeyondPositions: false,
  gpu: null,
  gpuAtFirst: null,
  host: null,
};

/** Readings of a GPU, one a tenth of a second. */
const gpu = (...readings: Record<string, number | string>[]): WindowConditions =>
  windowConditions(readings.map((values, i) => ({ at_ms: 100 * i, device: "GPU-0", values })));

const host = (change: Partial<HostConditions>): HostConditions => ({
  durationMs: 1000,
  cpus: 8,
  foreignCpus: 0,
  quotaShare: 0,
  thermalEvents: 0,
  ...change,
});

suite("a verdict", () => {
  const at = (mhz: number, celsius: number): WindowConditions =>
    gpu({ gpu_clock_mhz: mhz, temperature_gpu_c: celsius });
  const cases: [string, Partial<VerdictEvidence>, string, string[]][] = [
    ["of a quiet machine is ok", {}, "ok", []],
    ["of what nobody watched too", { gpu: gpu({ power_w: 100 }) }, "ok", []],
    [
      "of a GPU slowed by heat",
      { gpu: gpu({ clocks_event_reasons: "sw_thermal_slowdown" }) },
      "suspect",
      ["throttled"],
    ],
    ["of a GPU at its power limit is ok", { gpu: gpu({ clocks_event_reasons: "sw_power_cap" }) }, "ok", []],
    ["of a CPU slowed by heat", { host: host({ thermalEvents: 1 }) }, "suspect", ["throttled"]],
    ["of a container out of its quota", { host: host({ quotaShare: 0.02 }) }, "suspect", ["throttled"]],
    ["of another clock", { gpu: at(1700, 60), gpuAtFirst: at(1980, 60) }, "suspect", ["clock_drift"]],
    ["of a clock a step lower is ok", { gpu: at(1965, 60), gpuAtFirst: at(1980, 60) }, "ok", []],
    [
      "of a GPU that warms up",
      { gpu: at(1980, 61), gpuAtFirst: at(1980, 50) },
      "suspect",
      ["temperature_drift"],
    ],
    [
      "of a GPU that a prompt heats each time as much is ok",
      {
        gpu: gpu({ temperature_gpu_c: 50 }, { temperature_gpu_c: 63 }),
        gpuAtFirst: gpu({ temperature_gpu_c: 47 }, { temperature_gpu_c: 62 }),
      },
      "ok",
      [],
    ],
    [
      "of a GPU that others use",
      { gpu: gpu({ foreign_processes: 2, foreign_pids: "7 9" }) },
      "suspect",
      ["foreign_process"],
    ],
    ["of a CPU that others use", { host: host({ foreignCpus: 0.9 }) }, "suspect", ["foreign_process"]],
    ["of a CPU that others hardly use is ok", { host: host({ foreignCpus: 0.7 }) }, "ok", []],
    ["of too short a look at the CPU is ok", { host: host({ foreignCpus: 4, durationMs: 300 }) }, "ok", []],
    ["of a cold run", { isWarm: false }, "suspect", ["unstable_warmup"]],
    ["of a time that the clock hardly tells", { windowMs: 0.4 }, "suspect", ["window_too_short"]],
    ["of two samples", { samples: 2 }, "suspect", ["few_samples"]],
    ["of an unverified setting", { gate: "not-run" }, "suspect", ["unverified_numerics"]],
    ["of wrong numbers", { gate: "failed" }, "rejected", ["wrong_numerics"]],
    ["beyond the positions", { isBeyondPositions: true }, "suspect", ["beyond_positions"]],
    [
      "of several",
      { gate: "failed", isWarm: false, others: ["energy_doubtful"] },
      "rejected",
      ["energy_doubtful", "unstable_warmup", "wrong_numerics"],
    ],
  ];
  for (const [name, change, verdict, reasons] of cases)
    test(name, () => {
      assert.deepEqual(judgeVerdict({ ...QUIET, ...change }), { verdict, verdict_reasons: reasons });
    });

  test("every reason that it can give is tried here", () => {
    const tried = new Set(cases.flatMap(([, , , reasons]) => reasons));
    const ofSamples = Object.keys(VERDICT_REASONS).filter((code) => !/^(operators|profile)_/.test(code));
    assert.deepEqual([...tried].sort(), ofSamples.sort());
  });
});

suite("the machine between two moments", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "ssm-scope-host-"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const machine = (name: string, files: Record<string, string>): string => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name, path)), { recursive: true });
      writeFileSync(join(folder, name, path), text);
    }
    return join(folder, name);
  };
  const files = (busy: number, throttledUs: number, hot: number): Record<string, string> => ({
    // user nice system idle iowait irq softirq steal guest guest_nice; CPU 2 is another job's.
    "proc/stat": `cpu  0 0\ncpu0 ${busy} 10 20 500 90 5 5 700 99 0\ncpu1 ${busy} 0 0 0 0 0 0 0 0 0\ncpu2 ${9 * busy} 0 0 0\nintr 1\n`,
    "proc/self/status": "Name:\tnode\nCpus_allowed_list:\t0-1\n",
    "proc/self/cgroup": "0::/job\n",
    "sys/fs/cgroup/job/cpu.stat": `usage_usec 5\nthrottled_usec ${throttledUs}\n`,
    "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": `${hot}\n`,
  });

  test("is told by the kernel's counters, of the CPUs that this process may use", () => {
    let now = 0;
    const at = (name: string, ms: number, ...counters: Parameters<typeof files>): HostSnapshot => {
      now = ms;
      return { ...hostSnapshot(machine(name, files(...counters)), () => now), ownS: 3 + ms / 2000 };
    };
    const from = at("first", 0, 1000, 100_000, 4);
    assert.deepEqual([from.cpus, from.busyS, from.quotaS, from.thermalEvents], [2, 20.4, 0.1, 4]);
    // In 2 s both CPUs were busy for 1.5 s, of which 1 s is ours.
    const told = hostConditions(from, at("second", 2000, 1150, 300_000, 5));
    assert.ok(Math.abs(told.foreignCpus! - (3 - 1) / 2) < 1e-9);
    assert.ok(Math.abs(told.quotaShare! - 0.1) < 1e-9);
    assert.deepEqual([told.durationMs, told.cpus, told.thermalEvents], [2000, 2, 1]);
  });

  test("is null where the kernel does not tell", () => {
    const empty = machine("empty", { "proc/x": "" });
    const told = hostConditions(
      hostSnapshot(empty, () => 0),
      hostSnapshot(empty, () => 1000),
    );
    assert.deepEqual(told, {
      durationMs: 1000,
      cpus: null,
      foreignCpus: null,
      quotaShare: null,
      thermalEvents: null,
    });
    assert.deepEqual(judgeVerdict({ ...QUIET, host: told }).verdict, "ok");
  });

  test("counters that stand still, as in a sandbox, tell nothing", () => {
    const root = machine("still", files(1000, 0, 0));
    const told = hostConditions(
      hostSnapshot(root, () => 0),
      hostSnapshot(root, () => 1000),
    );
    assert.equal(told.foreignCpus, null);
  });

  test("a window too short for ticks begins in the runs before", async () => {
    let at_ms = 0;
    const snapshot = (): HostSnapshot => ({
      at_ms,
      cpus: 2,
      busyS: at_ms / 1000,
      ownS: 0,
      quotaS: null,
      thermalEvents: null,
    });
    const watch = watchHost(snapshot);
    const durations: number[] = [];
    for (at_ms of [200, 400, 600, 1000, 3000]) {
      const begun = at_ms === 3000 ? 1000 : at_ms - 100;
      durations.push((await watch.since(begun)).host!.durationMs);
    }
    assert.deepEqual(durations, [200, 400, 600, 600, 2000]);
    assert.ok(durations[3]! >= VERDICT_LIMITS.shortestHostWindowMs);
    await watch.stop();
  });

  test("stands in the rows where it is known", () => {
    const quiet = conditionColumns({ gpu: null, host: host({ foreignCpus: 0.25 }) });
    assert.deepEqual([quiet.foreign_cpus, quiet.gpu_clock_mhz], [0.25, null]);
    assert.equal(conditionColumns({ gpu: null, host: host({ durationMs: 100 }) }).foreign_cpus, null);
    const busy = conditionColumns({
      gpu: gpu(
        { gpu_clock_mhz: 1900, temperature_gpu_c: 60, clocks_event_reasons: "sw_power_cap" },
        { gpu_clock_mhz: 1700, temperature_gpu_c: 65, clocks_event_reasons: "none" },
        { gpu_clock_mhz: 1800, temperature_gpu_c: 63, foreign_processes: 1 },
      ),
      host: null,
    });
    assert.deepEqual(
      [busy.gpu_clock_mhz, busy.gpu_temperature_c, busy.power_cap_pct, busy.foreign_processes],
      [1800, 65, 50, 1],
    );
  });
});

suite("samples that were taken again", () => {
  const row = (repeat: number, ttft_ms: number, attempt: number, verdict: string): Row => ({
    kind: "latency",
    status: "ok",
    campaign: "c",
    cell: "x",
    model: "m",
    prompt_tokens: 8,
    repeat,
    ttft_ms,
    attempt,
    verdict,
    verdict_reasons: verdict === "ok" ? [] : ["throttled"],
  });
  const rows = markSuperseded([
    row(0, 10, 0, "ok"),
    row(1, 99, 0, "suspect"),
    row(2, 98, 0, "suspect"),
    row(1, 11, 1, "ok"),
    row(2, 97, 1, "suspect"),
    row(2, 12, 2, "ok"),
    { ...row(3, 13, 0, "suspect"), verdict_reasons: ["gate-not-run"] },
    { ...row(3, 0, 1, "ok"), status: "failed", ttft_ms: null },
  ]);

  test("stay, and are marked where a later attempt came through", () => {
    assert.deepEqual(
      rows.map(({ superseded }) => superseded ?? null),
      [null, true, true, null, true, null, null, null],
    );
  });

  test("count nowhere, nor do their doubts", () => {
    const [cell] = summarize(rowsToTable(rows), { metrics: ["ttft_ms"] }).objects() as Record<
      string,
      unknown
    >[];
    assert.deepEqual(
      [cell!["ttft_ms"], cell!["ttft_ms_n"], cell!["verdict"], cell!["rejected_n"] ?? null],
      [11.5, 4, "suspect", null],
    );
    assert.deepEqual(doubtsOf(rows), [
      "In doubt, because the setting has not been verified (ssm-scope verify): m at 8 tokens.",
    ]);
    assert.equal(markOutliers(rowsToTable(rows), { metric: "ttft_ms" }).array("outlier").at(1), null);
  });
});

test("codes of version 0.1 are understood", () => {
  assert.equal(verdictReason("unstable-warm-up"), VERDICT_REASONS.unstable_warmup);
  assert.equal(verdictReason("gate-failed")!.verdict, "rejected");
  assert.equal(verdictReason("somebody-else's"), null);
  assert.deepEqual(
    doubtsOf([{ model: "m", prompt_tokens: 1, verdict: "suspect", verdict_reasons: ["odd"] }]),
    ["In doubt, because odd: m at 1 tokens."],
  );
});
