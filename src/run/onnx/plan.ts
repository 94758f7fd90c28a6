import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../../errors.js";
import type { Family } from "../../models/index.js";
import { readModelFile, type ModelFile } from "../../ort/index.js";
import {
  cellKey,
  count,
  modelFreeSettings,
  oneOf,
  promptLengths,
  type AnyCell,
  type Cell,
  type Dtype,
  type ModelFacts,
  type Settings,
} from "../plan.js";
import { promptFrom } from "../prompt.js";
import { interfaceOf, type OnnxInterface } from "./interface.js";

/** A decoder in a file that others exported. */
export interface OnnxModel extends ModelFacts {
  readonly arch: "onnx";
  /** Absolute: a cell's process may be started elsewhere. */
  readonly path: string;
  /** Size of the file and its external data: the weights, and the graph that is small beside them. */
  readonly fileBytes: number;
  readonly interface: OnnxInterface;
}

/** A setting of somebody's own ONNX file, with all that decides its result. */
export type OnnxCell = Cell<OnnxModel>;

export const isOnnxCell = (cell: AnyCell): cell is OnnxCell => "interface" in cell.model;

/** Settings that the file has decided, in words. */
const IN_THE_FILE = {
  dtype: "the dtype",
  quantBlock: "the quantisation block",
  quantCompute: "the computation with quantised weights",
  lowering: "the lowering",
  decodeLowering: "the lowering of decoding",
  fusedProducts: "fused products",
  beyondPositions: "going beyond the positions",
} as const;

/** What to measure of an exported decoder. */
export interface OnnxSettings extends Omit<Settings, "models" | "weights" | keyof typeof IN_THE_FILE> {
  /** What rows call the model. Default: the file's name without .onnx, or its folder's where that is just "model". */
  name?: string;
  /** Channels of a key, where the file's shapes do not say it and no genai_config.json is beside it. */
  headSize?: number;
}

/** All cells of an exported decoder, or a UserError that says what cannot be measured and why. */
export function planOnnx(path: string, settings: OnnxSettings): OnnxCell[] {
  const lengths = promptLengths(settings);
  const ep = oneOf("the execution provider", settings.ep ?? "cpu", ["cpu", "cuda"] as const);
  const chosen = Object.entries(IN_THE_FILE).find(
    ([key]) => (settings as Partial<Settings>)[key as keyof Settings] !== undefined,
  );
  if (chosen)
    throw new UserError(`${chosen[1]} cannot be chosen for an exported model: its file has decided it`);
  if (settings.cudaGraph === "on")
    throw new UserError(
      "an exported model cannot be replayed as a CUDA graph: its shapes change at every step",
    );
  const { name = nameOf(path) } = settings;
  const headSize =
    settings.headSize === undefined ? headSizeBeside(path) : count("the head size", settings.headSize);
  const file = readModelFile(path);
  const model = modelOf(path, name, file, headSize);
  const common = {
    ...modelFreeSettings(ep, settings),
    model,
    dtype: dtypeOf(model.interface),
    quant: null,
    lowering: null,
    decodeLowering: null,
    logits: chooseLogits(model, settings.logits),
    beyondPositions: null,
  };
  return lengths.map((promptTokens) => {
    const decided = { ...common, promptTokens, ...promptFrom(settings.document, promptTokens, model) };
    check(decided);
    // External data is known by its size alone: speed and memory do not depend on the values.
    return { ...decided, key: cellKey(["onnx", name, file.sha256, file.bytes], decided) };
  });
}

function modelOf(path: string, name: string, file: ModelFile, headSize: number | null): OnnxModel {
  const known = describe(path, () => interfaceOf({ ...file, headSize }));
  return {
    name,
    family: familyOf(known),
    hfId: null,
    parameters: null,
    arch: "onnx",
    config: { vocab_size: known.logits.vocabulary },
    path: resolve(path),
    fileBytes: file.bytes,
    interface: known,
  };
}

/** Adds the file to what is wrong with it. */
function describe<T>(path: string, decide: () => T): T {
  try {
    return decide();
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${path} cannot be measured: ${error.message}`) : error;
  }
}

/** Exporters call every file model.onnx; the folder then has the name. */
function nameOf(path: string): string {
  const name = basename(path, ".onnx");
  const parent = dirname(resolve(path));
  if (name !== "model") return name;
  return basename(parent) === "onnx" ? basename(dirname(parent)) : basename(parent);
}

/** onnxruntime-genai keeps it beside the model, and gives the axis a name only. */
function headSizeBeside(path: string): number | null {
  const file = join(dirname(path), "genai_config.json");
  if (!existsSync(file)) return null;
  try {
    const config = JSON.parse(readFileSync(file, "utf8")) as {
      model?: { decoder?: { head_size?: unknown } };
    };
    const size = config.model?.decoder?.head_size;
    return typeof size === "number" ? size : null;
  } catch {
    throw new UserError(`${file} is not JSON`);
  }
}

/** By what is carried on: a model of keys and values alone is a Transformer, one without any a state-space model. */
function familyOf({ caches }: OnnxInterface): Family {
  const attends = caches.some(({ role }) => role === "key" || role === "value");
  const recurs = caches.some(({ role }) => role === "conv" || role === "ssm");
  return attends ? (recurs ? "hybrid" : "transformer") : "ssm";
}

const DTYPE = { float32: "fp32", float16: "fp16", bfloat16: "bf16" } as const;

/** The type of the caches; weights may be stored in a smaller one. */
const dtypeOf = ({ caches }: OnnxInterface): Dtype => DTYPE[caches[0]!.dtype];

function chooseLogits(
  { name, interface: { logits } }: OnnxModel,
  wanted: "last" | "all" | undefined,
): "last" | "all" {
  if (logits.positions === "chosen") return oneOf("logits", wanted ?? "last", ["last", "all"] as const);
  if (wanted !== undefined && wanted !== logits.positions)
    throw new UserError(`the logits are to be of ${wanted}, but ${name} gives those of ${logits.positions}`);
  return logits.positions;
}

function check(cell: Omit<OnnxCell, "key">): void {
  const { model, batch, ep, memoryBytes } = cell;
  const { batch: only, groupQuery, caches } = model.interface;
  if (only !== null && batch !== only)
    throw new UserError(`the batch is ${batch}, but ${model.name} was exported for ${only} only`);
  if (groupQuery) checkBatch(cell);
  // Wrong results or faults on ONNX Runtime 1.29.
  if (ep === "cuda" && groupQuery && caches.some(({ carry }) => carry === "growing"))
    throw new UserError(
      `${model.name} has GroupQueryAttention over a cache that grows, which is not right on a GPU; export it for a shared buffer`,
    );
  if (memoryBytes !== null && model.fileBytes > memoryBytes)
    throw new UserError(
      `the memory budget is ${memoryBytes} bytes, but the files of ${model.name} alone are ${model.fileBytes}; give more`,
    );
}

/** ONNX Runtime's GroupQueryAttention takes a past and several new tokens for one sequence only. */
function checkBatch({ model, batch, segmentTokens, promptTokens }: Omit<OnnxCell, "key">): void {
  const inSegments = segmentTokens !== null && segmentTokens < promptTokens;
  if (batch === 1 || !inSegments) return;
  throw new UserError(
    `${model.name} cannot carry its cache from segment to segment with a batch of ${batch}; use --prefill monolithic, or segments of at least ${promptTokens} tokens`,
  );
}
