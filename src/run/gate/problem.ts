import { NativeError, OrtError } from "../../ort/index.js";
import { isOutOfHostMemory } from "../host-memory.js";
import type { Setting } from "./setting.js";

/** Why a setting gave no logits to compare. */
export interface Problem {
  /** `unsupported`: the provider cannot do it; `failed`: it broke down; `not-run`: for a reason that may pass. */
  readonly status: "unsupported" | "failed" | "not-run";
  readonly reason: string;
  /** Whether nothing else can run on the device in this process. */
  readonly fatal: boolean;
}

// Words of ONNX Runtime (session_state.cc, graph.cc, inference_session.cc) and of CUDA's errors 900 to 908.
const NO_KERNEL = /Could not find an implementation for (\w+)\(\d+\) node with name '([^']*)'/;
const NO_TYPE =
  /Type 'tensor\(b?float16\)' of input parameter \([^)]*\) of operator \((\w+)\) in node \(([^)]*)\)/;
const NO_CAPTURE =
  /cannot use the (?:graph capture|CUDA graph) feature|CUDA (?:failure|error) 90\d\b|stream is capturing/i;

/** What an error of a candidate means for its verdict; null for one that is no finding but is to be thrown on. */
export function problemOf(error: unknown, setting: Setting): Problem | null {
  if (isOutOfHostMemory(error))
    return { status: "not-run", reason: `out of memory: ${error.message}`, fatal: false };
  if (!(error instanceof NativeError)) return null;
  const { message, isFatal: fatal } = error;
  if (error.isOutOfMemory) return { status: "not-run", reason: `out of memory: ${message}`, fatal };
  const unsupported = unsupportedReason(error, setting);
  return unsupported === null
    ? { status: "failed", reason: message, fatal }
    : { status: "unsupported", reason: unsupported, fatal };
}

function unsupportedReason(error: NativeError, { dtype, ep }: Setting): string | null {
  const { message } = error;
  const [, operator, node] = NO_KERNEL.exec(message) ?? NO_TYPE.exec(message) ?? [];
  if (operator) return `no kernel for ${operator} in ${dtype} on ${ep} (node ${node})`;
  if (NO_CAPTURE.test(message)) return `decoding cannot be captured as a CUDA graph: ${message}`;
  return error instanceof OrtError && error.codeName === "NOT_IMPLEMENTED" ? message : null;
}
