import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "node:test";
import { joinStreams } from "../../src/notebook/join-streams.js";

function recorder() {
  const sent: [string, object][] = [];
  return { sent, send: (type: string, content: object) => void sent.push([type, content]) };
}

test("what is printed in a row is one message, and goes before any other message", () => {
  const { sent, send } = recorder();
  const { print, publish } = joinStreams(send, () => 0);
  print("stdout", "a");
  print("stdout", "b");
  print("stderr", "c");
  publish("display_data", { data: {} });
  assert.deepEqual(sent, [
    ["stream", { name: "stdout", text: "ab" }],
    ["stream", { name: "stderr", text: "c" }],
    ["display_data", { data: {} }],
  ]);
});

test("a busy cell sends with the first write after the wait", () => {
  const { sent, send } = recorder();
  let time = 0;
  const { print, flush } = joinStreams(send, () => time);
  print("stdout", "a");
  time = 99;
  print("stdout", "b");
  assert.equal(sent.length, 0);
  time = 100;
  print("stdout", "c");
  assert.deepEqual(sent, [["stream", { name: "stdout", text: "abc" }]]);
  flush();
  assert.equal(sent.length, 1);
});

test("a waiting cell sends by a timer", async () => {
  const { sent, send } = recorder();
  joinStreams(send).print("stdout", "a");
  await delay(200);
  assert.deepEqual(sent, [["stream", { name: "stdout", text: "a" }]]);
});
