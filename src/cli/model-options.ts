import type { Command } from "commander";
import type { Model } from "../models/index.js";
import { collect } from "./parse.js";

/** Models that are in no registry, and real weights: the same for `run` and `verify`. */
export interface ModelFlags {
  config?: string[];
  weights?: string;
}

export const addConfigOption = (command: Command): Command =>
  command.option(
    "--config <path>",
    "a Hugging Face config.json, or its folder: the model it describes; may be repeated",
    collect,
  );

export const addModelOptions = (command: Command): Command =>
  addConfigOption(command).option(
    "--weights <folder>",
    "a checkpoint (safetensors) of the one model, or, without a model, of its config.json (default: random weights)",
  );

/** The models of the configs. */
export async function readConfigs(paths: readonly string[] = []): Promise<Model[]> {
  if (paths.length === 0) return [];
  const { readConfig } = await import("../checkpoint/index.js");
  return paths.map(readConfig);
}
