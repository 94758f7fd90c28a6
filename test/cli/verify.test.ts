import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { ensureDist } from "../support/dist.js";

const MAIN = resolve("dist/cli/main.js");

let cache: string;
before(() => {
  ensureDist();
  cache = mkdtempSync(join(tmpdir(), "ssm-scope-cli-verify-"));
});
after(() => {
  rmSync(cache, { recursive: true });
});

const environment = (): NodeJS.ProcessEnv => ({ ...process.env, XDG_CACHE_HOME: cache });

function verify(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "verify", ...args], {
    encoding: "utf8",
    env: environment(),
  });
  return { code: status, out: stdout, err: stderr };
}

const WRONG: [string[], RegExp][] = [
  [["mamba3"], /^ssm-scope: there is no model "mamba3"; did you mean/],
  [["--ep", "tpu"], /Allowed choices are cpu, cuda/],
  [["--dtype", "fp16,fp8"], /the dtype is "fp8"; it must be "fp16" or "fp32" or "bf16"/],
  [["--dtype", ","], /the dtype is missing/],
  [["gpt-neo-125m", "--lowering", "ssd-matmul"], /no model given has the lowering ssd-matmul/],
  [["gpt-neo-125m", "-l", "4K"], /gpt-neo-125m has 2048 positions/],
  [["--tf32"], /--tf32 is for models, and none is given/],
  [["--all", "mamba-130m"], /--all is every model, but mamba-130m is given too/],
  [["gpt-neo-125m", "--tf32"], /the execution provider is cpu; add --ep cuda/],
  [["--device-id", "x"], /"x" is not a whole number/],
];

for (const [args, message] of WRONG)
  test(`\`verify ${args.join(" ")}\` is refused with 2, one sentence and nothing written`, () => {
    const { code, err } = verify(...args);
    assert.match(err, message);
    assert.equal(code, 2);
    assert.doesNotMatch(err, /\n\s+at /, "no stack");
    assert.deepEqual(readdirSync(cache), []);
  });

test("--help has an example that the command takes", () => {
  const { code, out } = verify("--help");
  assert.equal(code, 0);
  assert.match(out, /Example: ssm-scope verify .* --ep cuda/);
});

test("what the provider lacks is said in the table and below it, and is no failure", () => {
  const { code, out, err } = verify("gpt-neo-125m", "--dtype", "bf16");
  assert.equal(code, 0, err);
  assert.match(out, /gpt-neo-125m +bf16 .*unsupported/);
  assert.match(out, /^gpt-neo-125m, cpu, bf16: no kernel for \w+ in bf16 on cpu \(node \/.*\)$/m);
  assert.match(err, /unsupported .*100 %/, "progress goes to stderr");
});

test("Ctrl-C ends it with 130, and says what is kept", async () => {
  // A cache of its own: its folder is there as soon as measuring begins.
  const empty = join(cache, "empty");
  const child = spawn(process.execPath, [MAIN, "verify", "gpt-neo-125m", "mamba-130m"], {
    env: { ...environment(), XDG_CACHE_HOME: empty },
  });
  const folder = join(empty, "ssm-scope", "gate");
  const watch = setInterval(() => {
    if (!existsSync(folder)) return;
    clearInterval(watch);
    setTimeout(() => child.kill("SIGINT"), 500);
  }, 50);
  let err = "";
  child.stderr.on("data", (data: Buffer) => (err += data.toString()));
  const code = await new Promise<number | null>((settle) => child.on("exit", settle));
  clearInterval(watch);
  assert.equal(code, 130, err);
  assert.match(err, /interrupted; \d+ verdicts are kept/);
});
