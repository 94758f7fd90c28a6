import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { PROVIDER_FILES } from "../../src/ort/cuda/provider.js";
import { openRuntime } from "../../src/ort/index.js";
import { buildFakeMachine, type FakeMachine } from "../support/fake-cuda.js";
import { needGcc } from "../support/gcc.js";

suite("what the CUDA kernel says first", needGcc, () => {
  let folder: string;
  let machine: FakeMachine;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "ssm-scope-cuda-notice-"));
    machine = buildFakeMachine(folder, openRuntime().version);
    for (const name of PROVIDER_FILES)
      copyFileSync(join(machine.provider, name), join(machine.runtimeFolder, name));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** The notice of a process of its own: a library that is loaded stays. */
  function notice(more: Record<string, string> = {}): unknown {
    const program = `import { cudaNotice } from "./src/cli/notebook/cuda-notice.js"; console.log(JSON.stringify(cudaNotice()));`;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "--eval", program],
      {
        encoding: "utf8",
        env: {
          ...process.env,
          LD_LIBRARY_PATH: machine.driver,
          VIRTUAL_ENV: machine.environment,
          SSM_SCOPE_ORT: machine.runtime,
          ...more,
        },
      },
    );
    assert.match(stdout, /^\{/, stderr);
    return JSON.parse(stdout);
  }

  test("the GPU, where driver, provider and libraries are there", () => {
    assert.deepEqual(notice(), {
      stream: "stdout",
      text: 'CUDA is ready: Fake One, compute capability 8.9, 24.0 GiB. Measure on it with run({ …, ep: "cuda" }).',
    });
  });

  test("what is missing, in one sentence", () => {
    const { stream, text } = notice({ FAKE_COUNT: "0" }) as { stream: string; text: string };
    assert.equal(stream, "stderr");
    assert.match(text, /^CUDA cannot be used here, and cells run without it \(ep: "cpu"\): [^\n]+$/);
  });
});
