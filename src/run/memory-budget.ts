import { UserError } from "../errors.js";
import { NativeError, type CudaOptions } from "../ort/index.js";
import { DEVICES } from "../record/index.js";
import type { AnyCell } from "./plan.js";
import type { ProcessMemory } from "./process-memory.js";

/** Devices that a budget can be named after. */
export const LIKE: Readonly<Record<string, { readonly memoryBytes: number; readonly source: string }>> =
  Object.fromEntries(
    Object.entries(DEVICES).flatMap(([name, { memoryBytes, source }]) =>
      memoryBytes === null ? [] : [[name, { memoryBytes, source }]],
    ),
  );

/** The budget in bytes, from a number or from the name of a device; null without either. */
export function memoryOf(memoryBytes: number | undefined, like: string | undefined): number | null {
  if (memoryBytes !== undefined && like !== undefined)
    throw new UserError(
      `the memory budget is given twice, as ${memoryBytes} bytes and like ${like}; give one`,
    );
  if (like !== undefined) {
    const device = Object.hasOwn(LIKE, like) ? LIKE[like] : undefined;
    if (device) return device.memoryBytes;
    throw new UserError(
      `there is no device "${like}" to be like; it must be ${Object.keys(LIKE).join(" or ")}, or give --memory`,
    );
  }
  if (memoryBytes === undefined) return null;
  if (Number.isSafeInteger(memoryBytes) && memoryBytes > 0) return memoryBytes;
  throw new UserError(`the memory budget is ${memoryBytes}; it must be a whole number of bytes above 0`);
}

/**
 * What a session's allocator may take of a budget of which `usedBytes` are in use. At least one page: 0 would mean "no
 * limit", and the first request then fails as it should, with its size.
 */
export const arenaLimit = (budgetBytes: number, usedBytes: number): number =>
  Math.max(4096, budgetBytes - usedBytes);

/** Throws an out-of-memory error when `bytes` more than `usedBytes` do not fit into the budget; null is no budget. */
export function assertWithin(budgetBytes: number | null, usedBytes: number, what: string, bytes = 0): void {
  if (budgetBytes === null || usedBytes + bytes <= budgetBytes) return;
  throw new NativeError(
    bytes === 0
      ? `out of memory: ${what} made the process take ${usedBytes} bytes, over the budget of ${budgetBytes}`
      : `out of memory: ${what} of ${bytes} bytes, with ${usedBytes} in use, over the budget of ${budgetBytes}`,
    bytes || null,
  );
}

/** The same of a cell's budget; the process is only asked what it takes where there is one. */
export function assertRoom(
  { memoryBytes }: Pick<AnyCell, "memoryBytes">,
  memory: ProcessMemory,
  what: string,
  bytes = 0,
): void {
  if (memoryBytes !== null) assertWithin(memoryBytes, memory.bytes(), what, bytes);
}

/** The options of a session, which may take what is left of the cell's budget now; null on the CPU. */
export function optionsWithin(
  { cuda, memoryBytes }: Pick<AnyCell, "cuda" | "memoryBytes">,
  memory: ProcessMemory,
): CudaOptions | null {
  if (!cuda || memoryBytes === null) return cuda;
  return { ...cuda, memoryLimitBytes: arenaLimit(memoryBytes, memory.bytes()) };
}
