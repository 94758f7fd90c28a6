import { GraphError } from "./error.js";
import { elements, TYPES, type Dim, type DType, type Shape } from "./types.js";

/** What a node consumes and produces. Its name changes when it becomes a graph output. */
export interface Value {
  readonly graph: Graph;
  name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

export type Attribute = number | string | readonly number[] | { readonly float: number };

/** One operator with its inputs, outputs and attributes. */
export interface Node {
  readonly name: string;
  readonly op: string;
  readonly domain: string;
  /** null leaves an optional input out. */
  readonly inputs: readonly (Value | null)[];
  /** null leaves an optional output out. */
  readonly outputs: readonly (Value | null)[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** Values held in the model file itself: small, and shared by all nodes that use an equal one. */
export interface Constant {
  readonly value: Value;
  readonly bytes: Uint8Array;
}

/** A weight lives outside the model file, in `location` at `offset`, or is given to the session by name. */
export interface Weight {
  readonly value: Value;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly byteLength: number;
}

/** Weights start at multiples of this in the external file, so that it can be mapped page by page. */
const ALIGNMENT = 4096;

export interface NodeOptions {
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** One output of a node: its type and shape, or null to leave an optional one out. */
export type OutputSpec = { readonly dtype: DType; readonly shape: Shape } | null;

/**
 * An ONNX graph under construction. Operators are functions of `ops/`; they check what they are given and add
 * nodes here. Scopes name the nodes (`/layers.3/mixer/ssm/MatMul`), so that errors and profiles say where.
 */
export class Graph {
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  readonly nodes: Node[] = [];
  readonly constants: Constant[] = [];
  readonly weights: Weight[] = [];
  #path: string[] = [];
  readonly #names = new Map<string, number>();
  readonly #constantsByKey = new Map<string, Value>();
  #externalBytes = 0;

  constructor(readonly name: string) {}

  /** The current scope, as nodes are named: `/layers.3/mixer`. */
  get scopePath(): string {
    return this.#path.map((part) => `/${part}`).join("");
  }

  /** Runs `body` with `name` added to the scope. */
  scope<T>(name: string, body: () => T): T {
    this.#path.push(name);
    try {
      return body();
    } finally {
      this.#path.pop();
    }
  }

  /** A name nobody else has: the first is plain, later ones are numbered. */
  #unique(name: string): string {
    const seen = this.#names.get(name) ?? 0;
    this.#names.set(name, seen + 1);
    return seen === 0 ? name : `${name}_${seen}`;
  }

  #claim(name: string, what: string): string {
    if (this.#names.has(name)) throw new GraphError(this, `the ${what} name "${name}" is already taken`);
    this.#names.set(name, 1);
    return name;
  }

  /** An input of the graph. */
  input(name: string, dtype: DType, shape: Shape): Value {
    const value: Value = { graph: this, name: this.#claim(name, "input"), dtype, shape };
    this.inputs.push(value);
    return value;
  }

  /** Makes `value` a graph output called `name`. An input, a constant or an output already named goes through Identity. */
  output(name: string, value: Value): void {
    this.#claim(name, "output");
    const produced = this.nodes.some((node) => node.outputs.includes(value));
    let named = value;
    if (!produced || this.outputs.includes(value)) named = this.node("Identity", [value], [value])[0]!;
    named.name = name;
    this.outputs.push(named);
  }

  /** A tensor whose data stays outside the graph: parameters and large tables. */
  weight(name: string, dtype: DType, shape: readonly number[]): Value {
    const value: Value = { graph: this, name: this.#claim(name, "weight"), dtype, shape };
    const byteLength = elements(shape) * TYPES[dtype].bytes;
    this.weights.push({ value, shape, offset: this.#externalBytes, byteLength });
    this.#externalBytes += Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT;
    return value;
  }

  /** A small tensor inside the model file. Equal constants are one. */
  constant(dtype: DType, shape: readonly number[], values: readonly number[]): Value {
    if (values.length !== elements(shape))
      throw new GraphError(
        this,
        `a constant of shape [${shape.join(", ")}] cannot hold ${values.length} values`,
      );
    const key = `${dtype}|${shape.join("x")}|${values.join(",")}`;
    const known = this.#constantsByKey.get(key);
    if (known) return known;
    const value: Value = { graph: this, name: this.#unique(`/constants/${dtype}`), dtype, shape };
    this.constants.push({ value, bytes: encode(this, dtype, values) });
    this.#constantsByKey.set(key, value);
    return value;
  }

  /** Adds a node; `outputs` gives the type and shape of each of its results. */
  node(
    op: string,
    inputs: readonly (Value | null)[],
    outputs: readonly OutputSpec[],
    { domain = "", attributes = {} }: NodeOptions = {},
  ): Value[] {
    for (const input of inputs)
      if (input && input.graph !== this)
        throw new GraphError(
          this,
          `${op} takes "${input.name}", which belongs to the graph "${input.graph.name}"`,
        );
    const name = this.#unique(`${this.scopePath}/${op}`);
    const results = outputs.map(
      (spec, i): Value | null =>
        spec && {
          graph: this,
          name: outputs.length === 1 ? name : `${name}:${i}`,
          dtype: spec.dtype,
          shape: spec.shape,
        },
    );
    this.nodes.push({ name, op, domain, inputs, outputs: results, attributes });
    return results as Value[];
  }
}

function encode(graph: Graph, dtype: DType, values: readonly number[]): Uint8Array {
  switch (dtype) {
    case "float32":
      return new Uint8Array(Float32Array.from(values).buffer);
    case "int64":
      return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    case "int32":
      return new Uint8Array(Int32Array.from(values).buffer);
    case "bool":
      return Uint8Array.from(values, (value) => (value ? 1 : 0));
    default:
      throw new GraphError(graph, `a constant cannot be ${dtype}: make it float32 and cast it`);
  }
}

/** The one graph that all values belong to. */
export function graphOf(values: readonly (Value | null | undefined)[]): Graph {
  const first = values.find((value) => value);
  if (!first) throw new TypeError("an operator needs at least one input");
  return first.graph;
}

/** Whether two dimensions may be the same: equal, or at least one of them known only at run time. */
export const mayMatch = (a: Dim, b: Dim): boolean =>
  a === b || typeof a === "string" || typeof b === "string";
