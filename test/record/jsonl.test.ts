import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { UserError } from "../../src/errors.js";
import { appendRows, formatJsonLines, parseJsonLines, readJsonLines } from "../../src/record/jsonl.js";
import type { Row } from "../../src/record/schema.js";
import { SAMPLE_ROWS, temporaryFolder } from "./sample-rows.js";

const failsOn = (text: string, message: RegExp): void => {
  assert.throws(
    () => parseJsonLines(text, "rows.jsonl"),
    (error) => error instanceof UserError && message.test(error.message),
  );
};

test("appended batches are read back in order, null columns left out of the file", (t) => {
  const path = join(temporaryFolder(t), "rows.jsonl");
  appendRows(path, SAMPLE_ROWS.slice(0, 2));
  appendRows(path, [{ ...SAMPLE_ROWS[2], tpot_ms: null }]);
  appendRows(path, []);
  appendRows(path, SAMPLE_ROWS.slice(3));
  assert.deepEqual(readJsonLines(path), { rows: SAMPLE_ROWS, cut: null });
  assert.ok(!readFileSync(path, "utf8").includes("null"));
});

test("wherever a crash cuts the file, the whole rows are read", () => {
  const bytes = Buffer.from(formatJsonLines(SAMPLE_ROWS));
  for (let length = 0; length <= bytes.length; length += 1) {
    const read = parseJsonLines(bytes.toString("utf8", 0, length), "rows.jsonl");
    const whole = wholeLines(bytes, length);
    assert.deepEqual(read.rows, SAMPLE_ROWS.slice(0, whole.count), `cut at byte ${length}`);
    assert.equal(read.cut === null, whole.atLineEnd, `cut at byte ${length}`);
    if (read.cut !== null)
      assert.match(read.cut, new RegExp(`^rows\\.jsonl line ${whole.count + 1} is not a JSON`));
  }
});

test("wherever a crash cuts the file, the rows that are missing can be appended", (t) => {
  const path = join(temporaryFolder(t), "rows.jsonl");
  const bytes = Buffer.from(formatJsonLines(SAMPLE_ROWS));
  const lengths = lineEnds(bytes).flatMap((end) => [end - 30, end - 2, end - 1, end, end + 1]);
  for (const length of lengths.filter((length) => length <= bytes.length)) {
    const whole = wholeLines(bytes, length);
    const warnings: string[] = [];
    writeFileSync(path, bytes.subarray(0, length));
    appendRows(path, SAMPLE_ROWS.slice(whole.count), { onWarning: (message) => warnings.push(message) });
    assert.deepEqual(readFileSync(path), bytes, `cut at byte ${length}`);
    assert.equal(warnings.length, whole.atLineEnd ? 0 : 1);
    if (!whole.atLineEnd)
      assert.match(warnings[0]!, /rows\.jsonl: dropped a last line that was cut after \d+ bytes/);
  }
});

const lineEnds = (bytes: Buffer): number[] =>
  [...bytes.keys()].filter((at) => bytes[at] === 0x0a).map((at) => at + 1);

/** How many lines the first `length` bytes hold whole, with or just without their newline, and whether they stop there. */
function wholeLines(bytes: Buffer, length: number): { count: number; atLineEnd: boolean } {
  const ends = lineEnds(bytes);
  return {
    count: ends.filter((end) => end - 1 <= length).length,
    atLineEnd: length === 0 || ends.includes(length) || ends.includes(length + 1),
  };
}

test("zero bytes that a power cut leaves count as a cut line", () => {
  const { rows, cut } = parseJsonLines('{"model":"a"}\n\0\0\0\0', "rows.jsonl");
  assert.deepEqual(rows, [{ model: "a" }]);
  assert.match(cut!, /line 2/);
});

test("a broken line before the last is an error with file and line", () => {
  failsOn(
    '{"model":"a"}\n{"model":\n{"model":"c"}\n',
    /^rows\.jsonl line 2 is not a JSON object: "{\\"model\\":"/,
  );
  failsOn('[1]\n{"model":"c"}\n', /^rows\.jsonl line 1 is not a JSON object/);
});

test("a wrong type in a known column is an error with file, line, column and value, on the last line too", () => {
  const cases: [string, RegExp][] = [
    ['{"ttft_ms":"12"}', /line 2: column ttft_ms must be a finite number, found '12'/],
    ['{"model":3}', /column model must be a string, found 3/],
    ['{"warmup_stable":"yes"}', /column warmup_stable must be true or false, found 'yes'/],
    ['{"itl_ms":[1,null]}', /column itl_ms must be an array of finite numbers, found \[ 1, null \]/],
    ['{"verdict_reasons":"slow"}', /column verdict_reasons must be an array of strings, found 'slow'/],
  ];
  for (const [line, message] of cases) failsOn(`{"model":"a"}\n${line}\n`, message);
});

test("unknown columns and blank lines are let through, Windows line ends too", () => {
  const { rows, cut } = parseJsonLines('{"mood":{"is":"good"}}\r\n\r\n{"model":null}\r\n', "rows.jsonl");
  assert.deepEqual(rows, [{ mood: { is: "good" } }, { model: null }]);
  assert.equal(cut, null);
});

test("a row that no reader would accept is refused before the file is touched", (t) => {
  const path = join(temporaryFolder(t), "rows.jsonl");
  const bad: Row[] = [{ model: "a" }, { ttft_ms: NaN }];
  assert.throws(
    () => {
      appendRows(path, bad);
    },
    { name: "UserError", message: /column ttft_ms must be a finite number, found NaN/ },
  );
  assert.ok(!existsSync(path));
});
