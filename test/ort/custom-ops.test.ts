import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { openRuntime } from "../../src/ort/index.js";
import { compile, needGcc } from "../support/gcc.js";
import { identityModel } from "../support/tiny-model.js";

const runtime = openRuntime();
const folder = mkdtempSync(join(tmpdir(), "ssm-scope-ops-"));
after(() => {
  rmSync(folder, { recursive: true });
});

test("a library that is not there is refused with its path", () => {
  assert.throws(() => runtime.createSession(identityModel(), { customOps: ["/nowhere/libops.so"] }), {
    name: "UserError",
    message: /no library of custom operators at \/nowhere\/libops.so/,
  });
});

suite("custom operators, compiled", needGcc, () => {
  test("a library's RegisterCustomOps is called for each session", () => {
    // It leaves a file behind as the proof, and registers nothing: null is an OrtStatus of success.
    const proof = join(folder, "called");
    const library = compile(
      folder,
      "libops.so",
      `#include <stdio.h>
       void *RegisterCustomOps(void *options, const void *api) {
         FILE *file = fopen("${proof}", "a"); fputs(options && api ? "x" : "-", file); fclose(file); return 0; }`,
    );
    for (let i = 0; i < 2; i++) {
      using session = runtime.createSession(identityModel(), { customOps: [library] });
      assert.equal(session.inputs.length, 1);
    }
    assert.equal(readFileSync(proof, "utf8"), "xx");
  });

  test("a library without that function is an error that names it", () => {
    const library = compile(folder, "libother.so", "int nothing(void) { return 0; }");
    assert.throws(
      () => runtime.createSession(identityModel(), { customOps: [library] }),
      /RegisterCustomOps/,
    );
  });
});
