import type { Api } from "./api.js";

/** Names of the execution providers that a build of ONNX Runtime has, in order of preference. */
export function availableProviders(api: Api): string[] {
  const list = new BigUint64Array(1);
  const count = new Int32Array(1);
  api.GetAvailableProviders(list, count);
  const names = api.readPointers(list[0]!, count[0]!).map((address) => api.readString(address));
  api.ReleaseAvailableProviders(list[0]!, count[0]!);
  return names;
}
