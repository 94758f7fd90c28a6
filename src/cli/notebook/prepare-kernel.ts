import type { CellHandler } from "../../notebook/cell-handler.js";
import { preload } from "../../notebook/preload.js";
import { cudaNotice } from "./cuda-notice.js";

/** What makes a kernel more than plain TypeScript, as its kernel.json says. */
export type KernelFlag = "--load" | "--cuda";

/** The flag of the kernel that a notebook's metadata names, or null for the plain one. */
export function flagOfKernel(name: unknown): KernelFlag | null {
  if (name === "ssm-scope-cuda") return "--cuda";
  return name === "ssm-scope-loaded" ? "--load" : null;
}

/** Does what a flag asks for before the first cell. */
export async function prepareKernel(handler: CellHandler, flags: readonly string[]): Promise<void> {
  const cuda = flags.includes("--cuda");
  if (cuda || flags.includes("--load")) await preload(handler);
  if (cuda) handler.notify(cudaNotice());
}
