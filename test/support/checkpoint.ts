import {
  CheckpointWeights,
  openCheckpoint,
  readConfig,
  type Checkpoint as Folder,
} from "../../src/checkpoint/index.js";
import type { Model } from "../../src/models/index.js";
import type { WeightSource } from "../../src/run/index.js";
import { readTensors, type PlainTensor } from "../../src/checkpoint/index.js";

const FIXTURES = new URL("../fixtures/hf/", import.meta.url);

/** The folder of a tiny checkpoint made by Hugging Face transformers. */
export const fixture = (folder: string): string => new URL(folder, FIXTURES).pathname;

/** A tiny checkpoint, made by Hugging Face transformers where it has the architecture, as a model of ours with its weights. */
export interface Checkpoint {
  readonly model: Model;
  readonly source: WeightSource;
  readonly tensorNames: readonly string[];
  /** Prompts and the logits that transformers (or its float64 twin) gives for them. */
  readonly expected: ReadonlyMap<string, PlainTensor>;
}

export function loadCheckpoint(folder: string): Checkpoint {
  const path = fixture(folder);
  const model = readConfig(path);
  const checkpoint: Folder = openCheckpoint(path);
  return {
    model,
    source: new CheckpointWeights(checkpoint, model),
    tensorNames: [...checkpoint.tensors.keys()],
    expected: readTensors(`${path}/expected.safetensors`),
  };
}
