/** Opens a CUDA device in a process of its own, as loaded libraries stay: prints what came of it as JSON. */
import { readFileSync } from "node:fs";
import { koffi } from "../../../src/ffi/koffi.js";
import { openCuda } from "../../../src/ort/cuda/open.js";

const [runtime, deviceId, provider] = process.argv.slice(2) as [string, string, string];

/** Whether the loader takes the provider now. */
function loadProvider(): string {
  try {
    koffi().load(provider);
    return "loads";
  } catch (error) {
    return (error as Error).message;
  }
}

const before = loadProvider();
try {
  const { cudart, ...opened } = openCuda(runtime, Number(deviceId));
  const maps = readFileSync("/proc/self/maps", "utf8");
  const loaded = [
    ...new Set([...maps.matchAll(/ (\/\S*\/lib(?:cu|nv)[^/\s]*)$/gm)].map((match) => match[1]!)),
  ];
  const exports = cudart.symbol("cudaRuntimeGetVersion") !== null;
  console.log(JSON.stringify({ opened, loaded, exports, before, after: loadProvider() }));
} catch (error) {
  const { name, message } = error as Error;
  console.log(JSON.stringify({ name, message, before }));
}
