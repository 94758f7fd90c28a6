import { CheckpointWeights, openCheckpoint } from "../checkpoint/index.js";
import { UserError } from "../errors.js";
import { RandomWeights } from "../models/index.js";
import type { Cell } from "./plan.js";
import type { WeightSource } from "./weight-store.js";

/**
 * The weights that a cell names. A checkpoint that is not the one that was planned with is a UserError.
 *
 * @param onRead is told how much of a checkpoint was read
 */
export function weightSource(
  { weights, model, seed }: Pick<Cell, "weights" | "model" | "seed">,
  onRead?: (readBytes: number, totalBytes: number) => void,
): WeightSource {
  if (!weights) return new RandomWeights(seed);
  const checkpoint = openCheckpoint(weights.folder);
  if (checkpoint.hash !== weights.hash)
    throw new UserError(`the checkpoint ${weights.folder} has changed since the sweep was planned`);
  return new CheckpointWeights(checkpoint, model, onRead);
}
