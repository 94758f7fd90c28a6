import { UserError } from "../../errors.js";
import {
  environmentDifferences,
  readEnvironment,
  writeEnvironment,
  type Environment,
} from "../../record/index.js";

/**
 * Writes the environment of a campaign that has none, or holds the one it has against this one: UserError where they differ in
 * what must not change within a campaign; other differences are told. What was not known before, as of a GPU that no cell
 * used yet, is filled in.
 *
 * @param onWarning told in a sentence
 */
export function keepEnvironment(
  folder: string,
  here: Environment,
  onWarning: (sentence: string) => void = console.warn,
): void {
  const before = readEnvironment(folder);
  if (before === null) {
    writeEnvironment(folder, here);
    return;
  }
  // What one of the two did not answer tells nothing.
  const differences = environmentDifferences(before, here).filter(({ a, b }) => a !== null && b !== null);
  const fixed = differences.find((difference) => difference.fixed);
  if (fixed)
    throw new UserError(
      `the campaign was measured with ${fixed.field} ${fixed.a}, and here it is ${fixed.b}; choose another folder (--out)`,
    );
  const known = filled(before, here);
  if (environmentDifferences(before, known).length > 0) writeEnvironment(folder, known);
  const other = differences.filter(({ field }) => !MOVING.includes(field));
  if (other.length > 0)
    onWarning(
      `The campaign goes on in another environment: ${other.map(({ field, a, b }) => `${field} was ${a} and is ${b}`).join(", ")}.`,
    );
}

/** The environment before, its nulls filled. */
const filled = (before: Environment, here: Environment): Environment =>
  Object.fromEntries(
    Object.entries(before).map(([field, value]) => [field, value ?? here[field as keyof Environment]]),
  ) as Environment;

/** Readings of a moment, which differ each time. */
const MOVING: readonly string[] = ["gpu_clock_mhz", "gpu_memory_clock_mhz"];
