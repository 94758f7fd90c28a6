import type { CacheSpec } from "../models/index.js";
import type { Binding, Device, Tensor, TensorSpec } from "../ort/index.js";
import { rowOf, States, type Side } from "./states.js";

/** What a run leaves on the device for the next one. */
export class Carried implements Disposable {
  readonly #device: Device;

  constructor(
    device: Device,
    readonly states: States,
    /** Newest token of every sequence, int64 [batch, 1]. */
    readonly token: Tensor,
    /** Its position, int32 [batch]; only models with positions write it. */
    readonly position: Tensor,
    /** Newest logits, [batch, vocabulary], where they are kept. */
    readonly logits: Tensor | undefined,
  ) {
    this.#device = device;
  }

  /** @param logits type and shape of the logits to be kept */
  static allocate(
    device: Device,
    caches: readonly CacheSpec[],
    batch: number,
    capacity: number,
    logits: TensorSpec | undefined,
  ): Carried {
    // First what may not fit: nothing is held then.
    const states = States.allocate(device, caches, batch, capacity);
    const [token, position, kept] = device.allocate([
      { dtype: "int64", shape: [batch, 1] },
      { dtype: "int32", shape: [batch] },
      ...(logits ? [logits] : []),
    ]);
    return new Carried(device, states, token!, position!, kept);
  }

  /** One sequence's part of the memory. */
  sequence(row: number): Carried {
    const part = (tensor: Tensor): Tensor => rowOf(this.#device, tensor, row);
    const { states, token, position, logits } = this;
    return new Carried(
      this.#device,
      states.sequence(row),
      part(token),
      part(position),
      logits && part(logits),
    );
  }

  /** Binds a run that reads side `from` of the states, and writes all of this. */
  bind(binding: Binding, from: Side, positional: boolean): Binding {
    binding.output("next_token", this.token);
    if (this.logits) binding.output("logits", this.logits);
    if (positional) binding.output("next_position", this.position);
    return this.states.bind(binding, from);
  }

  [Symbol.dispose](): void {
    for (const owned of [this.states, this.token, this.position, this.logits]) owned?.[Symbol.dispose]();
  }
}
