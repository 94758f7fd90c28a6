import { encodeModel, Graph, type FloatType, type Value } from "../../src/graph/index.js";
import { fromBits, toBits } from "../../src/models/index.js";
import { openRuntime, type Device, type Tensor } from "../../src/ort/index.js";

/** One tensor that a node reads. */
export interface Input {
  readonly dtype: FloatType;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export type Node = (values: Record<string, Value>) => { output: Value; present: Value };

/** Whose operators are run. */
export interface Operators {
  /** Path of their library. */
  readonly library: string;
  /** Default: the CPU. */
  readonly device?: Device;
}

/** Runs a graph of one node; every input is the graph's, brought from and to ordinary memory. */
export function compute(
  { library, device }: Operators,
  inputs: Readonly<Record<string, Input>>,
  build: Node,
  state: "apart" | "in place" = "apart",
): { y: Float32Array; present: Float32Array } {
  const runtime = openRuntime();
  const graph = new Graph("one");
  const values = Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, shape }]) => [name, graph.input(name, dtype, shape)]),
  );
  const { output, present } = build(values);
  graph.output("y", output);
  graph.output("present", present);
  using session = runtime.createSession(encodeModel(graph), {
    customOps: [library],
    ...(device && { device }),
    threads: 2,
    logSeverity: 4,
  });
  using binding = session.bind().outputToHost("y").outputToHost("present");
  const feeds = new Map<string, Tensor>();
  for (const [name, { dtype, shape, values: numbers }] of Object.entries(inputs))
    feeds.set(name, runtime.tensor(dtype, shape, toBits(numbers, dtype)));
  for (const [name, tensor] of feeds) binding.input(name, tensor);
  if (state === "in place") binding.output("present", feeds.get("past")!);
  session.runSync(binding);
  const outputs = binding.outputs();
  const read = (name: string): Float32Array => {
    using tensor = outputs.get(name)!;
    return fromBits(tensor.data<Float32Array>().slice(), tensor.dtype as FloatType);
  };
  return { y: read("y"), present: read("present") };
}
