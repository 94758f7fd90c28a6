import { UserError } from "../errors.js";

/** An event of the Trace Event Format, as profilers write them; times in microseconds. */
export interface TraceEvent {
  readonly name?: string;
  /** Category: `Node` and `Session` in a profile of ONNX Runtime. */
  readonly cat?: string;
  /** Phase: `X` is an event with a duration. */
  readonly ph?: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly pid?: number | string;
  readonly tid?: number | string;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** A file's bytes, in pieces of any size: a read stream, or an array of texts. */
export type Chunks = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

/** An event is some kilobytes; what is so much longer is no list of events. */
const LONGEST_EVENT = 64 * 2 ** 20;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];

/** The bytes that matter outside of texts. */
const STRUCTURE = new Uint8Array(256);
for (const byte of [QUOTE, OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY]) STRUCTURE[byte] = 1;

/**
 * The events of a trace of any size, in the file's order, in memory bounded by the longest event: those of each chunk
 * together. Both forms of the format are read, a list of events and an object with the list `traceEvents`; as the format
 * allows, a list may lack its end. Throws UserError for anything else, and for a file that ends within an event.
 */
export async function* readTraceEvents(chunks: Chunks): AsyncGenerator<TraceEvent[], void> {
  const splitter = new EventSplitter();
  for await (const chunk of chunks) {
    const events = splitter.push(bytesOf(chunk)).map(parseEvent);
    if (events.length > 0) yield events;
  }
  splitter.end();
}

function bytesOf(chunk: Uint8Array | string): Buffer {
  if (typeof chunk === "string") return Buffer.from(chunk);
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

function parseEvent(text: string): TraceEvent {
  try {
    return JSON.parse(text) as TraceEvent;
  } catch (error) {
    throw new UserError(
      `the profile has an event that is no JSON (${(error as Error).message}): ${text.slice(0, 120)}`,
    );
  }
}

/** Cuts a stream of bytes into the texts of its events, by brackets alone. */
class EventSplitter {
  /** What was not used up: the beginning of an event or of a key. */
  #rest: Buffer = Buffer.alloc(0);
  #bytes = 0;
  #depth = 0;
  #inText = false;
  #escaped = false;
  /** Depth inside the list of events; 0 outside of it. */
  #listDepth = 0;
  #seenList = false;
  /** The newest text directly inside an outermost object: the key of what comes next. */
  #key = "";

  push(chunk: Buffer): string[] {
    const from = this.#rest.length;
    const bytes = from === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const events: string[] = [];
    let [depth, inText, listDepth] = [this.#depth, this.#inText, this.#listDepth];
    /** Where the event or key began that is being read; -1 for none. */
    let start = from > 0 ? 0 : -1;
    let at = from;
    if (this.#escaped && at < bytes.length) {
      this.#escaped = false;
      at++;
    }
    for (; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (inText) {
        if (byte === BACKSLASH) {
          at++;
          this.#escaped = at === bytes.length;
        } else if (byte === QUOTE) {
          inText = false;
          if (depth === 1 && listDepth === 0) {
            this.#key = bytes.toString("utf8", start + 1, at);
            start = -1;
          }
        }
        continue;
      }
      if (STRUCTURE[byte] === 0) {
        if (depth === 0 && byte > 0x20 && byte < 0x80) this.#refuse(bytes, at);
        continue;
      }
      if (byte === QUOTE) {
        if (depth === 0) this.#refuse(bytes, at);
        inText = true;
        if (depth === 1 && listDepth === 0) start = at;
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (depth === listDepth && listDepth > 0 && byte === OPEN_OBJECT) start = at;
        depth++;
        const isList = depth === 1 || (depth === 2 && this.#key === "traceEvents");
        if (byte === OPEN_ARRAY && isList && listDepth === 0) {
          listDepth = depth;
          this.#seenList = true;
        }
      } else {
        depth--;
        if (depth < 0) this.#refuse(bytes, at);
        if (depth < listDepth) listDepth = 0;
        else if (depth === listDepth && start >= 0) {
          events.push(bytes.toString("utf8", start, at + 1));
          start = -1;
        }
      }
    }
    [this.#depth, this.#inText, this.#listDepth] = [depth, inText, listDepth];
    this.#bytes += chunk.length;
    // A copy: the chunk may be a buffer that is filled again.
    this.#rest = start < 0 ? Buffer.alloc(0) : Buffer.from(bytes.subarray(start));
    if (this.#rest.length > LONGEST_EVENT)
      throw new UserError(`the profile has an event of more than ${LONGEST_EVENT} bytes; it is no profile`);
    return events;
  }

  end(): void {
    if (this.#rest.length > 0)
      throw new UserError(
        `the profile ends within an event, after ${this.#bytes} bytes: it was not written to its end`,
      );
    if (!this.#seenList)
      throw new UserError(
        "the file is no profile: it must be a JSON list of events, or an object with the list traceEvents",
      );
  }

  #refuse(bytes: Buffer, at: number): never {
    const seen = bytes.toString("utf8", at, at + 40);
    throw new UserError(
      `the file is no profile, but has ${JSON.stringify(seen)} where a list of events should be`,
    );
  }
}
