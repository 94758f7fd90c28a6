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
