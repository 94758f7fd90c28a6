import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { before, test } from "node:test";
import { DIST, ensureDist } from "../support/dist.js";

const MAIN = join(DIST, "cli/main.js");
const A100 = resolve("test/fixtures/nvidia-smi/query-a100-nounits.csv");
const NX = resolve("test/fixtures/tegrastats/jetpack5-xavier-nx.log");

before(ensureDist);

function watch(args: string[], input?: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "watch", ...args], {
    encoding: "utf8",
    ...(input !== undefined && { input }),
  });
  return { code: status, lines: stdout.trimEnd().split("\n"), err: stderr };
}

test("a recording as plain lines, one a second of its time, and what it took", () => {
  const { code, lines, err } = watch(["--from", NX, "--interval", "500"]);
  assert.deepEqual([code, err], [0, ""]);
  assert.equal(lines.length, 4, "at 0, 1 and 2 s, and the total");
  assert.match(lines[0]!, /^0\.0 s {2}power 5\.5 W {2}energy 0\.00 J {2}memory \d\.\d of \d\.\d GiB/);
  // Trapezoids of 5.542, 5.542, 13.711, 13.83 and 13.751 W, half a second apart.
  assert.equal(lines[3], "21.36 J in 2.0 s, mean 10.5 W");
});

test("lines of a fast recording keep to the second, and do not gain on it", () => {
  const [line] = readFileSync(NX, "utf8").split("\n");
  const { lines } = watch(["--from", "-", "--interval", "100"], `${line!}\n`.repeat(31));
  assert.deepEqual(
    lines.slice(0, -1).map((text) => text.slice(0, 5)),
    ["0.0 s", "1.0 s", "2.0 s", "3.0 s"],
  );
});

test("as JSON lines: every reading, with its energy since the start", () => {
  const { code, lines } = watch(["--jsonl", "--from", A100]);
  const readings = lines.map((line) => JSON.parse(line) as Record<string, number>);
  assert.equal(code, 0);
  assert.equal(readings.length, readFileSync(A100, "utf8").trimEnd().split("\n").length - 1);
  assert.deepEqual([readings[0]!.power_w, readings[0]!.energy_since_start_j], [78.66, 0]);
  assert.ok(readings.at(-1)!.energy_since_start_j! > 40);
});

test("from standard input", () => {
  const { code, lines } = watch(["--jsonl", "--from", "-"], readFileSync(NX, "utf8"));
  assert.equal(code, 0);
  assert.equal(lines.length, 5);
});

test("Ctrl-C ends it in good order", { timeout: 20_000 }, async () => {
  const child = spawn(process.execPath, [MAIN, "watch", "--from", "-"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stdin.write(readFileSync(NX));
  await once(child.stdout, "data");
  child.kill("SIGINT");
  const [code] = (await once(child, "close")) as [number | null];
  assert.equal(code, 0);
  assert.match(out, / in \d+\.\d s, mean 10\.5 W\n$/);
});

test("this machine, for as long as is asked", { skip: process.platform !== "linux" }, () => {
  const { code, lines } = watch(["--source", "host", "--rate", "20", "--duration", "0.3", "--jsonl"]);
  assert.equal(code, 0);
  assert.ok(lines.length >= 3 && lines.length <= 8, `${lines.length} lines`);
  assert.ok((JSON.parse(lines[0]!) as Record<string, number>).ram_used_bytes! > 0);
});

const WRONG: [string[], RegExp][] = [
  [["--from", "nowhere.log"], /^ssm-scope: There is no recording nowhere\.log\.$/m],
  [["--from", resolve("package.json")], /package\.json holds no reading of tegrastats or of nvidia-smi/],
  [["--from", resolve("test/fixtures/tegrastats/jetpack4-nano.log")], /has no time stamp: give the interval/],
  [["--rate", "0"], /"0" is not a number above 0\./],
  [["--duration", "soon"], /"soon" is not a number above 0\./],
  [["--source", "crystal-ball"], /there is no source "crystal-ball"; it must be .*tegrastats.* or host/],
  [["--interval", "100"], /--interval is of a recording; give it with --from/],
];

for (const [args, message] of WRONG)
  test(`wrong: watch ${args.join(" ")}`, () => {
    const { code, err } = watch(args);
    assert.equal(code, 2);
    assert.match(err, message);
  });
