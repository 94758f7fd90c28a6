import { openRuntime } from "../../src/ort/index.js";
import { Generator, LoadedModel, type Cell, type WeightSource } from "../../src/run/index.js";

/** Runs `body` with a generator over these weights that keeps its logits. */
export async function withGenerator<T>(
  cell: Cell,
  source: WeightSource,
  body: (generator: Generator) => Promise<T>,
): Promise<T> {
  using model = new LoadedModel(openRuntime(), [cell], source);
  using generator = new Generator(cell, model, { keepLogits: true });
  return await body(generator);
}

/** Largest difference of two vectors, relative to the largest of the expected values. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Infinity;
  const scale = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  return actual.reduce((worst, value, i) => {
    const error = Math.abs(value - expected[i]!) / scale;
    return Number.isNaN(error) ? Infinity : Math.max(worst, error);
  }, 0);
}
