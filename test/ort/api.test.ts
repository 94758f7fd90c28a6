import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { assertVersion } from "../../src/ort/api.js";
import { API_INDEX } from "../../src/ort/api-index.js";
import { openRuntime } from "../../src/ort/index.js";
import { collectGarbage } from "../support/collect-garbage.js";

const folder = mkdtempSync(join(tmpdir(), "ssm-scope-test-"));
after(() => {
  rmSync(folder, { recursive: true });
});

const noCompiler = spawnSync("cc", ["--version"]).error ? "no C compiler" : false;

/** A library that exports OrtGetApiBase: it says it is `version`, and its table is `entries`. */
function fakeLibrary(name: string, version: string, entries: "none" | "far" | "wrong"): string {
  const path = join(folder, `lib${name}.so`);
  const source = `
    #include <stdint.h>
    #include <stddef.h>
    static const char* wrong(void) { return "wrong"; }
    static const void* table[${Object.keys(API_INDEX).length}];
    static const void* get_api(uint32_t version) {
      for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        table[i] = ${entries === "far" ? "(void*)(uintptr_t)0x1234" : "(void*)wrong"};
      return ${entries === "none" ? "NULL" : "table"};
    }
    static const char* get_version(void) { return "${version}"; }
    static const struct { const void* (*a)(uint32_t); const char* (*b)(void); } base = { get_api, get_version };
    const void* OrtGetApiBase(void) { return &base; }`;
  execFileSync("cc", ["-shared", "-fPIC", "-x", "c", "-", "-o", path], { input: source });
  return path;
}

test("a version before 1.23 is too old", () => {
  const tooOld = { name: "UserError", message: /lib\.so is too old: it is .*, and 1\.23 or newer is needed/ };
  for (const version of ["1.22.1", "1.9.0", "0.5.0"])
    assert.throws(() => {
      assertVersion(version, "/lib.so");
    }, tooOld);
  for (const version of ["1.23.0", "1.29.0", "2.0.0"]) assertVersion(version, "/lib.so");
});

test("a library that is not what it should be is a clear error", { skip: noCompiler }, () => {
  const open = (library: string) => () => openRuntime({ library });
  assert.throws(open(fakeLibrary("old", "1.20.1", "none")), {
    name: "UserError",
    message: /too old: it is 1\.20\.1/,
  });
  assert.throws(open(fakeLibrary("null", "1.99.0", "none")), {
    name: "UserError",
    message: /1\.99\.0 at .* does not offer version 23/,
  });
  assert.throws(open(fakeLibrary("far", "1.99.0", "far")), {
    name: "UserError",
    message: /has no CreateStatus where/,
  });
  assert.throws(open(fakeLibrary("wrong", "1.99.0", "wrong")), {
    name: "UserError",
    message: /does not answer as/,
  });
});

test("a library of something else is a clear error", { skip: noCompiler }, () => {
  const library = join(folder, "libother.so");
  execFileSync("cc", ["-shared", "-fPIC", "-x", "c", "-", "-o", library], { input: "int other;" });
  assert.throws(() => openRuntime({ library }), { name: "UserError", message: /is not ONNX Runtime/ });
});

test("the library stays loaded when nothing in JavaScript names it any more", async () => {
  const runtime = openRuntime();
  await collectGarbage();
  assert.ok(runtime.providers().length > 0);
});
