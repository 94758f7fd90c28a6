/** A metric over the prompt length, as fitted or from one replicate of a bootstrap. */
export interface Curve {
  /** The metric at a length in tokens, in its unit. */
  at(length: number): number;
  /** Lengths where it jumps or kinks, in ascending order; between them it is smooth. */
  readonly breaks: readonly number[];
}
