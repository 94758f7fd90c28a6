import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { UserError } from "../errors.js";
import type { Chunks } from "./trace-events.js";

/** Whose profiler wrote a file. */
export type ProfileFormat = "onnxruntime" | "pytorch";

/** Bytes at the beginning that tell one from the other; PyTorch's list of devices may stand before its events. */
const HEAD_BYTES = 64 * 1024;

/** What gzip's files begin with. */
const GZIP = [0x1f, 0x8b] as const;

/**
 * The chunks of a profile, decompressed where they are gzip's, and whose it is, by what it begins with and not by its name.
 *
 * @throws UserError when it is neither's
 */
export async function openProfile(
  chunks: Chunks,
  file = "the file",
): Promise<{ format: ProfileFormat; chunks: Chunks }> {
  const bytes = decompressed(chunks, file);
  const pieces: Uint8Array[] = [];
  let size = 0;
  while (size < HEAD_BYTES) {
    const { value, done } = await bytes.next();
    if (done === true) break;
    pieces.push(value);
    size += value.length;
  }
  const head = Buffer.concat(pieces).toString("utf8", 0, HEAD_BYTES);
  return { format: formatOf(head, file), chunks: rejoined(pieces, bytes) };
}

function formatOf(head: string, file: string): ProfileFormat {
  const start = head.trimStart();
  if (start.startsWith("[") && /"cat"\s*:\s*"(Session|Node)"/.test(start)) return "onnxruntime";
  if (/"cat"\s*:\s*"(cpu_op|operator|kernel|user_annotation|cuda_runtime|python_function)"/i.test(start))
    return "pytorch";
  if (start.startsWith("{") && /"(schemaVersion|traceEvents|deviceProperties)"/.test(start)) return "pytorch";
  throw new UserError(
    `${file} begins with ${JSON.stringify(start.slice(0, 40))}: it must be a profile of ONNX Runtime or a Chrome trace of PyTorch's profiler`,
  );
}

async function* decompressed(chunks: Chunks, file: string): AsyncGenerator<Uint8Array, void> {
  const source = asBytes(chunks);
  let first = new Uint8Array();
  while (first.length < GZIP.length) {
    const { value, done } = await source.next();
    if (done === true) break;
    first = Buffer.concat([first, value]);
  }
  const all = rejoined([first], source);
  if (!GZIP.every((byte, i) => first[i] === byte)) {
    yield* all;
    return;
  }
  try {
    const unpacked = createGunzip();
    // What goes wrong is thrown where it is read.
    pipeline(Readable.from(all), unpacked, () => undefined);
    yield* unpacked as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new UserError(`${file} is no file packed with gzip, or not all of it: ${(error as Error).message}`);
  }
}

async function* asBytes(chunks: Chunks): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of chunks) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}

async function* rejoined(
  first: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  yield* first;
  yield* rest;
}
