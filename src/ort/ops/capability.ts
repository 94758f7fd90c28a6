import { UserError } from "../../errors.js";

/** A compute capability as nvcc writes it: "9.0" and "90" are "90". */
export function capabilityOf(text: string): string {
  const digits = text.replace(/^(\d+)\.(\d)$/, "$1$2");
  if (/^\d{2,3}$/.test(digits)) return digits;
  throw new UserError(`the GPU architecture is "${text}"; it must be a compute capability such as 90 or 8.9`);
}

/** The kernels use asynchronous copies and matrix instructions that older GPUs have not. */
export const LEAST_CAPABILITY = 80;

/** What nvcc is told to make for a compute capability. */
export const gencode = (capability: string): string =>
  `-gencode=arch=compute_${capability},code=sm_${capability}`;
