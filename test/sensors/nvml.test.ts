import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { openLibrary } from "../../src/ffi/library.js";
import { bindNvml } from "../../src/sensors/nvml.js";
import { compile, needGcc } from "../support/gcc.js";

const NVML = (init: number) => `
#include <string.h>
struct memory { unsigned long long total, free, used; };
int nvmlInit_v2(void) { return ${init}; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 3; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) { *device = (void *)(16L + index); return index == 1 ? 15 : 0; }
int nvmlDeviceGetUUID(void *device, char *uuid, unsigned length) {
  strcpy(uuid, device == (void *)16L ? "GPU-zero" : "GPU-two"); return 0; }
int nvmlDeviceGetMemoryInfo(void *device, struct memory *memory) {
  memory->total = 5; memory->free = 4; memory->used = 150ull << 30; return 0; }
`;

suite("NVML, faked", needGcc, () => {
  const folder = mkdtempSync(join(tmpdir(), "ssm-scope-nvml-"));
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const open = (name: string, source: string) =>
    bindNvml(openLibrary("it", [{ path: compile(folder, name, source), source: "the test" }], ""));

  test("memory in use by GPU; one that does not answer is left out", () => {
    const nvml = open("libnvml.so", NVML(0))!;
    assert.deepEqual(
      [...nvml.usedBytes()],
      [
        ["GPU-zero", 150 * 2 ** 30],
        ["GPU-two", 150 * 2 ** 30],
      ],
    );
  });

  test("a library that does not start is as good as none", () => {
    assert.equal(open("libbroken.so", NVML(18)), null, "driver and library mismatch");
    assert.equal(open("libempty.so", "int nothing;"), null);
  });
});
