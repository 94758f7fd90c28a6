import { fillParts, type Model, type Part, type WeightBits, type WeightSpec } from "../models/index.js";
import type { Checkpoint } from "./checkpoint.js";
import { converter, STORED } from "./convert.js";
import { readInto, withFile } from "./file.js";
import { matchTensors, type StoredWeight } from "./match.js";

/** What is read at once and then converted: the only memory besides the weight itself. */
const PIECE_BYTES = 2 ** 22;

const BYTES = { F32: 4, F16: 2, BF16: 2 } as const;

/**
 * The weights of a checkpoint, read piece by piece into the memory that is to hold them. Throws a UserError when the
 * checkpoint is not of the model.
 */
export class CheckpointWeights {
  readonly #tensors: ReadonlyMap<string, StoredWeight>;
  readonly #piece = new ArrayBuffer(PIECE_BYTES);
  /** Bytes of all tensors of the model as stored. */
  readonly totalBytes: number;
  #readBytes = 0;

  /** @param onRead is told how much was read whenever that is a further hundredth of all */
  constructor(
    checkpoint: Checkpoint,
    model: Model,
    readonly onRead: (readBytes: number, totalBytes: number) => void = () => undefined,
  ) {
    this.#tensors = matchTensors(checkpoint, model);
    this.totalBytes = [...this.#tensors.values()].reduce((sum, { begin, end }) => sum + end - begin, 0);
  }

  /** Writes the weight's values into `out`, which holds exactly its elements. */
  fill(spec: WeightSpec, out: WeightBits): void {
    fillParts(spec, out, (part, into) => {
      this.#fillPart(part, spec, into);
    });
  }

  #fillPart({ name, transform }: Part, { dtype }: WeightSpec, out: WeightBits): void {
    const stored = this.#tensors.get(name)!;
    const { path, begin } = stored;
    const bytes = BYTES[stored.dtype];
    withFile(path, (fd) => {
      if (STORED[stored.dtype] === dtype && !transform) {
        this.#inPieces(out.length, bytes, (at, count) => {
          readInto(
            fd,
            new Uint8Array(out.buffer, out.byteOffset + at * bytes, count * bytes),
            begin + at * bytes,
            path,
          );
        });
        return;
      }
      const convert = converter(stored.dtype, dtype, transform);
      this.#inPieces(out.length, bytes, (at, count) => {
        const piece = new (bytes === 4 ? Uint32Array : Uint16Array)(this.#piece, 0, count);
        readInto(fd, new Uint8Array(this.#piece, 0, count * bytes), begin + at * bytes, path);
        convert(piece, out.subarray(at, at + count), at);
      });
    });
  }

  #inPieces(length: number, bytes: number, read: (at: number, count: number) => void): void {
    const most = PIECE_BYTES / bytes;
    for (let at = 0; at < length; at += most) {
      const count = Math.min(most, length - at);
      read(at, count);
      this.#count(count * bytes);
    }
  }

  #count(bytes: number): void {
    const hundredths = (read: number): number => Math.floor((100 * read) / this.totalBytes);
    const before = hundredths(this.#readBytes);
    this.#readBytes += bytes;
    if (hundredths(this.#readBytes) > before) this.onRead(this.#readBytes, this.totalBytes);
    // They may be read again, for another type.
    if (this.#readBytes >= this.totalBytes) this.#readBytes = 0;
  }
}
