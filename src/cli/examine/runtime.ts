import { openRuntime, type Runtime } from "../../ort/index.js";
import { chooseRuntime } from "../../ort/library.js";
import { finding, outcome, type Finding } from "./finding.js";

/** The runtime in use, or null; and what is to say about it. */
export function onnxRuntime(): { runtime: Runtime | null; findings: Finding[] } {
  const name = "ONNX Runtime";
  const hint =
    'run `npm ci` again, or name a library with SSM_SCOPE_ORT=/path/to/libonnxruntime.so or "ort" in the configuration';
  const opened = outcome(() => ({ runtime: openRuntime(), source: chooseRuntime().source }));
  if ("problem" in opened)
    return { runtime: null, findings: [finding(name, null, opened.problem, hint, true)] };
  const { runtime, source } = opened.value;
  const providers = runtime.providers().map((provider) => provider.replace("ExecutionProvider", ""));
  const detail = `${runtime.version}, knows ${providers.join(", ")} (${runtime.library}, named by ${source})`;
  return { runtime, findings: [finding(name, detail, "", hint, true)] };
}
