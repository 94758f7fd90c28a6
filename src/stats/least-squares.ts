import { fcnnls } from "ml-fcnnls";
import { inverse, Matrix, QrDecomposition } from "ml-matrix";

/** Weights, and which coefficients cannot be negative. */
export interface LeastSquaresOptions {
  /** One positive weight a row, the reciprocal of its variance up to a common factor; default 1. */
  weights?: readonly number[];
  /** Hold every coefficient, or those marked, at 0 or above; default false. */
  nonNegative?: boolean | readonly boolean[];
}

/** Coefficients, residuals and the errors of a unit variance. */
export interface LeastSquaresFit {
  /** One a column of the design; exactly 0 where the bound holds it. */
  coefficients: number[];
  /**
   * Square roots of the diagonal of s²(XᵀWX)⁻¹ over the columns that are not held at 0, s² = Σwr²/(n − p).
   * null for a coefficient held at 0, which the data push against a wall, and for all where n = p leaves no spread.
   */
  standardErrors: (number | null)[];
  /** The same for s = 1, that is for a known variance of 1/w: null only where the bound holds the coefficient. */
  unitErrors: (number | null)[];
  /** Σwr². */
  residualSum: number;
  /** 1 − Σwr²/Σw(y − ȳ)² with the weighted mean ȳ; null where the responses do not vary. */
  r2: number | null;
  /** Response minus prediction, a row each, in units of the response. */
  residuals: number[];
  /** Diagonal of the hat matrix, a row each: the pull of an observation on its own prediction, in [0, 1]. */
  leverages: number[];
  /** Rows minus coefficients that are not held at 0. */
  degreesOfFreedom: number;
}

/** Coefficients alone, for many responses. */
export interface ManyFits {
  /** A row a response, one coefficient a column of the design. */
  coefficients: Float64Array[];
  /** Σwr² a response; what is below 1e-15 of Σwy² is rounding. */
  residualSums: Float64Array;
}

/** A design ready to be solved: rows times √w, columns divided by their length. */
interface Scaled {
  matrix: Matrix;
  rowScales: number[];
  columnScales: number[];
}

/**
 * Weighted linear least squares, min Σ w (y − Xβ)², with β ≥ 0 on request (Lawson and Hanson 1974).
 *
 * Columns are scaled to length 1 first: over token lengths 1, L and L² differ by 1e10 and their squares would not
 * fit a double. ml-fcnnls then says which coefficients are positive; it works on XᵀX, which costs half the digits,
 * so the values come from a QR decomposition of those columns.
 *
 * RangeError for rows that do not match, numbers that are not finite, weights that are not positive, fewer rows than
 * columns, or columns that depend on one another.
 */
export function leastSquares(
  design: readonly (readonly number[])[],
  response: readonly number[],
  options: LeastSquaresOptions = {},
): LeastSquaresFit {
  const scaled = scale(design, options.weights);
  const bounded = boundedColumns(scaled, options.nonNegative);
  checkResponse(scaled, response);
  const free = positiveColumns(scaled, bounded, response);
  const { solution, covariance, leverages } = solveColumns(scaled, free, weighted(scaled, response));

  const coefficients = scaled.columnScales.map(() => 0);
  const unitErrors: (number | null)[] = coefficients.map(() => null);
  free.forEach((column, k) => {
    const coefficient = solution[k]! / scaled.columnScales[column]!;
    // Adding 0 turns the -0 of a response that is 0 throughout into 0.
    coefficients[column] = (bounded[column] ? Math.max(0, coefficient) : coefficient) + 0;
    unitErrors[column] = Math.sqrt(covariance[k]!) / scaled.columnScales[column]!;
  });
  const residuals = design.map((row, i) => response[i]! - dot(row, coefficients));
  const degreesOfFreedom = design.length - free.length;
  const residualSum = sum(residuals.map((residual, i) => (residual * scaled.rowScales[i]!) ** 2));
  const spread = degreesOfFreedom > 0 ? Math.sqrt(residualSum / degreesOfFreedom) : null;
  const standardErrors = unitErrors.map((error) =>
    error === null || spread === null ? null : error * spread,
  );
  const r2 = rSquared(residuals, response, options.weights);
  return {
    coefficients,
    standardErrors,
    unitErrors,
    residualSum,
    r2,
    residuals,
    leverages,
    degreesOfFreedom,
  };
}

/**
 * The coefficients alone, for many responses over one design. One decomposition serves them all, and each response is
 * brought down to as many numbers as there are columns: a bootstrap of ten thousand refits takes milliseconds.
 * Bounds are met by ml-fcnnls, for those responses whose free solution breaks one.
 */
export function leastSquaresEach(
  design: readonly (readonly number[])[],
  responses: readonly ArrayLike<number>[],
  options: LeastSquaresOptions = {},
): ManyFits {
  const scaled = scale(design, options.weights);
  const bounded = boundedColumns(scaled, options.nonNegative);
  for (const response of responses) checkResponse(scaled, response);
  const system = triangular(scaled, bounded);
  const residualSums = new Float64Array(responses.length);
  const targets = responses.map((response, k) => {
    const { target, beyond } = reduce(system, scaled.rowScales, response);
    residualSums[k] = beyond;
    return target;
  });
  const solutions = solveEach(system, targets);
  const coefficients = solutions.map((solution, k) => {
    residualSums[k] = residualSums[k]! + missed(system, targets[k]!, solution);
    const row = new Float64Array(solution.length);
    system.order.forEach((column, j) => {
      row[column] = solution[j]! / scaled.columnScales[column]!;
    });
    return row;
  });
  return { coefficients, residualSums };
}

/** Which columns of the scaled design are bounded. */
function boundedColumns(
  { columnScales }: Scaled,
  nonNegative: boolean | readonly boolean[] = false,
): readonly boolean[] {
  if (typeof nonNegative === "boolean") return columnScales.map(() => nonNegative);
  if (nonNegative.length !== columnScales.length)
    throw new RangeError(
      `nonNegative has ${nonNegative.length} entries for ${columnScales.length} columns: there must be one a column`,
    );
  return nonNegative;
}

/**
 * The design as Q·R with the free columns first: the bounded ones then form a triangle of their own, which a
 * non-negative solver takes alone, and the free ones follow from it.
 */
interface Triangular {
  /** Column of the design at each place. */
  order: number[];
  /** How many places are free. */
  free: number;
  /** Rows of R, upper triangular. */
  r: number[][];
  /** Columns of Q. */
  q: number[][];
}

function triangular({ matrix }: Scaled, bounded: readonly boolean[]): Triangular {
  const places = bounded.map((_, column) => column);
  const order = [
    ...places.filter((column) => !bounded[column]),
    ...places.filter((column) => bounded[column]),
  ];
  const qr = new QrDecomposition(matrix.subMatrixColumn(order));
  return {
    order,
    free: bounded.filter((isBounded) => !isBounded).length,
    r: qr.upperTriangularMatrix.to2DArray(),
    q: qr.orthogonalMatrix.transpose().to2DArray(),
  };
}

/** Qᵀ√w·y, and the squared length of what lies beyond the columns. */
function reduce(
  { q }: Triangular,
  rowScales: readonly number[],
  response: ArrayLike<number>,
): { target: Float64Array; beyond: number } {
  const target = new Float64Array(q.length);
  let size = 0;
  for (let i = 0; i < response.length; i++) {
    const value = response[i]! * rowScales[i]!;
    size += value * value;
    for (let j = 0; j < q.length; j++) target[j] = target[j]! + q[j]![i]! * value;
  }
  let within = 0;
  for (const entry of target) within += entry * entry;
  return { target, beyond: Math.max(0, size - within) };
}

/** Solutions of R·x ≈ target, the places from `free` on held at 0 or above. */
function solveEach(system: Triangular, targets: readonly Float64Array[]): Float64Array[] {
  const { r, free } = system;
  const solutions = targets.map((target) => backSubstitute(r, target, new Float64Array(r.length), r.length));
  const broken = solutions.flatMap((solution, k) => (solution.some((x, j) => j >= free && x < 0) ? [k] : []));
  if (broken.length === 0) return solutions;
  const tail = r.slice(free).map((row) => row.slice(free));
  const held = nonNegativeSolution(
    tail,
    broken.map((k) => targets[k]!.subarray(free)),
  );
  broken.forEach((k, i) => {
    const solution = solutions[k]!;
    tail.forEach((_, j) => (solution[free + j] = held.get(j, i)));
    backSubstitute(r, targets[k]!, solution, free);
  });
  return solutions;
}

/** Fills the first `count` entries of the solution, given the ones after them. */
function backSubstitute(
  r: readonly (readonly number[])[],
  target: Float64Array,
  solution: Float64Array,
  count: number,
): Float64Array {
  for (let i = count - 1; i >= 0; i--) {
    const row = r[i]!;
    let rest = target[i]!;
    for (let j = i + 1; j < row.length; j++) rest -= row[j]! * solution[j]!;
    solution[i] = rest / row[i]!;
  }
  return solution;
}

/** ‖target − R·x‖². */
function missed({ r }: Triangular, target: Float64Array, solution: Float64Array): number {
  let total = 0;
  for (let i = 0; i < r.length; i++) {
    let rest = target[i]!;
    for (let j = i; j < r.length; j++) rest -= r[i]![j]! * solution[j]!;
    total += rest * rest;
  }
  return total;
}

function scale(design: readonly (readonly number[])[], weights?: readonly number[]): Scaled {
  const columns = design[0]?.length ?? 0;
  if (columns === 0) throw new RangeError("the design is empty: it needs at least one row and one column");
  if (design.some((row) => row.length !== columns || !row.every(Number.isFinite)))
    throw new RangeError(`the design must have ${columns} finite numbers in every row`);
  if (design.length < columns)
    throw new RangeError(`${design.length} row(s) cannot determine ${columns} coefficients`);
  if (weights && weights.length !== design.length)
    throw new RangeError(`${weights.length} weight(s) for ${design.length} rows: there must be one a row`);
  const wrong = weights?.find((weight) => !(weight > 0 && Number.isFinite(weight)));
  if (wrong !== undefined) throw new RangeError(`weight is ${wrong}: weights must be positive and finite`);

  const rowScales = design.map((_, i) => Math.sqrt(weights?.[i] ?? 1));
  const matrix = new Matrix(design.map((row, i) => row.map((value) => value * rowScales[i]!)));
  const columnScales = Array.from({ length: columns }, (_, j) => Math.hypot(...matrix.getColumn(j)));
  if (columnScales.includes(0)) throw new RangeError("a column of the design is 0 throughout");
  matrix.divRowVector(columnScales);
  checkIndependent(matrix);
  return { matrix, rowScales, columnScales };
}

/** With columns of length 1, a diagonal entry of R is what is left of a column after the ones before it. */
function checkIndependent(matrix: Matrix): void {
  const left = new QrDecomposition(matrix).upperTriangularMatrix.diagonal();
  if (left.some((entry) => Math.abs(entry) < matrix.rows * Number.EPSILON))
    throw new RangeError("the columns of the design depend on one another: the fit has no single answer");
}

function checkResponse({ matrix }: Scaled, response: ArrayLike<number>): void {
  if (response.length !== matrix.rows)
    throw new RangeError(`${response.length} response(s) for ${matrix.rows} rows: there must be one a row`);
  for (let i = 0; i < response.length; i++)
    if (!Number.isFinite(response[i]))
      throw new RangeError(`response is ${response[i]!}: responses must be finite numbers`);
}

/** The response as a column, each row times √w. */
function weighted({ rowScales }: Scaled, response: readonly number[]): Matrix {
  return Matrix.columnVector(rowScales.map((rowScale, i) => response[i]! * rowScale));
}

/** A column a target. */
function nonNegativeSolution(
  triangle: readonly (readonly number[])[],
  targets: readonly Float64Array[],
): Matrix {
  const matrix = new Matrix(triangle.map((row) => [...row]));
  const y = new Matrix(triangle.map((_, i) => targets.map((target) => target[i]!)));
  // Both limits are absolute in ml-fcnnls and the first is shared by all targets. Targets of unit size make the
  // second relative.
  const size = y.norm() / Math.sqrt(y.columns);
  if (size === 0) return Matrix.zeros(matrix.columns, y.columns);
  const limits = { maxIterations: 30 * matrix.columns * y.columns, gradientTolerance: 1e-12 };
  return fcnnls(matrix, Matrix.div(y, size), limits).K.mul(size);
}

/** The columns that the bound does not hold at 0, in order. */
function positiveColumns(scaled: Scaled, bounded: readonly boolean[], response: readonly number[]): number[] {
  const system = triangular(scaled, bounded);
  const [solution] = solveEach(system, [reduce(system, scaled.rowScales, response).target]);
  return system.order
    .filter((column, place) => !bounded[column] || solution![place]! > 0)
    .sort((p, q) => p - q);
}

/** Solution, diagonal of (XᵀX)⁻¹ and diagonal of the hat matrix for some columns of the scaled design. */
function solveColumns(
  { matrix }: Scaled,
  columns: readonly number[],
  y: Matrix,
): { solution: number[]; covariance: number[]; leverages: number[] } {
  if (columns.length === 0)
    return { solution: [], covariance: [], leverages: new Array<number>(matrix.rows).fill(0) };
  const qr = new QrDecomposition(matrix.subMatrixColumn([...columns]));
  const q = qr.orthogonalMatrix;
  const rInverse = inverse(qr.upperTriangularMatrix);
  return {
    solution: qr.solve(y).getColumn(0),
    covariance: columns.map((_, k) => squaredLength(rInverse.getRow(k))),
    leverages: Array.from({ length: matrix.rows }, (_, i) => squaredLength(q.getRow(i))),
  };
}

/** 1 − Σwr²/Σw(y − ȳ)² with the weighted mean ȳ; null where the responses do not vary. Weights are 1 by default. */
export function rSquared(
  residuals: readonly number[],
  response: readonly number[],
  weights: readonly number[] = response.map(() => 1),
): number | null {
  const mean = dot(weights, response) / sum(weights);
  const total = sum(response.map((value, i) => weights[i]! * (value - mean) ** 2));
  const rounding = response.length * Number.EPSILON * mean;
  if (total <= sum(weights) * rounding ** 2) return null;
  return 1 - sum(residuals.map((residual, i) => weights[i]! * residual ** 2)) / total;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const dot = (p: readonly number[], q: readonly number[]): number => sum(p.map((value, i) => value * q[i]!));
const squaredLength = (values: readonly number[]): number => dot(values, values);
