import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { DIST, ensureDist } from "../support/dist.js";
import { temporaryFolder } from "../support/temporary.js";

const MAIN = join(DIST, "cli/main.js");
const folder = temporaryFolder();
const WATTS = 20;

/** A minute of constant power, as nvidia-smi would have told it. */
const RECORDING = join(folder, "constant.csv");
const stamp = (ms: number): string =>
  new Date(ms).toISOString().slice(0, 23).replaceAll("-", "/").replace("T", " ");

before(() => {
  ensureDist();
  const rows = Array.from({ length: 1200 }, (_, i) => `${stamp(50 * i)}, ${WATTS}.00, 45`);
  writeFileSync(RECORDING, `timestamp, power.draw.instant [W], temperature.gpu\n${rows.join("\n")}\n`);
});

function energy(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "energy", ...args], {
    encoding: "utf8",
  });
  return { code: status, out: stdout, err: stderr };
}

const REPLAY = ["--from", RECORDING, "--idle", "0.2"];
const record = (text: string) => JSON.parse(text) as Record<string, unknown>;

test("joules of a command: its mean power for as long as it took, and nothing above idle", () => {
  const { code, out, err } = energy("--json", ...REPLAY, "--", "bash", "-c", "echo hello; sleep 0.4");
  assert.deepEqual([code, out], [0, "hello\n"]);
  const found = record(err);
  const seconds = (found.duration_ms as number) / 1000;
  assert.ok(seconds >= 0.4 && seconds < 2);
  assert.ok(Math.abs((found.energy_j as number) - WATTS * seconds) < 0.01);
  assert.ok(Math.abs(found.energy_net_j as number) < 0.01);
  assert.deepEqual(
    [found.method, found.energy_source, found.idle_before_w, found.temperature_after_c, found.status_reason],
    ["integrated_power", RECORDING, WATTS, 45, null],
  );
});

test("in words, to a file", () => {
  const file = join(folder, "report.txt");
  const { code, err } = energy(...REPLAY, "-o", file, "--", "true");
  assert.deepEqual([code, err], [0, ""]);
  const text = readFileSync(file, "utf8");
  assert.match(text, /^Energy of true:$/m);
  assert.match(text, /J {2}± .* gross$/m);
  assert.match(text, /net of idle, 20\.0 W before, 20\.0 W after$/m);
  assert.match(text, /integrated power, renewed every 100 ms\.$/m);
});

test("without idle windows there is no net energy", () => {
  const found = record(energy("--json", "--from", RECORDING, "--idle", "0", "--", "sleep", "0.2").err);
  assert.ok((found.energy_j as number) >= 0.2 * WATTS);
  assert.equal(found.energy_net_j, null);
});

test("without a sensor the command runs all the same, and the reason is told", () => {
  const { code, err } = energy(
    "--json",
    "--from",
    RECORDING,
    "--idle",
    "0.1",
    "--interval",
    "1e9",
    "--",
    "true",
  );
  assert.equal(code, 0);
  const found = record(err);
  assert.equal(found.energy_j, null);
  assert.match(String(found.status_reason), /\w/);
});

test("the exit code is the command's", () => {
  const code = (...command: string[]): number | null => energy("--json", ...REPLAY, "--", ...command).code;
  assert.equal(code("bash", "-c", "exit 3"), 3);
  assert.equal(code("bash", "-c", "kill -9 $$"), 137);
  const missing = energy(...REPLAY, "--", "no-such-command");
  assert.deepEqual([missing.code, missing.err], [127, "ssm-scope: there is no command no-such-command\n"]);
  const forbidden = energy(...REPLAY, "--", RECORDING);
  assert.equal(forbidden.code, 126);
  assert.match(forbidden.err, /could not be started: it may not be executed \(EACCES\)/);
});

test("signals are the command's, and its energy is told", { timeout: 20_000 }, async () => {
  const script = "trap 'exit 7' TERM; echo ready; while true; do sleep 0.05; done";
  const child = spawn(process.execPath, [MAIN, "energy", "--json", ...REPLAY, "--", "bash", "-c", script], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let err = "";
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  const [code] = (await once(child, "close")) as [number | null];
  assert.equal(code, 7);
  assert.ok((record(err).energy_j as number) > 0);
});

test("wrong input", () => {
  for (const [args, message] of [
    [[], /missing required argument 'command'/],
    [["--idle", "-1", "--", "true"], /"-1" is not a number of seconds, 0 or more/],
    [["--gpu", "0", ...REPLAY, "--", "true"], /--gpu is of this machine's GPUs; leave it out with --from/],
    [["--from", "nowhere.csv", "--", "true"], /There is no recording nowhere\.csv/],
    [["-o", join(folder, "no/where"), "--", "true"], /there is no such file or folder/],
  ] as const) {
    const { code, err } = energy(...args);
    assert.equal(code, 2);
    assert.match(err, message);
  }
});
