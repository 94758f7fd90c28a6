import { createRequire } from "node:module";

export type Koffi = typeof import("koffi");

/**
 * koffi runs every native call on a stack of its own: 128 KiB for asynchronous calls unless told otherwise. cuDNN's
 * attention needs more, and overflowing that stack ends the process with SIGSEGV. Stacks are address space until
 * touched, so a generous size costs nothing.
 */
const STACK_BYTES = 8 * 1024 * 1024;

let loaded: Koffi | undefined;

/**
 * koffi, loaded on first use (17 ms) with stacks large enough for native inference libraries. Throws when another user
 * of koffi in this process has loaded a library first, because the stacks can then no longer grow.
 */
export function koffi(): Koffi {
  return (loaded ??= withLargeStacks(createRequire(import.meta.url)("koffi") as Koffi));
}

function withLargeStacks(library: Koffi): Koffi {
  const { sync_stack_size = 0, async_stack_size = 0 } = library.config();
  if (sync_stack_size < STACK_BYTES || async_stack_size < STACK_BYTES)
    library.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES });
  return library;
}
