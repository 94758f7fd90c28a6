/**
 * How a parameter is made up when no checkpoint is given. Speed and memory do not depend on the values; they only have
 * to keep the logits finite and dependent on the whole prompt.
 */
export type Init =
  /**
   * Normal numbers of this standard deviation around `mean`: of what the graph holds, whatever it makes of a
   * checkpoint's values. Multipliers folded into a weight keep trained ones in their range, which these are in.
   */
  | { readonly kind: "normal"; readonly std: number; readonly mean: number }
  /** Function of the flat index and the number of elements, of what a checkpoint stores; the same for every seed. */
  | { readonly kind: "formula"; readonly at: (index: number, count: number) => number };

export const normal = (std: number, mean = 0): Init => ({ kind: "normal", std, mean });

/** A linear layer [out, in] that keeps the variance of its input. */
export const fanIn = (width: number): Init => normal(1 / Math.sqrt(width));

/** The weight of a normalisation: near 1, not equal, so that a forgotten multiplication shows. */
export const nearOne: Init = normal(0.05, 1);

/** Small offsets. */
export const bias: Init = normal(0.02);

/** A_log of Mamba-1, [channels, state]: log(1 … state) in every channel (S4D-real, as mamba_ssm initialises it). */
export const logCount = (state: number): Init => ({ kind: "formula", at: (i) => Math.log(1 + (i % state)) });

/** A_log of Mamba-2, one a head: log of values spread over 1 … 16. */
export const logSpread: Init = { kind: "formula", at: (i, n) => Math.log(1 + (15 * i) / Math.max(1, n - 1)) };

/** dt bias: softplus⁻¹ of time steps spread geometrically over 0.001 … 0.1, as mamba_ssm initialises it. */
export const timeStepBias: Init = {
  kind: "formula",
  at: (i, n) => {
    const step = 0.001 * 100 ** (i / Math.max(1, n - 1));
    return step + Math.log(-Math.expm1(-step));
  },
};

/** A of a state-space model from its stored form: the recurrence decays by exp(Δ A). */
export const decayRate = (aLog: number): number => -Math.exp(aLog);
