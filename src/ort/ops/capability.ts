import { UserError } from "../../errors.js";

/** A compute capability as nvcc writes it: "9.0" and "90" are "90". */
export function capabilityOf(text: string): string {
  const digits = text.replace(/^(\d+)\.(\d)$/, "$1$2");
  if (/^\d{2,3}$/.test(digits)) return digits;
  throw new UserError(`the GPU architecture is "${text}"; it must be a compute capability such as 90 or 8.9`);
}

/** Hopper's matrix instructions (wgmma) are in no other architecture, and have a name of their own for it. */
const OWN_INSTRUCTIONS = new Set(["90"]);

/** What nvcc is told to make for a compute capability. */
export function gencode(capability: string): string {
  const name = OWN_INSTRUCTIONS.has(capability) ? `${capability}a` : capability;
  return `-gencode=arch=compute_${name},code=sm_${name}`;
}
