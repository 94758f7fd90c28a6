import { createHash } from "node:crypto";
import type { AnyCell } from "../plan.js";

/** The digits of a hash of what JSON makes of a value. */
export const hashOf = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex");

/** What cells have in common that differ in their length alone: a longer one needs no less memory. */
export function settingKey(cell: AnyCell): string {
  const { key, promptTokens, prompt, repeats, beyondPositions, model, weights, ...setting } = cell;
  return hashOf({ model: [model.name, model.config], weights: weights?.hash, ...setting }).slice(0, 12);
}

/** What cells have in common that can share one set of weights in a process. */
export const weightsKey = ({ model, weights, ep, deviceId, dtype, quant, seed, threads }: AnyCell): string =>
  JSON.stringify([model.name, weights?.hash, ep, deviceId, dtype, quant, seed, threads]);
