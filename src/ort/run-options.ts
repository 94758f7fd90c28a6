import type { Api } from "./api.js";
import type { Pointer } from "./signatures.js";

export interface RunOptions {
  /** Keys of onnxruntime_run_options_config_keys.h, e.g. `gpu_graph_id`. */
  config?: Readonly<Record<string, string>>;
  /** Appears in ONNX Runtime's log lines of this run. */
  tag?: string;
  /** Aborting ends the run after the operator at work; `run` then rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface NativeRunOptions {
  readonly pointer: Pointer | null;
  release(): void;
}

/** An OrtRunOptions for one run, or none where nothing is asked for. */
export function createRunOptions(api: Api, { config, tag, signal }: RunOptions): NativeRunOptions {
  if (!config && tag === undefined && !signal) return { pointer: null, release: () => undefined };
  const pointer = api.CreateRunOptions();
  const terminate = (): void => {
    api.RunOptionsSetTerminate(pointer);
  };
  const release = (): void => {
    signal?.removeEventListener("abort", terminate);
    api.ReleaseRunOptions(pointer);
  };
  try {
    if (tag !== undefined) api.RunOptionsSetRunTag(pointer, tag);
    for (const [key, value] of Object.entries(config ?? {})) api.AddRunConfigEntry(pointer, key, value);
    signal?.addEventListener("abort", terminate);
    return { pointer, release };
  } catch (error) {
    release();
    throw error;
  }
}
