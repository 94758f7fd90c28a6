import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { UserError } from "../../src/errors.js";
import { readTraceEvents, type TraceEvent } from "../../src/profile/index.js";

async function eventsOf(chunks: Iterable<Uint8Array | string>): Promise<TraceEvent[]> {
  const events: TraceEvent[] = [];
  for await (const batch of readTraceEvents(chunks)) events.push(...batch);
  return events;
}

const AWKWARD = [
  {
    name: 'a "quoted" {name} [with] brackets\\',
    cat: "Node",
    ph: "X",
    ts: 1,
    dur: 2,
    args: { a: [{ b: [] }] },
  },
  { name: "größe ✓ \n\u0001", args: { nested: { "}]": "{[" } } },
  {},
  { name: "traceEvents", args: { traceEvents: [{ not: "an event" }] } },
];

suite("events of a trace", () => {
  test("a list, cut into pieces at every byte: as JSON.parse reads it", async () => {
    const bytes = Buffer.from(JSON.stringify(AWKWARD, null, 1));
    for (let at = 0; at <= bytes.length; at++)
      assert.deepEqual(await eventsOf([bytes.subarray(0, at), bytes.subarray(at)]), AWKWARD, `cut at ${at}`);
    const singly = Array.from(bytes, (byte) => Uint8Array.of(byte));
    assert.deepEqual(await eventsOf(singly), AWKWARD);
  });

  test("an object with the list traceEvents among others, cut anywhere", async () => {
    const trace = {
      schemaVersion: 1,
      deviceProperties: [{ id: 0, traceEvents: [{ wrong: 1 }] }],
      'trace"Events': [{ wrong: 2 }],
      traceEvents: AWKWARD,
      otherData: { list: [{ wrong: 3 }] },
      systemTraceEvents: [{ wrong: 4 }],
    };
    const bytes = Buffer.from(JSON.stringify(trace));
    for (let at = 0; at <= bytes.length; at++)
      assert.deepEqual(await eventsOf([bytes.subarray(0, at), bytes.subarray(at)]), AWKWARD, `cut at ${at}`);
  });

  test("a list may lack its end, as the format allows, and be empty", async () => {
    assert.deepEqual(await eventsOf(['[{"ts":1},\n']), [{ ts: 1 }]);
    assert.deepEqual(await eventsOf(["[]"]), []);
    assert.deepEqual(await eventsOf(['{"traceEvents":[]}']), []);
  });

  test("anything else is refused in a sentence", async () => {
    const refused = async (text: string, message: RegExp): Promise<void> => {
      await assert.rejects(
        eventsOf([text]),
        (error) => error instanceof UserError && message.test(error.message),
      );
    };
    await refused('[{"ts":1},{"ts":', /ends within an event, after 16 bytes/);
    await refused('{"ts":1}', /must be a JSON list of events/);
    await refused("", /must be a JSON list of events/);
    await refused("model,ttft\n", /has "model,ttft\\n" where a list of events should be/);
    await refused("[{ts:1}]", /an event that is no JSON/);
    await refused("]", /where a list of events should be/);
  });
});
