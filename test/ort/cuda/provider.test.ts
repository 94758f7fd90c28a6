import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  cudaMajorOf,
  missingProviderFiles,
  PROVIDER_FILES,
  readProvider,
  versionIn,
} from "../../../src/ort/cuda/provider.js";
import { buildProvider } from "../../support/fake-cuda.js";
import { compile, needGcc } from "../../support/gcc.js";

const folder = mkdtempSync(join(tmpdir(), "ssm-scope-provider-"));
after(() => {
  rmSync(folder, { recursive: true });
});

const constants = (...strings: string[]): Buffer => Buffer.from(`\0${strings.join("\0")}\0`, "latin1");

test("the version is a constant of its own; those of kernels and parts of longer strings are not it", () => {
  // The strings of that form in the providers of 1.23.2, and in those of 1.24.4, 1.29.0 and 1.30.0.
  assert.equal(versionIn(constants("x", "1.23.2", "7.2.0", "7.0.0"), "1.23.2"), "1.23.2");
  assert.equal(versionIn(constants("1.23.2", "7.2.0"), "1.29.0"), "1.23.2");
  assert.equal(versionIn(constants("1.30.0")), "1.30.0");
  assert.equal(versionIn(constants("7.2.0", "v1.29.0", "1.29.0-dev", "11.29.0"), "1.29.0"), null);
  assert.equal(versionIn(Buffer.alloc(0), "1.29.0"), null);
});

test("the CUDA version is that of the runtime it needs", () => {
  assert.equal(cudaMajorOf(["libcublas.so.13", "libcudart.so.13", "libc.so.6"]), 13);
  assert.equal(cudaMajorOf(["libcublas.so.12", "libcudart.so.12"]), 12);
  assert.equal(cudaMajorOf(["libc.so.6"]), null);
});

test("a file tells version, CUDA version and needs", needGcc, () => {
  const cudart = compile(folder, "libcudart.so.12", "int one;", { soname: "libcudart.so.12" });
  buildProvider(folder, "1.24.4", [cudart]);
  const path = join(folder, PROVIDER_FILES[0]);
  for (const expected of ["1.24.4", "1.29.0", undefined]) {
    const provider = readProvider(path, expected)!;
    assert.equal(provider.version, "1.24.4");
    assert.equal(provider.cudaMajor, 12);
    assert.equal(provider.needed[0], "libcudart.so.12");
  }
  const otherArch = process.arch === "x64" ? "arm64" : "x64";
  assert.equal(readProvider(path, "1.24.4", otherArch), null, "a provider of another machine is none");
  assert.deepEqual(missingProviderFiles(join(folder, "libonnxruntime.so")), []);
  rmSync(join(folder, PROVIDER_FILES[1]));
  assert.deepEqual(missingProviderFiles(join(folder, "libonnxruntime.so")), [PROVIDER_FILES[1]]);
});

test("what is no library is no provider", () => {
  const path = join(folder, "text.so");
  writeFileSync(path, "not found");
  assert.equal(readProvider(path), null);
  assert.equal(readProvider(join(folder, "nowhere.so")), null);
});
