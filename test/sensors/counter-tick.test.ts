import assert from "node:assert/strict";
import { test } from "node:test";
import { CounterTick } from "../../src/sensors/counter-tick.js";

/** Readings of a counter that advances every `tickMs`, by whoever comes by every `pollMs`. */
function readings(counter: CounterTick, tickMs: number, pollMs: number, from: number, to: number): number[] {
  const times: number[] = [];
  for (let now = from; now < to; now += pollMs) {
    if (!counter.isDue(now)) continue;
    counter.read(Math.floor(now / tickMs), now);
    times.push(now);
  }
  return times;
}

test("an advance is found within one poll, with fewer readings than polls", () => {
  const counter = new CounterTick();
  const times = readings(counter, 100, 20, 7, 5007);
  assert.ok(times.length < 130, `${times.length} readings in 250 polls`);
  for (let tick = 200; tick < 5000; tick += 100) {
    const seen = times.findIndex((time) => time >= tick);
    assert.ok(times[seen]! - tick <= 20 && tick - times[seen - 1]! <= 20, `around ${tick}`);
  }
});

test("a counter that advances at every poll is read at every poll, and one that grows faster is found out", () => {
  const counter = new CounterTick();
  assert.equal(readings(counter, 10, 20, 0, 1000).length, 50);
  const changed = new CounterTick();
  readings(changed, 400, 20, 0, 4000);
  const later = readings(changed, 50, 20, 4000, 5000).filter((time) => time > 4600);
  const gaps = later.slice(1).map((time, i) => time - later[i]!);
  assert.ok(Math.max(...gaps) <= 60, later.join());
});
