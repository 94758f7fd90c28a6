import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { test } from "node:test";
import { REGISTRY } from "../../src/models/index.js";
import { readJsonLines } from "../../src/record/index.js";
import { need } from "../support/need.js";
import { join } from "./join.js";
import { ceilingsOf, SETTINGS, TARGETS } from "./targets.js";

const PEER = joinPath(import.meta.dirname, "peer_torch.py");
const python = need("python3", spawnSync("python3", ["--version"]).status === 0, "apt-get install python3");

/** Runs the peer with a torch of one line in place of the real one. */
function runPeer(torch: string, args: string[]) {
  const folder = mkdtempSync(joinPath(tmpdir(), "ssm-scope-peer-"));
  try {
    writeFileSync(joinPath(folder, "torch.py"), torch);
    const file = joinPath(folder, "peer.jsonl");
    const { status, stdout, stderr } = spawnSync("python3", [PEER, ...args, "--out", file], {
      encoding: "utf8",
      env: { ...process.env, PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" },
    });
    return { status, stdout, stderr, rows: status === 0 ? readJsonLines(file).rows : [] };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a peer that dies has a row for each length, with how it died", python, () => {
  const asked = ["-l", "1024,8192", "--models", "qwen2.5-0.5b,mamba2-130m"];
  const crash = runPeer("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", asked);
  assert.equal(crash.status, 0, crash.stderr);
  for (const row of crash.rows) assert.equal(row.status_reason, "the process ended with signal SIGKILL");
  const cells = join(crash.rows, { targets: TARGETS, ceilings: ceilingsOf });
  assert.deepEqual(
    cells.map(({ model, promptTokens, peer }) => `${model} ${promptTokens} ${peer?.outcome}`),
    ["mamba2-130m 1024", "mamba2-130m 8192", "qwen2.5-0.5b 1024", "qwen2.5-0.5b 8192"].map(
      (cell) => `${cell} failed: the process ended with signal SIGKILL`,
    ),
  );
  const missing = runPeer("raise ImportError('no torch')", ["-l", "8", "--models", "qwen2.5-0.5b"]);
  assert.match(missing.rows[0]?.status_reason ?? "", /exit code 1/);
  assert.match(missing.stderr, /no torch/);
});

test("a model that the peer does not know is refused", python, () => {
  const { status, stderr } = runPeer("", ["--models", "qwen3"]);
  assert.equal(status, 2);
  assert.match(stderr, /there is no model "qwen3"; there are qwen2.5-0.5b, /);
});

test("the peer has the hyper-parameters of the registry", python, () => {
  const script = `import json, sys; sys.path.insert(0, ${JSON.stringify(import.meta.dirname)}); import peer_torch; print(json.dumps(peer_torch.MODELS))`;
  const { stdout } = spawnSync("python3", ["-B", "-c", script], { encoding: "utf8" });
  const theirs = JSON.parse(stdout) as Record<string, Record<string, unknown>>;
  let compared = 0;
  for (const model of REGISTRY) {
    const shape = theirs[model.name];
    if (!shape) continue;
    const { arch, parameters, ...config } = shape;
    assert.equal(arch, model.arch);
    assert.equal(parameters, model.parameters);
    for (const [key, value] of Object.entries(model.config) as [string, unknown][])
      if (key in config) assert.equal(config[key], value, `${model.name} ${key}`);
    compared += 1;
  }
  assert.ok(compared >= 2);
  for (const name of SETTINGS.models) assert.ok(name in theirs, name);
});
