import assert from "node:assert/strict";
import { test } from "node:test";
import { providerOptions } from "../../../src/ort/cuda/options.js";
import { openRuntime } from "../../../src/ort/index.js";
import { identityModel } from "../../support/tiny-model.js";

test("options have the names of OrtCUDAProviderOptionsV2", () => {
  assert.deepEqual(providerOptions({ deviceId: 1 }), { device_id: "1" });
  assert.deepEqual(
    providerOptions(
      { deviceId: 0 },
      {
        memoryLimitBytes: 8 * 2 ** 30,
        arena: "same-as-requested",
        graph: true,
        tf32: false,
        cudnnConvSearch: "HEURISTIC",
        other: { sdpa_kernel: "1" },
      },
    ),
    {
      device_id: "0",
      gpu_mem_limit: "8589934592",
      arena_extend_strategy: "kSameAsRequested",
      enable_cuda_graph: "1",
      use_tf32: "0",
      cudnn_conv_algo_search: "HEURISTIC",
      sdpa_kernel: "1",
    },
  );
});

test("an option is set in one place", () => {
  assert.throws(() => providerOptions({ deviceId: 0 }, { tf32: true, other: { use_tf32: "0" } }), {
    name: "UserError",
    message: /use_tf32 is set already, to 1/,
  });
});

test("CUDA options need a CUDA device", () => {
  assert.throws(() => openRuntime().createSession(identityModel(), { cuda: { graph: true } }), {
    name: "UserError",
    message: /CUDA options, but its device is the CPU/,
  });
});
