import assert from "node:assert/strict";
import { test } from "node:test";
import { randomPrompt } from "../../src/models/index.js";
import { sample, warmUp, type Generates } from "../../src/run/measure.js";

/** A model whose prefill and steps take known times of a clock that only it moves. */
function scripted(
  prefills: number[],
  stepMs = 3,
): { model: Generates; clock: () => number; calls: string[] } {
  let now = 1000;
  const calls: string[] = [];
  const model: Generates = {
    prefill: () => {
      calls.push("prefill");
      now += prefills.length > 1 ? prefills.shift()! : prefills[0]!;
      return Promise.resolve();
    },
    step: () => {
      calls.push("step");
      now += stepMs;
      return Promise.resolve();
    },
  };
  return { model, clock: () => now, calls };
}

const PROMPT = new BigInt64Array(4);

test("TTFT ends with the prefill, every later token has its own time, E2E is their sum", async () => {
  const { model, clock, calls } = scripted([20]);
  assert.deepEqual(await sample(model, PROMPT, 4, clock), { ttftMs: 20, itlMs: [3, 3, 3], e2eMs: 29 });
  assert.deepEqual(calls, ["prefill", "step", "step", "step"]);
});

test("one new token needs no decoding", async () => {
  const { model, clock } = scripted([20]);
  assert.deepEqual(await sample(model, PROMPT, 1, clock), { ttftMs: 20, itlMs: [], e2eMs: 20 });
});

test("warm-up ends with the first two times that agree", async () => {
  const { model, clock } = scripted([100, 50, 49, 1]);
  assert.deepEqual(await warmUp(model, PROMPT, 8, clock, { tolerance: 0.05, maxRuns: 9 }), {
    runs: 3,
    stable: true,
  });
});

test("of many runs the last quarter is compared with the one before: two that scatter among them do not count", async () => {
  const { model, clock } = scripted([100, 101, 99, 100, 101, 99, 100, 120]);
  const options = { tolerance: 0.05, maxRuns: 2, minMs: 830 };
  assert.deepEqual(await warmUp(model, PROMPT, 1, clock, options), { runs: 9, stable: false });
  const settled = scripted([100, 101, 99, 100, 101, 99, 120, 100, 101, 99, 120, 100]);
  const longer = { ...options, minMs: 1190 };
  assert.deepEqual(await warmUp(settled.model, PROMPT, 1, settled.clock, longer), { runs: 12, stable: true });
});

test("the last warm-up run is finished, so that the first sample too comes after decoding", async () => {
  const { model, clock, calls } = scripted([20]);
  await warmUp(model, PROMPT, 8, clock, { tolerance: 0.05, maxRuns: 4 });
  const last = calls.slice(calls.lastIndexOf("prefill"));
  assert.equal(last.filter((call) => call === "step").length, 7);
});

test("one run never counts as stable, and a model that does not settle is given up on", async () => {
  const steady = scripted([10]);
  const once = await warmUp(steady.model, PROMPT, 8, steady.clock, { tolerance: 0.5, maxRuns: 1 });
  assert.deepEqual(once, { runs: 1, stable: false });
  const wild = scripted([100, 50, 100, 50]);
  const long = scripted([100, 100, 100, 100]);
  const warmed = await warmUp(long.model, PROMPT, 8, long.clock, { tolerance: 0.05, maxRuns: 2, minMs: 320 });
  assert.deepEqual(warmed, { runs: 3, stable: true }, "as long as it is told to, at least");
  const result = await warmUp(wild.model, PROMPT, 8, wild.clock, { tolerance: 0.05, maxRuns: 4 });
  assert.deepEqual(result, { runs: 4, stable: false });
});

test("an abort stops between two steps", async () => {
  const { model, clock, calls } = scripted([20]);
  const controller = new AbortController();
  const stopping: Generates = {
    ...model,
    step: () => {
      controller.abort();
      return model.step();
    },
  };
  await assert.rejects(sample(stopping, PROMPT, 10, clock, controller.signal), { name: "AbortError" });
  assert.deepEqual(calls, ["prefill", "step"]);
});

test("prompts are seeded, spread over the vocabulary and inside it", () => {
  const prompt = randomPrompt(5000, 2, 100, 7);
  assert.deepEqual(prompt, randomPrompt(5000, 2, 100, 7));
  assert.notDeepEqual(prompt, randomPrompt(5000, 2, 100, 8));
  assert.equal(prompt.length, 10_000);
  assert.equal(new Set(prompt).size, 100);
  assert.ok(prompt.every((id) => id >= 0n && id < 100n));
});
