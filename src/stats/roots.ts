/** Coefficients of a polynomial of degree two or less, by rising power: a + b·x + c·x². */
export type Quadratic = readonly [a: number, b: number, c: number];

export function evaluateQuadratic([a, b, c]: Quadratic, x: number): number {
  return a + x * (b + x * c);
}

/**
 * The distinct real roots of a + b·x + c·x² with from ≤ x ≤ to, in ascending order; a double root counts once.
 *
 * The root that would subtract two near-equal numbers is taken from the product of the roots, a/c, instead
 * (Press et al., Numerical Recipes, section 5.6): on curves over token lengths c is 1e-8 of b.
 */
export function rootsBetween(polynomial: Quadratic, from: number, to: number): number[] {
  if (!polynomial.every(Number.isFinite))
    throw new RangeError(`coefficients are ${polynomial.join(", ")}: they must be finite numbers`);
  if (!(from <= to)) throw new RangeError(`interval is ${from} to ${to}: it must run upwards`);
  if (polynomial.every((coefficient) => coefficient === 0))
    throw new RangeError("all coefficients are 0: every number is a root");
  const inside = realRoots(polynomial).filter((root) => root >= from && root <= to);
  return [...new Set(inside)].sort((p, q) => p - q);
}

function realRoots([a, b, c]: Quadratic): number[] {
  if (c === 0) return b === 0 ? [] : [-a / b];
  const discriminant = b * b - 4 * a * c;
  if (discriminant < 0) return [];
  const q = -(b + (b < 0 ? -1 : 1) * Math.sqrt(discriminant)) / 2;
  return q === 0 ? [0] : [q / c, a / q];
}

/**
 * Where `holds` changes between `from`, at which it is true, and `to`, at which it is not; to the last bits of a
 * double. Halving needs no more than the two truths, so a jump is found like a root.
 */
export function bisect(holds: (x: number) => boolean, from: number, to: number): number {
  let [inside, outside] = [from, to];
  for (;;) {
    const middle = inside + (outside - inside) / 2;
    if (middle === inside || middle === outside) return inside;
    if (holds(middle)) inside = middle;
    else outside = middle;
  }
}
