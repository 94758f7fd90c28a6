import { UserError } from "../errors.js";

/** Fewer resamples do not place the ends of an interval. */
const FEWEST_REPLICATES = 100;

/** Refuses settings of a bootstrap that make no sense. */
export function checkResampling(settings: { replicates: number; confidence?: number; seed: number }): void {
  const { replicates, confidence = 0.95, seed } = settings;
  if (!Number.isInteger(replicates) || replicates < FEWEST_REPLICATES)
    throw new UserError(
      `replicates is ${replicates}: it must be a whole number of at least ${FEWEST_REPLICATES}`,
    );
  checkConfidence(confidence);
  if (!Number.isInteger(seed)) throw new UserError(`seed is ${seed}: it must be a whole number`);
}

/** Refuses a confidence that is no share. */
export function checkConfidence(confidence: number): void {
  if (!(confidence > 0 && confidence < 1))
    throw new UserError(`confidence is ${confidence}: it must be between 0 and 1, such as 0.95`);
}

/** Options that must be there; UserError for a caller without types who left them out. */
export function required<Options extends object>(options: Options | undefined, what: string): Options {
  if (options !== undefined) return options;
  throw new UserError(`the second argument is missing: it must be an object with ${what}`);
}
