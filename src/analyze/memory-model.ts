import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { leastSquares, leastSquaresEach, normalFrom, type RandomIndex } from "../stats/index.js";
import { SERIES_COLUMNS, type Series } from "./columns.js";
import {
  columnValues,
  groupRows,
  inWords,
  measuredRows,
  metricValues,
  presentColumns,
  refuseMixedKinds,
} from "./rows.js";
import { studentStretch } from "./scatter.js";
import { seriesLabel } from "./series-label.js";

/**
 * What memory goes to; together they are all that is held. Names that the schema has mean the same. `states_bytes`: SSM and
 * convolution states as held, twice. `other_bytes`: what the process holds beside what the model asks for (context, arena
 * slack, residual) where the rows say it, and what their total has beyond its parts.
 */
export const MEMORY_CAUSES = [
  "weights_bytes",
  "table_bytes",
  "kv_cache_bytes",
  "states_bytes",
  "peak_activation_bytes",
  "other_bytes",
] as const;

/** One of the parts that memory goes to. */
export type MemoryCause = (typeof MEMORY_CAUSES)[number];
export type MemoryParts = Readonly<Record<MemoryCause, number>>;

/** The memory of one series over the prompt length in tokens. */
export interface MemoryModel {
  series: Series;
  /** Shortest and longest length measured. */
  range: readonly [shortest: number, longest: number];
  /** Bytes of each cause at a length. */
  parts: (length: number) => MemoryParts;
  /** Bytes of all causes at a length. */
  total: (length: number) => number;
  /**
   * Replicates of what one more run would take at a length: those of the fit, drawn as `replicate` draws a curve's, and
   * the run's own deviation; null where no length is to spare.
   */
  resample: (replicates: number, random: RandomIndex) => ((length: number) => number)[] | null;
}

/** One length: bytes of each cause, the mean over its samples, so that the causes still add up. */
interface Point {
  length: number;
  parts: MemoryParts;
}

/** Terms of the length, one a coefficient. */
type Basis = readonly ((length: number) => number)[];

/** Deviations that are smaller, relative to the values, are rounding. */
const ROUNDING = 1e-9;

const ONE = (): number => 1;
const TOKENS = (length: number): number => length;
const CONSTANT: Basis = [ONE];
const LINE: Basis = [ONE, TOKENS];

/**
 * A model for each series of the table. Each cause has the form its allocation has, with coefficients of 0 or more:
 *
 * - weights and states are the same at every length; tables and key/value caches are lines;
 * - activations of a prompt in one piece are a + b·L + c·L² (logits and hidden states, and the pairs of an attention that is
 *   not fused); of a prompt in segments of S tokens they are a + b·min(L, S) + c·L: they grow up to the segment, and beyond
 *   it only with what is read of the past;
 * - the rest is a line that does not fall.
 *
 * Fitting causes and not their sum puts the kink of a segment where it is, in the one cause that has it, and says at any
 * length what the memory goes to. Terms that the lengths could not tell from scatter are left out: c with fewer than four
 * lengths, or fewer than two beyond the segment. A part that rows lack counts as 0, or within the rest where their total
 * has it.
 */
export function memoryModels(table: ColumnTable): MemoryModel[] {
  const rows = measuredRows(table, "peak_activation_bytes");
  refuseMixedKinds(table, rows);
  return groupRows(table, presentColumns(table, SERIES_COLUMNS), rows).map((group) => {
    const series = Object.fromEntries(
      Object.entries(group.key).filter(([, value]) => value !== null),
    ) as Series;
    return modelOf(series, pointsOf(table, group.rows));
  });
}

function pointsOf(table: ColumnTable, rows: readonly number[]): Point[] {
  const lengths = columnValues(table, "prompt_tokens");
  const wrong = rows.find((row) => !((lengths[row] as number) > 0));
  if (wrong !== undefined)
    throw new UserError(
      `prompt_tokens is ${inWords(lengths[wrong])} in row ${wrong}: a memory model needs a positive length`,
    );
  return groupRows(table, ["prompt_tokens"], rows)
    .map((group) => ({ length: group.key["prompt_tokens"] as number, parts: meanParts(table, group.rows) }))
    .sort((p, q) => p.length - q.length);
}

function meanParts(table: ColumnTable, rows: readonly number[]): MemoryParts {
  const mean = (values: readonly (number | null)[]): number | null =>
    values.some((value) => value === null)
      ? null
      : values.reduce<number>((sum, value) => sum + value!, 0) / values.length;
  const bytes = (name: string): number | null => mean(metricValues(table, name, rows));
  const residuals = columnValues(table, "residual_bytes");
  const residual = mean(rows.map((row) => (residuals[row] ?? null) as number | null));

  const known = {
    weights_bytes: bytes("weights_bytes") ?? 0,
    table_bytes: bytes("table_bytes") ?? 0,
    kv_cache_bytes: bytes("kv_cache_bytes") ?? 0,
    states_bytes: 2 * ((bytes("ssm_state_bytes") ?? 0) + (bytes("conv_state_bytes") ?? 0)),
    peak_activation_bytes: bytes("peak_activation_bytes") ?? 0,
  };
  const sum = Object.values(known).reduce((total, part) => total + part, 0);
  const unnamed = (bytes("total_bytes") ?? sum) - sum;
  const outside = (bytes("context_bytes") ?? 0) + (bytes("arena_slack_bytes") ?? 0) + (residual ?? 0);
  return { ...known, other_bytes: unnamed + outside };
}

function modelOf(series: Series, points: readonly Point[]): MemoryModel {
  if (points.length < 2)
    throw new UserError(
      `${seriesLabel(series)} has memory at ${points.length} prompt length(s): its growth needs at least two`,
    );
  const lengths = points.map(({ length }) => length);
  const fits = MEMORY_CAUSES.map((cause) =>
    fitCause(
      lengths,
      points.map(({ parts }) => parts[cause]),
      basisOf(cause, series, lengths),
      // What is left of a process may be less than nothing, but does not shrink.
      cause === "other_bytes" ? [false, true] : true,
    ),
  );
  const parts = (length: number): MemoryParts =>
    Object.fromEntries(MEMORY_CAUSES.map((cause, i) => [cause, fits[i]!.at(length)])) as Record<
      MemoryCause,
      number
    >;
  const total = (length: number): number => fits.reduce((sum, fit) => sum + fit.at(length), 0);
  return {
    series,
    range: [lengths[0]!, lengths[lengths.length - 1]!],
    parts,
    total,
    resample: (replicates, random) =>
      fits.some(({ spare }) => spare < 1) ? null : resampleTotals(fits, lengths.length, replicates, random),
  };
}

function basisOf(
  cause: MemoryCause,
  { prefill, segment_tokens: segment }: Series,
  lengths: readonly number[],
): Basis {
  if (cause === "weights_bytes" || cause === "states_bytes") return CONSTANT;
  if (cause !== "peak_activation_bytes") return LINE;
  const enough = lengths.length >= 4;
  if (prefill !== "chunked" || segment === undefined)
    return enough ? [...LINE, (length) => length ** 2] : LINE;
  if (lengths.every((length) => length >= segment)) return LINE;
  const within: Basis = [ONE, (length) => Math.min(length, segment)];
  // What one longer length has more may as well be the shape of its last segment.
  return enough && lengths.filter((length) => length > segment).length >= 2 ? [...within, TOKENS] : within;
}

interface CauseFit {
  basis: Basis;
  coefficients: readonly number[];
  at: (length: number) => number;
  /** Lengths beyond the coefficients. */
  spare: number;
  /** Bytes of the lengths by the fit without bounds, about which replicates are drawn. */
  centre: number[];
  /** What of the lengths that fit leaves, each divided by √spare: their squares add up to the variance. */
  scatter: number[];
  /** Coefficients within the bounds for other bytes of the lengths. */
  refit: (drawn: readonly Float64Array[]) => Float64Array[];
}

function fitCause(
  lengths: readonly number[],
  values: readonly number[],
  basis: Basis,
  nonNegative: boolean | readonly boolean[],
): CauseFit {
  const design = lengths.map((length) => basis.map((term) => term(length)));
  const { coefficients } = leastSquares(design, values, { nonNegative });
  const { residuals } = leastSquares(design, values);
  const spare = lengths.length - coefficients.length;
  const rounding = ROUNDING * Math.max(...values.map(Math.abs));
  const isExact = residuals.every((residual) => Math.abs(residual) <= rounding);
  return {
    basis,
    coefficients,
    at: curveOf(basis, coefficients),
    spare,
    centre: values.map((value, i) => value - residuals[i]!),
    scatter: residuals.map((residual) => (isExact ? 0 : residual / Math.sqrt(spare))),
    refit: (drawn) => leastSquaresEach(design, drawn, { nonNegative }).coefficients,
  };
}

const curveOf =
  (basis: Basis, coefficients: ArrayLike<number>) =>
  (length: number): number => {
    let sum = 0;
    for (let j = 0; j < basis.length; j++) sum += basis[j]!(length) * coefficients[j]!;
    return sum;
  };

/**
 * Normal deviations of the lengths with the covariance that the causes' residuals have at a length, about the fits without
 * bounds. Those of a replicate are stretched together, as `replicate` does, by the degrees of freedom of the cause with the
 * fewest; so is the deviation of the run. Causes without scatter stay as they are: bytes are often exact.
 */
function resampleTotals(
  fits: readonly CauseFit[],
  points: number,
  replicates: number,
  random: RandomIndex,
): ((length: number) => number)[] {
  const scattered = fits.filter(({ scatter }) => scatter.some((value) => value !== 0));
  const exact = fits.filter((fit) => !scattered.includes(fit));
  const factors = covarianceFactors(scattered.map(({ scatter }) => scatter));
  const spare = Math.min(...scattered.map((fit) => fit.spare));
  const normal = normalFrom(random);
  /** A deviation of each cause. */
  const deviate = (stretch: number): number[] => {
    const normals = factors.map(() => stretch * normal());
    return factors.map((row) => row.reduce((sum, factor, k) => sum + factor * normals[k]!, 0));
  };
  const ofRun: number[] = [];
  const bytes = scattered.map((): Float64Array[] => []);
  for (let k = 0; k < replicates; k++) {
    const stretch = scattered.length > 0 ? studentStretch(spare, normal) : 0;
    const deviations = Array.from({ length: points }, () => deviate(stretch));
    scattered.forEach(({ centre }, c) =>
      bytes[c]!.push(Float64Array.from(centre, (value, i) => value + deviations[i]![c]!)),
    );
    ofRun.push(deviate(stretch).reduce((sum, deviation) => sum + deviation, 0));
  }
  // A curve is asked at thousands of lengths: causes share their terms.
  const terms = [...new Set([ONE, ...fits.flatMap(({ basis }) => basis)])];
  const add = (total: Float64Array, basis: Basis, coefficients: ArrayLike<number>): void => {
    basis.forEach((term, j) => {
      total[terms.indexOf(term)]! += coefficients[j]!;
    });
  };
  const known = new Float64Array(terms.length);
  for (const { basis, coefficients } of exact) add(known, basis, coefficients);
  const refits = scattered.map((fit, c) => fit.refit(bytes[c]!));
  return ofRun.map((deviation, k) => {
    const total = known.slice();
    add(total, CONSTANT, [deviation]);
    scattered.forEach(({ basis }, c) => {
      add(total, basis, refits[c]![k]!);
    });
    return curveOf(terms, total);
  });
}

/**
 * The lower triangle F with FFᵀ the products of the vectors (Cholesky's, by Gram–Schmidt), which turns independent normal
 * numbers into numbers that covary as the vectors do. A vector that others make up has nothing of its own.
 */
function covarianceFactors(vectors: readonly (readonly number[])[]): number[][] {
  const dot = (p: readonly number[], q: readonly number[]): number =>
    p.reduce((sum, value, i) => sum + value * q[i]!, 0);
  const directions: number[][] = [];
  return vectors.map((vector) => {
    let rest = [...vector];
    const row = directions.map((direction) => {
      const share = dot(rest, direction);
      rest = rest.map((value, i) => value - share * direction[i]!);
      return share;
    });
    const length = Math.sqrt(dot(rest, rest));
    const isOwn = length > ROUNDING * Math.sqrt(dot(vector, vector));
    directions.push(rest.map((value) => (isOwn ? value / length : 0)));
    return [...row, isOwn ? length : 0];
  });
}
