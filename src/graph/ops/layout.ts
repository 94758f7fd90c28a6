import { type Value } from "../builder.js";
import { formatShape, type Dim, type DType, type Shape } from "../types.js";
import { axisOf, fail, needType, sameType } from "./check.js";

const ints = (near: Value, values: readonly number[]): Value =>
  near.graph.constant("int64", [values.length], values);
const without = (shape: Shape, axis: number): Shape => shape.filter((_, i) => i !== axis);
const replaced = (shape: Shape, axis: number, dim: Dim): Shape =>
  shape.map((old, i) => (i === axis ? dim : old));

/**
 * Reshape. A number is that size, 0 copies the input's dimension at that place, and one string names the
 * dimension that is left over.
 */
export function reshape(x: Value, dims: Shape): Value {
  const named = dims.filter((dim) => typeof dim === "string");
  if (named.length > 1) fail([x], `reshape can leave one dimension open, not ${named.join(" and ")}`);
  const sizes = dims.map((dim) => (typeof dim === "string" ? -1 : dim));
  const shape = dims.map(
    (dim, i) =>
      (dim === 0 ? x.shape[i] : dim) ??
      fail([x], `reshape has no dimension ${i} of ${formatShape(x.shape)} to copy`),
  );
  const [before, after] = [x.shape, shape].map((s) =>
    s.every((d) => typeof d === "number") ? s.reduce((a, b) => a * b, 1) : null,
  );
  if (typeof before === "number" && typeof after === "number" && before !== after)
    fail([x], `reshape cannot turn ${formatShape(x.shape)} into ${formatShape(shape)}`);
  return x.graph.node("Reshape", [x, ints(x, sizes)], [{ dtype: x.dtype, shape }])[0]!;
}

/** ONNX Transpose: dimensions in the order of `permutation`. */
export function transpose(x: Value, perm: readonly number[]): Value {
  if ([...perm].sort((a, b) => a - b).some((axis, i) => axis !== i) || perm.length !== x.shape.length)
    fail([x], `transpose [${perm.join(", ")}] does not fit ${formatShape(x.shape)}`);
  const shape = perm.map((axis) => x.shape[axis]!);
  return x.graph.node("Transpose", [x], [{ dtype: x.dtype, shape }], { attributes: { perm } })[0]!;
}

/** Adds a dimension of 1; `axis` counts in the result and may be negative. */
export function unsqueeze(x: Value, axis: number): Value {
  const index = axis < 0 ? axis + x.shape.length + 1 : axis;
  if (!(index >= 0 && index <= x.shape.length))
    fail([x], `unsqueeze has no axis ${axis} for ${formatShape(x.shape)}`);
  const shape = [...x.shape.slice(0, index), 1, ...x.shape.slice(index)];
  return x.graph.node("Unsqueeze", [x, ints(x, [index])], [{ dtype: x.dtype, shape }])[0]!;
}

/** ONNX Squeeze: dimensions of size 1 taken out. */
export function squeeze(x: Value, axis: number): Value {
  const index = axisOf("Squeeze", x, axis);
  return x.graph.node(
    "Squeeze",
    [x, ints(x, [index])],
    [{ dtype: x.dtype, shape: without(x.shape, index) }],
  )[0]!;
}

/** Cuts `x` along an axis into pieces of the given sizes. */
export function split(x: Value, sizes: readonly number[], axis = -1): Value[] {
  const index = axisOf("Split", x, axis);
  const total = sizes.reduce((a, b) => a + b, 0);
  const dim = x.shape[index]!;
  if (typeof dim === "number" && dim !== total)
    fail(
      [x],
      `split into ${sizes.join(" + ")} = ${total} does not fit axis ${axis} of ${formatShape(x.shape)}`,
    );
  const outputs = sizes.map((size) => ({ dtype: x.dtype, shape: replaced(x.shape, index, size) }));
  return x.graph.node("Split", [x, ints(x, sizes)], outputs, { attributes: { axis: index } });
}

/** Concatenation along an axis of fully known sizes, or with the result's size named. */
export function concat(values: readonly Value[], axis: number, name?: string): Value {
  const dtype = sameType("Concat", ...values);
  const first = values[0]!;
  const index = axisOf("Concat", first, axis);
  const sizes = values.map((value) => value.shape[index]!);
  const total = sizes.every((size) => typeof size === "number") ? sizes.reduce((a, b) => a + b, 0) : name;
  if (total === undefined) fail(values, `concat along an axis of unknown size needs a name for the result`);
  return first.graph.node("Concat", values, [{ dtype, shape: replaced(first.shape, index, total) }], {
    attributes: { axis: index },
  })[0]!;
}

/** Elements start..end of an axis; negative bounds count from the end. */
export function slice(x: Value, axis: number, start: number | Value, end: number | Value, size: Dim): Value {
  const index = axisOf("Slice", x, axis);
  const bound = (at: number | Value): Value => (typeof at === "number" ? ints(x, [at]) : at);
  return x.graph.node(
    "Slice",
    [x, bound(start), bound(end), ints(x, [index])],
    [{ dtype: x.dtype, shape: replaced(x.shape, index, size) }],
  )[0]!;
}

/** Rows of `data` along `axis` at the integer positions `indices`. */
export function gather(data: Value, indices: Value, axis = 0): Value {
  needType("Gather", indices, "int64", "int32");
  const index = axisOf("Gather", data, axis);
  const shape = [...data.shape.slice(0, index), ...indices.shape, ...data.shape.slice(index + 1)];
  return data.graph.node("Gather", [data, indices], [{ dtype: data.dtype, shape }], {
    attributes: { axis: index },
  })[0]!;
}

/** The element at a fixed position of an axis, which disappears. */
export function at(data: Value, position: number, axis: number): Value {
  return gather(data, data.graph.constant("int64", [], [position]), axis);
}

/** Appends `count` (int64 [1], may be known at run time only) zeros at the end of an axis. */
export function padEnd(x: Value, axis: number, count: Value, size: Dim): Value {
  const index = axisOf("Pad", x, axis);
  const zeros = (n: number): Value[] => (n > 0 ? [ints(x, Array<number>(n).fill(0))] : []);
  const rank = x.shape.length;
  const pads = concat([...zeros(rank + index), count, ...zeros(rank - index - 1)], 0, "pads");
  return x.graph.node("Pad", [x, pads], [{ dtype: x.dtype, shape: replaced(x.shape, index, size) }])[0]!;
}

/** The size of one axis at run time, int64 [1]. */
export function dimension(x: Value, axis: number): Value {
  const index = axisOf("Shape", x, axis);
  return x.graph.node("Shape", [x], [{ dtype: "int64", shape: [1] }], {
    attributes: { start: index, end: index + 1 },
  })[0]!;
}

/** 0, 1, … up to (not including) a run-time count, int64. */
export function range(count: Value, size: Dim): Value {
  const scalar = reshape(count, []);
  const bound = (value: number): Value => count.graph.constant("int64", [], [value]);
  return count.graph.node(
    "Range",
    [bound(0), scalar, bound(1)],
    [{ dtype: "int64" as DType, shape: [size] }],
  )[0]!;
}
