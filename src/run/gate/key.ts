import { createHash, type Hash } from "node:crypto";
import { encodeModel } from "../../graph/index.js";
import { buildModel, SSD_CHUNK, type ModelGraph } from "../../models/index.js";
import { operatorSources } from "../../ort/index.js";
import { machineFacts, type Row } from "../../record/index.js";
import { graphOptions, type Phase } from "../graph-options.js";
import { CRITERIA } from "./plan.js";
import type { Setting } from "./setting.js";
import { toleranceOf } from "./tolerances.js";

/** The columns of a row that name the device and the software that results come from. */
export type GateFacts = Pick<Row, "device" | "ort_version" | "gpu_driver" | "cuda_version">;

/**
 * The hash of everything a pass stands for. The graphs themselves are in it, so that no pass outlives a change of how
 * a model is built; the version of this package stands for the code that runs them.
 */
export function gateKey(setting: Setting, facts: GateFacts): string {
  const { model, weights, ep, dtype, quant, lowering, decodeLowering, fusedProducts, cudaGraph, cuda } =
    setting;
  const decides = {
    criteria: [CRITERIA, toleranceOf(setting)],
    model: [model.arch, model.config],
    // What random weights pass, trained ones may fail: they can be too large for float16.
    ...(weights && { weights: weights.hash }),
    setting: [ep, dtype, quant, lowering, decodeLowering, cudaGraph],
    // Options that only decide where memory comes from do not change results.
    options: [cuda?.tf32 ?? null, cuda?.cudnnConvSearch ?? null, Object.entries(cuda?.other ?? {}).sort()],
    facts: [facts.device, facts.ort_version, facts.gpu_driver, facts.cuda_version].map(
      (fact) => fact ?? null,
    ),
    version: machineFacts().ssm_scope_version,
    ...((lowering === "fused" || fusedProducts) && { operators: operatorSources(ep).hash }),
  };
  const hash = createHash("sha256").update(JSON.stringify(decides));
  for (const { graph } of graphsOf(setting)) addGraph(hash, encodeModel(graph));
  return hash.digest("hex").slice(0, 32);
}

/** Without its length two graphs could trade bytes. */
const addGraph = (hash: Hash, bytes: Uint8Array): Hash => hash.update(`${bytes.length} `).update(bytes);

/**
 * Prefill and decoding as the gate runs them. Cells that ask for the logits of all positions, or for longer tables of
 * positions, are covered by it: their graphs differ in the size of one product and of one constant.
 */
function graphsOf(setting: Setting): ModelGraph[] {
  const build = (phase: Phase, tokensMultipleOf: number): ModelGraph =>
    buildModel(
      setting.model,
      graphOptions(setting, phase, { logits: "last", positions: 1, tokensMultipleOf }),
    );
  return [build("prefill", 1), build("prefill", SSD_CHUNK), build("decode", 1)];
}
