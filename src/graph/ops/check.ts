import { graphOf, mayMatch, type Value } from "../builder.js";
import { GraphError } from "../error.js";
import { formatShape, type Dim, type DType, type Shape } from "../types.js";

const describe = (value: Value): string => `"${value.name}" ${value.dtype}${formatShape(value.shape)}`;

/** Raises a GraphError in the scope of `values`. */
export function fail(values: readonly (Value | null | undefined)[], problem: string): never {
  throw new GraphError(graphOf(values), problem);
}

export function sameType(op: string, ...values: Value[]): DType {
  const [first, ...rest] = values as [Value, ...Value[]];
  for (const value of rest)
    if (value.dtype !== first.dtype)
      fail(values, `${op} needs inputs of one type, but got ${describe(first)} and ${describe(value)}`);
  return first.dtype;
}

export function needRank(op: string, value: Value, rank: number): void {
  if (value.shape.length !== rank)
    fail([value], `${op} needs ${rank} dimensions, but got ${describe(value)}`);
}

export function needType(op: string, value: Value, ...allowed: DType[]): void {
  if (!allowed.includes(value.dtype))
    fail([value], `${op} needs ${allowed.join(" or ")}, but got ${describe(value)}`);
}

export function needShape(op: string, what: string, value: Value, shape: Shape): void {
  if (value.shape.length !== shape.length || !shape.every((dim, i) => mayMatch(dim, value.shape[i]!)))
    fail([value], `${op} needs ${what} of shape ${formatShape(shape)}, but got ${describe(value)}`);
}

/** The shape of an elementwise result under ONNX (numpy) broadcasting. */
export function broadcast(op: string, ...values: Value[]): Shape {
  const rank = Math.max(...values.map((value) => value.shape.length));
  return Array.from({ length: rank }, (_, axis): Dim => {
    let result: Dim = 1;
    for (const value of values) {
      const dim = value.shape[axis - rank + value.shape.length] ?? 1;
      if (dim === 1 || dim === result) continue;
      if (result === 1 || (typeof result === "string" && typeof dim === "number")) result = dim;
      else if (typeof dim === "number")
        fail(values, `${op} cannot broadcast ${values.map(describe).join(" with ")}`);
    }
    return result;
  });
}

/** A possibly negative axis as an index into the shape. */
export function axisOf(op: string, value: Value, axis: number): number {
  const index = axis < 0 ? axis + value.shape.length : axis;
  if (!Number.isInteger(index) || index < 0 || index >= value.shape.length)
    fail([value], `${op} has no axis ${axis} in ${describe(value)}`);
  return index;
}
