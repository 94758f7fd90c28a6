/** Modules that a cell's process imports before its own code, to end it in the ways that native code does. */

const module = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`;

/** Runs `code` after every message of this type was sent; `message` and, for rows, `count` (from 1) are in scope. */
export const after = (type: string, code: string): string =>
  module(`
    import { createRequire } from "node:module";
    import { writeFileSync, writeSync } from "node:fs";
    const require = createRequire(${JSON.stringify(import.meta.url)});
    const send = process.send;
    let count = 0;
    process.send = function (message, ...rest) {
      const sent = send.call(this, message, ...rest);
      if (message.type === ${JSON.stringify(type)}) { count++; ${code} }
      return sent;
    };
  `);

/** Runs `code` when the process starts. */
export const first = (code: string): string => module(code);

/** Reads address 0 in native code. */
export const NULL_POINTER = `require("koffi").load("libc.so.6").func("size_t strlen(uintptr_t)")(0);`;

/** Keeps the thread from its event loop, as a native call does. */
export const block = (ms: number): string =>
  `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${ms});`;

/** Leaves the process's id in a file. */
export const writePid = (file: string): string =>
  `writeFileSync(${JSON.stringify(file)}, String(process.pid));`;
