import assert from "node:assert/strict";
import { test } from "node:test";
import { providerOptions } from "../../../src/ort/cuda/options.js";
import { openRuntime } from "../../../src/ort/index.js";
import { identityModel } from "../../support/tiny-model.js";

test("options have the names of OrtCUDAProviderOptionsV2", () => {
  assert.deepEqual(providerOptions(), {});
  assert.deepEqual(
    providerOptions({
      memoryLimitBytes: 8 * 2 ** 30,
      arena: "same-as-requested",
      graph: true,
      tf32: false,
      cudnnConvSearch: "HEURISTIC",
      other: { sdpa_kernel: "1" },
    }),
    {
      gpu_mem_limit: "8589934592",
      arena_extend_strategy: "kSameAsRequested",
      enable_cuda_graph: "1",
      use_tf32: "0",
      cudnn_conv_algo_search: "HEURISTIC",
      sdpa_kernel: "1",
    },
  );
});

test("what has an option of its own is not given by its key", () => {
  for (const key of ["use_tf32", "device_id", "enable_cuda_graph"])
    assert.throws(() => providerOptions({ other: { [key]: "1" } }), {
      name: "UserError",
      message: new RegExp(`${key}=1 is given by its key, but it has an option of its own`),
    });
});

test("CUDA options need a CUDA device", () => {
  assert.throws(() => openRuntime().createSession(identityModel(), { cuda: { graph: true } }), {
    name: "UserError",
    message: /CUDA options, but its device is the CPU/,
  });
});
