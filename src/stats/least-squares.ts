import { fcnnls } from "ml-fcnnls";
import { inverse, Matrix, QrDecomposition } from "ml-matrix";

export interface LeastSquaresOptions {
  /** One positive weight a row, the reciprocal of its variance up to a common factor; default 1. */
  weights?: readonly number[];
  /** Hold every coefficient at 0 or above; default false. */
  nonNegative?: boolean;
}

export interface LeastSquaresFit {
  /** One a column of the design; exactly 0 where the bound holds it. */
  coefficients: number[];
  /**
   * Square roots of the diagonal of s²(XᵀWX)⁻¹ over the columns that are not held at 0, s² = Σwr²/(n − p).
   * null for a coefficient held at 0, which the data push against a wall, and for all where n = p leaves no spread.
   */
  standardErrors: (number | null)[];
  /** 1 − Σwr²/Σw(y − ȳ)² with the weighted mean ȳ; null where the responses do not vary. */
  r2: number | null;
  /** Response minus prediction, a row each, in units of the response. */
  residuals: number[];
  /** Diagonal of the hat matrix, a row each: the pull of an observation on its own prediction, in [0, 1]. */
  leverages: number[];
  /** Rows minus coefficients that are not held at 0. */
  degreesOfFreedom: number;
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
  checkResponse(scaled, response);
  const y = weighted(scaled, [response]);
  const free = options.nonNegative ? positiveColumns(scaled, y) : scaled.columnScales.map((_, j) => j);
  const { solution, covariance, leverages } = solveColumns(scaled, free, y);

  const coefficients = scaled.columnScales.map(() => 0);
  free.forEach((column, k) => {
    const coefficient = solution[k]! / scaled.columnScales[column]!;
    // Adding 0 turns the -0 of a response that is 0 throughout into 0.
    coefficients[column] = (options.nonNegative ? Math.max(0, coefficient) : coefficient) + 0;
  });
  const residuals = design.map((row, i) => response[i]! - dot(row, coefficients));
  const degreesOfFreedom = design.length - free.length;
  const residualSum = sum(residuals.map((residual, i) => (residual * scaled.rowScales[i]!) ** 2));
  const variance = degreesOfFreedom > 0 ? residualSum / degreesOfFreedom : null;
  const standardErrors: (number | null)[] = coefficients.map(() => null);
  if (variance !== null)
    free.forEach((column, k) => {
      standardErrors[column] = Math.sqrt(variance * covariance[k]!) / scaled.columnScales[column]!;
    });
  const r2 = rSquared(residualSum, response, scaled.rowScales);
  return { coefficients, standardErrors, r2, residuals, leverages, degreesOfFreedom };
}

/**
 * The coefficients alone, for many responses over one design: one decomposition serves them all, which is what a
 * bootstrap of thousands of refits needs. Result: a row of coefficients a response.
 */
export function leastSquaresEach(
  design: readonly (readonly number[])[],
  responses: readonly (readonly number[])[],
  options: LeastSquaresOptions = {},
): number[][] {
  const scaled = scale(design, options.weights);
  for (const response of responses) checkResponse(scaled, response);
  if (responses.length === 0) return [];
  const y = weighted(scaled, responses);
  const solution = options.nonNegative
    ? nonNegativeSolution(scaled, y)
    : new QrDecomposition(scaled.matrix).solve(y);
  return responses.map((_, k) => scaled.columnScales.map((length, j) => solution.get(j, k) / length));
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

function checkResponse({ matrix }: Scaled, response: readonly number[]): void {
  if (response.length !== matrix.rows)
    throw new RangeError(`${response.length} response(s) for ${matrix.rows} rows: there must be one a row`);
  const wrong = response.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) throw new RangeError(`response is ${wrong}: responses must be finite numbers`);
}

/** Responses as columns, each row times √w. */
function weighted({ rowScales }: Scaled, responses: readonly (readonly number[])[]): Matrix {
  return new Matrix(rowScales.map((rowScale, i) => responses.map((response) => response[i]! * rowScale)));
}

function nonNegativeSolution({ matrix }: Scaled, y: Matrix): Matrix {
  // Both limits are absolute in ml-fcnnls and the first is shared by all responses. Responses of unit size make
  // the second relative.
  const size = y.norm() / Math.sqrt(y.columns);
  if (size === 0) return Matrix.zeros(matrix.columns, y.columns);
  const limits = { maxIterations: 30 * matrix.columns * y.columns, gradientTolerance: 1e-12 };
  return fcnnls(matrix, Matrix.div(y, size), limits).K.mul(size);
}

function positiveColumns(scaled: Scaled, y: Matrix): number[] {
  const solution = nonNegativeSolution(scaled, y).getColumn(0);
  return solution.flatMap((value, j) => (value > 0 ? [j] : []));
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

function rSquared(
  residualSum: number,
  response: readonly number[],
  rowScales: readonly number[],
): number | null {
  const weights = rowScales.map((rowScale) => rowScale ** 2);
  const mean = dot(weights, response) / sum(weights);
  const total = sum(response.map((value, i) => weights[i]! * (value - mean) ** 2));
  const rounding = response.length * Number.EPSILON * mean;
  return total <= sum(weights) * rounding ** 2 ? null : 1 - residualSum / total;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const dot = (p: readonly number[], q: readonly number[]): number => sum(p.map((value, i) => value * q[i]!));
const squaredLength = (values: readonly number[]): number => dot(values, values);
