import assert from "node:assert/strict";
import { test } from "node:test";
import { SampleQueue } from "../../src/sensors/sample-queue.js";
import type { Sample } from "../../src/sensors/sensor.js";

const at = (at_ms: number): Sample => ({ at_ms, device: null, values: {} });

test("samples come out in order, at once or when they arrive, and then the end", async () => {
  const queue = new SampleQueue();
  queue.push(at(1));
  queue.push(at(2));
  assert.equal((await queue.next())?.at_ms, 1);
  assert.equal((await queue.next())?.at_ms, 2);
  const waiting = queue.next();
  queue.push(at(3));
  assert.equal((await waiting)?.at_ms, 3);
  queue.push(at(4));
  queue.end();
  queue.push(at(5));
  assert.equal((await queue.next())?.at_ms, 4, "what came before the end");
  assert.equal(await queue.next(), null);
});

test("what nobody fetches is bounded: the oldest go and are counted", async () => {
  const queue = new SampleQueue(10);
  for (let i = 0; i < 100; i++) queue.push(at(i));
  assert.equal(queue.dropped, 90);
  const times: number[] = [];
  for (let i = 0; i < 10; i++) times.push((await queue.next())!.at_ms);
  assert.deepEqual(times, [90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
  queue.end();
  assert.equal(await queue.next(), null);
});
