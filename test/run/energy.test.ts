import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { randomPrompt } from "../../src/models/index.js";
import { openRuntime } from "../../src/ort/index.js";
import type { Row } from "../../src/record/index.js";
import { efficiency } from "../../src/analyze/index.js";
import { Generator, LoadedModel, LoadedOnnx, planOnnx } from "../../src/run/index.js";
import { runCells } from "../../src/run/run.js";
import type { FoundSource, Wanted } from "../../src/sensors/energy/find-source.js";
import { constant, SyntheticDevice } from "../../src/sensors/synthetic.js";
import { tinyCells } from "../support/tiny-cells.js";

const CELLS = tinyCells({ promptTokens: [8], newTokens: 5, repeats: 1 });
const WATTS = 80;
const WINDOWS = { windowMs: 40, idleMs: 60, settleMs: 20 };

/** A device that draws the same whatever it does, read on the real clock. */
function steadySource(): FoundSource {
  const device = new SyntheticDevice({ signal: constant(WATTS), intervalMs: 1, tickMs: 4 });
  const start = performance.now();
  const source = {
    since: (atMs: number) =>
      device
        .until(performance.now() - start)
        .map((sample) => ({ ...sample, at_ms: sample.at_ms + start }))
        .filter(({ at_ms }) => at_ms >= atMs),
    close: () => Promise.resolve(),
  };
  return { sensor: "synthetic", source, reason: null };
}

const REASON = "There is no sensor.";
const nowhere: FoundSource = { sensor: null, source: null, reason: REASON };

suite("energy of a sweep", () => {
  test("a row a phase, after the times, each the energy of one pass", async () => {
    const asked: Wanted[] = [];
    const findEnergy = (wanted: Wanted): Promise<FoundSource> => {
      asked.push(wanted);
      return Promise.resolve(steadySource());
    };
    const table = await runCells(CELLS, { progress: "none", energy: { ...WINDOWS, repeats: 2 }, findEnergy });
    const rows: Row[] = table.objects();
    assert.deepEqual(
      rows
        .filter(({ model }) => model === "tiny-gpt-neo")
        .map(({ kind, phase, repeat, status }) => [kind, phase, repeat, status]),
      [
        ["latency", "both", 0, "ok"],
        ...[0, 1].flatMap((repeat) =>
          ["prefill", "decode", "both"].map((phase) => ["energy", phase, repeat, "ok"]),
        ),
      ],
    );
    assert.deepEqual(asked[0], { of: "cpu", session: null });
    const energies = rows.filter(({ kind }) => kind === "energy");
    for (const row of energies) {
      assert.ok(Math.abs(row.mean_power_w! - WATTS) < 0.15 * WATTS, `${row.mean_power_w} W`);
      assert.ok(Math.abs(row.idle_before_w! - WATTS) < 0.1 * WATTS);
      assert.ok(row.energy_window_ms! >= WINDOWS.windowMs);
      const passMs = row.energy_window_ms! / row.energy_passes!;
      assert.ok(Math.abs(row.energy_j! / ((row.mean_power_w! * passMs) / 1000) - 1) < 1e-9);
      assert.ok(row.energy_net_j !== null && Math.abs(row.energy_net_j!) <= row.energy_net_error_j!);
      const tokens = { prefill: 8, decode: 4, both: 13 }[row.phase!]!;
      assert.ok(Math.abs(row.energy_j! / tokens / row.energy_per_token_j! - 1) < 1e-9);
      assert.deepEqual(
        [row.method, row.energy_source, row.ttft_ms ?? null, row.total_bytes ?? null],
        ["energy_counter_window", "synthetic", null, null],
      );
    }
    const both = efficiency(table.filter((row: Row) => row.kind === "energy")).objects() as Row[];
    assert.ok(both.every((row) => (row as { j_per_token?: number }).j_per_token! > 0));
  });

  test("of several devices at once the rows say that they are doubtful", async () => {
    const [one, other] = [steadySource(), steadySource()];
    const named = async (device: string, { source }: FoundSource, atMs: number) =>
      (await source!.since(atMs)).map((sample) => ({ ...sample, device }));
    const source = {
      since: async (atMs: number) =>
        [...(await named("GPU-a", one, atMs)), ...(await named("GPU-b", other, atMs))].sort(
          (x, y) => x.at_ms - y.at_ms,
        ),
      close: () => Promise.resolve(),
    };
    const rows: Row[] = (
      await runCells(CELLS.slice(0, 1), {
        progress: "none",
        energy: WINDOWS,
        findEnergy: () => Promise.resolve({ sensor: "synthetic", source, reason: null }),
      })
    ).objects();
    const [energy] = rows.filter(({ kind }) => kind === "energy");
    assert.ok(Math.abs(energy!.mean_power_w! - 2 * WATTS) < 0.3 * WATTS, `${energy!.mean_power_w} W`);
    assert.match(energy!.energy_note!, /^the energy is of 2 devices together/);
    assert.deepEqual(energy!.verdict_reasons?.includes("energy_doubtful"), true);
  });

  test("without a sensor the rows are skipped with the reason, and the sweep goes on", async () => {
    const rows: Row[] = (
      await runCells(CELLS, { progress: "none", energy: true, findEnergy: () => Promise.resolve(nowhere) })
    ).objects();
    assert.deepEqual(
      rows.map(({ kind, status, status_reason, energy_j }) => [
        kind,
        status,
        status_reason ?? null,
        energy_j ?? null,
      ]),
      CELLS.flatMap(() => [
        ["latency", "ok", null, null],
        ...[1, 2, 3].map(() => ["energy", "skipped", REASON, null]),
      ]),
    );
  });

  test("in a process of its own too", async () => {
    const one = CELLS.slice(0, 1);
    const rows: Row[] = (
      await runCells(one, { progress: "none", isolate: "cell", energy: { ...WINDOWS } })
    ).objects();
    assert.deepEqual(
      rows.map(({ kind, phase }) => [kind, phase]),
      [
        ["latency", "both"],
        ["energy", "prefill"],
        ["energy", "decode"],
        ["energy", "both"],
      ],
    );
    for (const row of rows.slice(1))
      assert.ok(row.status === "ok" ? row.energy_j! > 0 : row.status_reason!.length > 0, JSON.stringify(row));
  });

  test("how often makes no sense", async () => {
    await assert.rejects(runCells(CELLS, { progress: "none", energy: { repeats: 0 } }), {
      name: "UserError",
      message: "the repeats of the energy are 0; they must be a whole number of 1 or more",
    });
  });
});

const PROMPT = randomPrompt(8, 1, 64, 1);

test("a rewound generator decodes again from where the prompt ended", async () => {
  const neo = CELLS.find(({ model }) => model.family === "transformer")!;
  using loaded = new LoadedModel(openRuntime(), [neo]);
  using generator = new Generator(neo, loaded, { keepLogits: true });
  const first = await generator.prefill(PROMPT);
  await generator.step();
  const logits = generator.logits!;
  for (let i = 0; i < 3; i++) await generator.step();
  generator.rewind();
  await generator.step(first);
  assert.deepEqual(generator.logits, logits);
});

test("so does that of an exported model", async () => {
  const [cell] = planOnnx(new URL("../fixtures/onnx/dynamo/model.onnx", import.meta.url).pathname, {
    promptTokens: [8],
    newTokens: 5,
    threads: 1,
  });
  using loaded = new LoadedOnnx(openRuntime(), [cell!]);
  using generator = loaded.open(cell!);
  const first = await generator.prefill(PROMPT);
  await generator.step();
  const logits = generator.logits;
  for (let i = 0; i < 3; i++) await generator.step();
  generator.rewind();
  await generator.step(first);
  assert.deepEqual(generator.logits, logits);
});
