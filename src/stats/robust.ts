import { median } from "./quantile.js";

/** `huber` limits the pull of an outlier, `tukey` (biweight) ends it. */
export type RobustLoss = "huber" | "tukey";

interface Influence {
  /** ψ(u): how hard a residual of u scales pulls. */
  psi: (u: number) => number;
  /** ψ′(u). */
  slope: (u: number) => number;
}

/** At these, a fit of normal residuals loses 5 % of its efficiency (Huber 1964; Beaton and Tukey 1974). */
const HUBER = 1.345;
const TUKEY = 4.685;

const INFLUENCE: Record<RobustLoss, Influence> = {
  huber: {
    psi: (u) => Math.max(-HUBER, Math.min(HUBER, u)),
    slope: (u) => (Math.abs(u) <= HUBER ? 1 : 0),
  },
  tukey: {
    psi: (u) => (Math.abs(u) <= TUKEY ? u * (1 - (u / TUKEY) ** 2) ** 2 : 0),
    slope: (u) => {
      const square = (u / TUKEY) ** 2;
      return square <= 1 ? (1 - square) * (1 - 5 * square) : 0;
    },
  },
};

/** Median of |u| of the standard normal distribution: what makes the median absolute deviation a standard deviation. */
const NORMAL_MEDIAN = 0.6744897501960817;

/** Standard deviation of residuals around 0 as their median absolute deviation has it, in their unit. */
export function robustScale(residuals: readonly number[]): number {
  return median(residuals.map(Math.abs)) / NORMAL_MEDIAN;
}

/** Weights in [0, 1] that the loss leaves to residuals of u scales: ψ(u)/u. */
export function robustWeights(scaled: readonly number[], loss: RobustLoss): number[] {
  return scaled.map((u) => (u === 0 ? 1 : INFLUENCE[loss].psi(u) / u));
}

/** ψ of each residual, in the residuals' unit: what is left of them for the next step towards the robust fit. */
export function tamed(residuals: readonly number[], scale: number, loss: RobustLoss): number[] {
  return residuals.map((residual) => scale * INFLUENCE[loss].psi(residual / scale));
}

/**
 * Residuals whose plain least-squares variance is that of the robust fit (Huber 1981, section 7.6, his first
 * estimate): K·s·ψ(u)/mean ψ′. A robust fit plus these is data that ordinary methods may take, intervals included.
 */
export function pseudoResiduals(
  residuals: readonly number[],
  scale: number,
  loss: RobustLoss,
  coefficients: number,
): number[] {
  const slopes = residuals.map((residual) => INFLUENCE[loss].slope(residual / scale));
  const mean = slopes.reduce((total, slope) => total + slope, 0) / slopes.length;
  const variance = slopes.reduce((total, slope) => total + (slope - mean) ** 2, 0) / slopes.length;
  const correction = 1 + (coefficients / residuals.length) * (variance / mean ** 2);
  return tamed(residuals, scale, loss).map((residual) => (correction * residual) / mean);
}
