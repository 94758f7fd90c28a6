/**
 * This project's own peers: JSON lines of test/bench/peer_torch.py, which runs transformers and mamba_ssm as `run` runs our
 * graphs (random weights, greedy decoding, logits of the last position, every token's id on the host). A line holds all samples
 * of a model, variant and length.
 */
import type { Row } from "../record/index.js";
import type { Fields } from "./fields.js";
import type { Format } from "./format.js";
import { jsonRecords } from "./json.js";

export const peerTorch: Format = {
  name: "peer-torch",
  detect: (text) =>
    ['"kind": "peer"', '"engine": "pytorch"', '"variant"'].every((mark) => text.includes(mark)),
  parse: (text, file) => jsonRecords(text, file).flatMap(lineRows),
};

function lineRows(line: Fields): Row[] {
  const common = commonColumns(line);
  const status = line.needText("status");
  if (status !== "ok") return [{ ...common, status, status_reason: line.text("status_reason") }];
  const ttfts = line.numbers("ttft_samples_ms") ?? [];
  const tpots = line.numbers("tpot_samples_ms") ?? [];
  const decoded = line.needNumber("new_tokens") - 1;
  return ttfts.map((ttft, repeat) => {
    const tpot = tpots[repeat] ?? null;
    return {
      ...common,
      repeat,
      ttft_ms: ttft,
      tpot_ms: tpot,
      e2e_ms: tpot === null ? null : ttft + decoded * tpot,
      reserved_bytes: line.number("peak_reserved_bytes"),
      process_device_bytes: line.number("device_used_bytes"),
      warmup_runs: line.number("warmup_runs"),
    };
  });
}

const VERSIONS = ["torch", "transformers", "triton", "kernels"];

const commonColumns = (line: Fields): Row => ({
  model: line.needText("model"),
  weights: "random",
  parameters: line.number("parameters"),
  dtype: line.text("dtype"),
  device: line.text("gpu"),
  ep: line.needText("engine"),
  ep_options: [
    `variant=${line.needText("variant")}`,
    ...VERSIONS.filter((name) => line.text(name) !== null).map((name) => `${name}=${line.words(name)}`),
  ],
  cuda_graph: line.needText("variant") === "graph",
  cuda_version: line.text("cuda"),
  phase: "both",
  batch: line.number("batch"),
  prompt_tokens: line.needNumber("prompt_tokens"),
  new_tokens: line.needNumber("new_tokens"),
  prefill: "monolithic",
  logits: "last",
  method: "peer_torch",
  aggregated_samples: 1,
});
