import { cuda } from "./examine/cuda.js";
import type { Finding } from "./examine/finding.js";
import { jupyter, kernelspec, node, nvml, tegrastats } from "./examine/machine.js";
import { operators } from "./examine/operators.js";
import { onnxRuntime } from "./examine/runtime.js";

/** Everything this package can use, as found on this machine. */
export function examine(): Finding[] {
  const { runtime, findings } = onnxRuntime();
  return [
    node(),
    ...findings,
    ...cuda(runtime),
    ...operators(),
    nvml(),
    tegrastats(),
    jupyter(),
    kernelspec(),
  ];
}
