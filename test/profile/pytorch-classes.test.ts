import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  guessTorchClass,
  threeClass,
  TORCH_OPERATORS,
  torchClass,
} from "../../src/profile/pytorch-classes.js";
import { publishedCells, type Published } from "../../data/paper/cells.js";

const REFERENCE = join(import.meta.dirname, "../../../shared/reference");
const skip = existsSync(REFERENCE) ? false : "needs ../shared/reference";
const read = (name: string): Published[] => publishedCells(readFileSync(join(REFERENCE, name), "utf8"), name);
const profileOf = ({ model, device, seq_len }: Published): string => [model, device, seq_len].join(" ");

test(
  "the table and the artifact's lists hold the same operators, and the same classes of the paper",
  { skip },
  () => {
    const listed = read("op_classes.csv");
    // Names with a suffix of their own are in no fine class of the artifact, and so are the profiler's own.
    const named = listed.filter(({ fine_class }) => !["excluded", "unclassified"].includes(fine_class!));
    assert.deepEqual([...TORCH_OPERATORS].sort(), named.map(({ op_name }) => op_name!).sort());
    for (const { op_name, three_class, fine_class } of listed) {
      const found = torchClass(op_name!);
      assert.equal(found === null ? "excluded" : found.paper, fine_class, op_name);
      assert.equal(found === null ? "excluded" : threeClass(found.paper), three_class, op_name);
    }
  },
);

test(
  "the raw profiles through one classifier are the uniform shares of the paper's data, all 63 of them",
  { skip },
  () => {
    interface Time {
      latency: number;
      device: number;
    }
    const times = new Map<string, Time>();
    const add = (key: string, latency: number, device: number): void => {
      const time = times.get(key) ?? { latency: 0, device: 0 };
      times.set(key, { latency: time.latency + latency, device: time.device + device });
    };
    for (const row of read("operators_raw.csv")) {
      const found = torchClass(row.op_name!);
      if (found === null) continue;
      const [latency, device] = [Number(row.latency_us), Number(row.gpu_us)];
      add(`${profileOf(row)} three_class ${threeClass(found.paper)}`, latency, device);
      add(`${profileOf(row)} three_class`, latency, device);
      if (found.paper === "unclassified") continue;
      add(`${profileOf(row)} fine ${found.paper}`, latency, device);
    }
    const published = read("operators.csv").filter(({ breakdown }) => breakdown !== "aux");
    assert.equal(new Set(published.map(profileOf)).size, 63);
    for (const row of published) {
      const key = `${profileOf(row)} ${row.breakdown!}`;
      // What no fine class holds is part of the whole.
      const whole = times.get(`${profileOf(row)} three_class`)!;
      const part = times.get(`${key} ${row.op_class!}`) ?? { latency: 0, device: 0 };
      // To the last printed digit: three of times, four of shares.
      assert.ok(Math.abs(part.latency - Number(row.uniform_latency_us)) <= 0.501e-3, key);
      for (const [share, printed] of [
        [part.latency / whole.latency, row.uniform_share_pct],
        [part.device / whole.device, row.uniform_gpu_share_pct],
      ] as const)
        assert.ok(
          Math.abs(100 * share - Number(printed)) <= 0.501e-4,
          `${key} ${row.op_class!}: ${100 * share}, ${printed!}`,
        );
    }
  },
);

test("names that the paper never saw are told by their parts, and none by guessing at nothing", () => {
  const classOf = (name: string): string | undefined => guessTorchClass(name)?.opClass;
  assert.equal(classOf("aten::_flash_attention_forward"), "attention");
  assert.equal(classOf("void flash_fwd_kernel<Flash_fwd_kernel_traits<64, 128, 128, 4>>"), "attention");
  assert.equal(classOf("ampere_fp16_s16816gemm_fp16_128x128_ldg8_f2f_stages_32x5_tn"), "gemm");
  assert.equal(classOf("nvjet_hsh_128x256_64x4_1x2_h_bz_TNT"), "gemm");
  assert.equal(classOf("void selective_scan_fwd_kernel<Selective_Scan_fwd_kernel_traits<128>>"), "ssm_scan");
  assert.equal(classOf("_chunk_scan_fwd_kernel"), "ssm_scan");
  assert.equal(classOf("void causal_conv1d_fwd_kernel<Causal_conv1d_fwd_kernel_traits<128, 4>>"), "conv1d");
  assert.equal(classOf("Memcpy DtoH (Device -> Pageable)"), "host_device_copy");
  assert.equal(classOf("Memcpy DtoD (Device -> Device)"), "memory");
  assert.equal(
    classOf("void at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<float>>"),
    "arithmetic",
  );
  assert.equal(classOf("FalconH1RMSNorm_prof"), "normalization");
  assert.equal(classOf("my_kernel_17"), "unclassified");
  assert.equal(guessTorchClass("ProfilerStep#7"), null);
});

test("a name of the table keeps its class whatever a pattern would say", () => {
  // "embedding" and "to_copy" both occur in it, and it is a norm.
  const name = "triton_red_fused__to_copy_add_embedding_mean_mul_pow_rsqrt_0";
  assert.equal(guessTorchClass(name)?.opClass, "normalization");
  assert.deepEqual(torchClass("MambaInnerFn"), {
    opClass: "ssm_scan",
    paper: "ssm_scan",
    mixed: true,
    rule: "name mambainnerfn",
  });
});
