import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { koffi } from "../../src/ffi/koffi.js";
import { openLibrary } from "../../src/ffi/library.js";
import { openRuntimeLibrary } from "../../src/ort/library.js";

const folder = mkdtempSync(join(tmpdir(), "ssm-scope-test-"));
after(() => {
  rmSync(folder, { recursive: true });
});

test("the error names every candidate, who named it, why it failed, and the way out", () => {
  const text = join(folder, "libtext.so");
  writeFileSync(text, "no library");
  const candidates = [
    { path: "/nowhere/libfoo.so", source: "FOO" },
    { path: text, source: "the system" },
    { path: "libssm-scope-nonexistent.so", source: "the loader" },
  ];
  assert.throws(() => openLibrary("Foo", candidates, "Install foo."), {
    name: "UserError",
    message:
      /^Could not load Foo\. Tried \/nowhere\/libfoo\.so \(from FOO\): no such file; .*libtext\.so \(from the system\): .+; libssm-scope-nonexistent\.so \(from the loader\): .+\. Install foo\.$/,
  });
});

test("the first candidate that loads wins", () => {
  const real = openRuntimeLibrary().path;
  const library = openLibrary(
    "Foo",
    [
      { path: "/nowhere/libfoo.so", source: "FOO" },
      { path: real, source: "npm" },
    ],
    "",
  );
  assert.equal(library.path, real);
  assert.equal(typeof library.symbol("OrtGetApiBase"), "bigint");
  assert.equal(library.symbol("NoSuchSymbol"), null);
});

test("native calls have 8 MiB of stack", () => {
  const { sync_stack_size, async_stack_size } = koffi().config();
  assert.equal(sync_stack_size, 8 * 1024 * 1024);
  assert.equal(async_stack_size, 8 * 1024 * 1024);
});
