import { UserError } from "../errors.js";

/** Fewer resamples do not place the ends of an interval. */
const FEWEST_REPLICATES = 100;

/** How intervals are drawn. */
export interface Resampling {
  /** Of the intervals, and the share of replicates that must agree before something is stated; default 0.95. */
  confidence?: number;
  /** Replicates drawn; default 2000, of memory 1000, of bands 4000. */
  replicates?: number;
  /** Of the draws, a whole number; default 1. */
  seed?: number;
}

/** The settings with their defaults; UserError for what makes no sense. */
export function resamplingOf(
  { confidence = 0.95, replicates, seed = 1 }: Resampling,
  usualReplicates = 2000,
): Required<Resampling> {
  const settled = { confidence, replicates: replicates ?? usualReplicates, seed };
  check(settled);
  return settled;
}

function check({ replicates, confidence, seed }: Required<Resampling>): void {
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
