import assert from "node:assert/strict";
import { test } from "node:test";
import { showProgress } from "../../src/run/progress.js";
import { stopButton } from "../../src/run/stop-button.js";

const OPEN_DISPLAY = Symbol.for("ssm-scope.open-display");

test("in a notebook one display is replaced, at most four times a second, and ends with what stays", (t) => {
  const shown: Record<string, string>[] = [];
  Object.assign(globalThis, { [OPEN_DISPLAY]: () => (data: Record<string, string>) => shown.push(data) });
  t.after(() => {
    Object.assign(globalThis, { [OPEN_DISPLAY]: undefined });
  });
  const progress = showProgress(100);
  assert.match(
    shown[0]!["text/html"]!,
    /^<pre><progress max="100" value="0"><\/progress> 0 % \| starting<\/pre>$/,
  );
  for (let i = 0; i < 25; i++) {
    progress.step(4, "a < b");
    progress.line(`line ${i}`);
  }
  assert.ok(shown.length < 5, `${shown.length}`);
  progress.stop();
  const lines = shown.at(-1)!["text/plain"]!.split("\n");
  assert.equal(lines[0], "(5 lines before)");
  assert.deepEqual(lines.slice(1, 3), ["line 5", "line 6"]);
  assert.match(lines.at(-1)!, /^ended after \d s$/);
  assert.doesNotMatch(shown.at(-1)!["text/html"]!, /<progress/);
});

test("outside a kernel of ours, and where it has no cell, lines go to the stream", (t) => {
  const written: string[] = [];
  const stream = {
    isTTY: false,
    write: (text: string) => written.push(text),
  } as unknown as NodeJS.WriteStream;
  Object.assign(globalThis, { [OPEN_DISPLAY]: () => null });
  t.after(() => {
    Object.assign(globalThis, { [OPEN_DISPLAY]: undefined });
  });
  const progress = showProgress(10, stream);
  progress.step(10, "");
  progress.line("done");
  assert.deepEqual(written, ["done (100 %)\n"]);
});

test("SIGINT stops a sweep where somebody keeps it from ending the process, and else is left alone", async (t) => {
  const others = process.listeners("SIGINT");
  process.removeAllListeners("SIGINT");
  t.after(() => {
    process.removeAllListeners("SIGINT");
    for (const other of others) process.on("SIGINT", other);
  });
  let stops = 0;
  const press = async (given?: AbortSignal) => {
    using button = await stopButton(given, () => stops++);
    process.emit("SIGINT");
    return button.signal?.aborted;
  };
  assert.equal(await press(), undefined, "a script: Ctrl-C ends it");
  process.on("SIGINT", () => undefined);
  assert.equal(await press(), true);
  assert.equal(await press(new AbortController().signal), false, "the caller's own signal counts");
  assert.equal(stops, 1);
  assert.equal(process.listenerCount("SIGINT"), 1, "nothing is left");
});
