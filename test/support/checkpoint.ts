import { readFileSync } from "node:fs";
import { toBits, type Model, type WeightSpec } from "../../src/models/index.js";
import type { WeightSource } from "../../src/run/index.js";
import { readSafetensors, type Tensor } from "./safetensors.js";

const FIXTURES = new URL("../fixtures/hf/", import.meta.url);
const path = (...parts: string[]): string => new URL(parts.join("/"), FIXTURES).pathname;

/** A tiny checkpoint, made by Hugging Face transformers where it has the architecture, as a model of ours with its weights. */
export interface Checkpoint {
  readonly model: Model;
  readonly source: WeightSource;
  readonly tensorNames: readonly string[];
  /** Prompts and the logits that transformers (or its float64 twin) gives for them. */
  readonly expected: ReadonlyMap<string, Tensor>;
}

/** Transformers 5 writes rope_theta and rope_scaling as one, rope_parameters. */
interface SavedConfig {
  readonly rope_theta?: number;
  readonly rope_parameters?: { readonly rope_theta: number; readonly rope_type: string };
}

export function loadCheckpoint(folder: string): Checkpoint {
  const saved = JSON.parse(readFileSync(path(folder, "config.json"), "utf8")) as SavedConfig & {
    model_type: string;
  };
  const { rope_theta, ...scaling } = saved.rope_parameters ?? {
    rope_theta: saved.rope_theta,
    rope_type: "default",
  };
  const tensors = readSafetensors(path(folder, "model.safetensors"));
  const model = {
    name: folder,
    family: "transformer",
    hfId: "",
    parameters: 0,
    source: "",
    arch: saved.model_type,
    config: { ...saved, rope_theta, rope_scaling: scaling.rope_type === "default" ? null : scaling },
  } as unknown as Model;
  return {
    model,
    source: {
      fill: (spec, out) => {
        out.set(toBits(valuesOf(spec, tensors), spec.dtype));
      },
    },
    tensorNames: [...tensors.keys()],
    expected: readSafetensors(path(folder, "expected.safetensors")),
  };
}

function valuesOf(spec: WeightSpec, tensors: ReadonlyMap<string, Tensor>): Float32Array {
  if (spec.role === "table") return spec.fill();
  const parts = spec.parts.map(({ name, shape, transform }) => {
    const tensor = tensors.get(name);
    if (tensor?.dtype !== "F32") throw new Error(`the checkpoint has no float32 tensor ${name}`);
    if (tensor.shape.join() !== shape.join())
      throw new Error(`${name} is [${tensor.shape.join()}], not [${shape.join()}]`);
    return transform ? tensor.data.map(transform) : tensor.data;
  });
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
