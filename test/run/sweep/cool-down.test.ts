import assert from "node:assert/strict";
import { test } from "node:test";
import { coolDown, type CoolDown } from "../../../src/run/sweep/cool-down.js";
import { performanceClock, warmUp } from "../../../src/run/measure.js";

/** What is waited for, in milliseconds, while the device goes through these temperatures. */
async function waits(options: CoolDown, degrees: number[], first = false): Promise<[number[], string[]]> {
  const [slept, lines]: [number[], string[]] = [[], []];
  await coolDown(options, "cpu", first, {
    thermometer: () => Promise.resolve(degrees.length > 1 ? degrees.shift()! : degrees[0]!),
    sleep: (ms) => Promise.resolve(slept.push(ms)),
    line: (text) => lines.push(text),
    signal: undefined,
  });
  return [slept, lines];
}

test("a pause is between cells, and cooling before each", async () => {
  assert.deepEqual(await waits({}, [90]), [[], []]);
  assert.deepEqual(await waits({ pauseS: 5 }, [90]), [[5000], []]);
  assert.deepEqual(await waits({ pauseS: 5 }, [90], true), [[], []]);
  assert.deepEqual(await waits({ pauseS: 2, coolToC: 60 }, [63, 61, 60]), [[2000, 1000, 1000], []]);
});

test("a device that does not cool down is taken as it is after ten minutes", async () => {
  const [slept, lines] = await waits({ coolToC: 60 }, [70]);
  assert.equal(slept.length, 600);
  assert.deepEqual(lines, [
    "the device is still at 70 C after 10 minutes, not at 60 C: it is measured as it is",
  ]);
});

test("a pause ends when the sweep is stopped", async () => {
  const stop = new AbortController();
  const waiting = coolDown({ pauseS: 60 }, "cpu", false, { line: () => undefined, signal: stop.signal });
  stop.abort();
  await assert.rejects(waiting, { name: "AbortError" });
});

test("a warm-up by blocks compares their medians: one slow run of three does not count", async () => {
  const ttfts = [100, 900, 101, 102, 100, 800];
  let now = 0;
  const model = {
    prefill: (): Promise<void> => {
      now += ttfts.shift()!;
      return Promise.resolve();
    },
    step: () => Promise.resolve(),
  };
  const options = { tolerance: 0.05, maxRuns: 20, blockRuns: 3 };
  assert.deepEqual(await warmUp(model, new BigInt64Array(1), 1, () => now, options), {
    runs: 6,
    stable: true,
  });
  assert.ok(performanceClock() > 0);
});
