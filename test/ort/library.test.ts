import assert from "node:assert/strict";
import { test } from "node:test";
import { openRuntime } from "../../src/ort/index.js";
import { runtimeCandidates } from "../../src/ort/library.js";

test("the option goes before the environment, and both before onnxruntime-node", () => {
  const environment = { SSM_SCOPE_ORT: "/env/libonnxruntime.so" };
  const only = (library: string | undefined, env: NodeJS.ProcessEnv) =>
    runtimeCandidates(library, env, null, "/node_modules/onnxruntime-node", "linux", "x64");
  assert.deepEqual(only("/mine.so", environment), [{ path: "/mine.so", source: "the `library` option" }]);
  assert.deepEqual(only(undefined, environment), [
    { path: "/env/libonnxruntime.so", source: "SSM_SCOPE_ORT" },
  ]);
  assert.deepEqual(only(undefined, {}), [
    {
      path: "/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1",
      source: "onnxruntime-node",
    },
  ]);
});

test("every platform that onnxruntime-node serves has its file", () => {
  const path = (platform: NodeJS.Platform, arch: string) =>
    runtimeCandidates(undefined, {}, null, "/ort", platform, arch)[0]!.path;
  assert.equal(path("linux", "arm64"), "/ort/bin/napi-v6/linux/arm64/libonnxruntime.so.1");
  assert.equal(path("darwin", "arm64"), "/ort/bin/napi-v6/darwin/arm64/libonnxruntime.1.dylib");
  assert.equal(path("win32", "x64"), "/ort/bin/napi-v6/win32/x64/onnxruntime.dll");
});

test("without onnxruntime-node the system's loader is asked", () => {
  assert.deepEqual(runtimeCandidates(undefined, {}, null, null, "linux"), [
    { path: "libonnxruntime.so.1", source: "the system's loader, as onnxruntime-node is not installed" },
  ]);
});

test("a library that is missing is an error that says what to do", () => {
  assert.throws(() => openRuntime({ library: "/nowhere/libonnxruntime.so" }), {
    name: "UserError",
    message:
      /Tried \/nowhere\/libonnxruntime\.so \(from the `library` option\): no such file\. Install .*SSM_SCOPE_ORT/,
  });
});

test("the runtime is one object a library", () => {
  const runtime = openRuntime();
  assert.equal(openRuntime(), runtime);
  assert.equal(openRuntime({ library: runtime.library }), runtime);
  assert.match(runtime.version, /^1\.\d+\.\d+$/);
  assert.ok(runtime.providers().includes("CPUExecutionProvider"));
});
