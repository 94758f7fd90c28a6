import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Row } from "../../src/record/schema.js";

/** Rows with a cell of every type, gaps in each column, and the characters that text formats trip over. */
export const SAMPLE_ROWS: Row[] = [
  {
    kind: "latency",
    status: "ok",
    model: "qwen2.5-0.5b",
    threads: 2,
    warmup_stable: true,
    ttft_ms: 14.31384903844446,
    itl_ms: [13.25, 1 / 3, 1e-7],
    verdict_reasons: ["throttled", "clock drift"],
  },
  {
    kind: "latency",
    status: "oom",
    model: "a, b",
    status_reason: 'says "no"\r\nand stops',
    threads: 2 ** 53,
  },
  { kind: "memory", model: "mamba2-780m", warmup_stable: false, itl_ms: [], total_bytes: -0.5 },
  { model: "ü 東京 😀", itl_ms: [5], verdict_reasons: [] },
];

/** A folder that is gone after the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "ssm-scope-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}
