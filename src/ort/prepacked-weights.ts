import type { Api } from "./api.js";
import { Handle, Owner } from "./handle.js";

/** Weights in the order in which CPU kernels read them, done and held once for all sessions that are given this object. */
export class PrepackedWeights extends Owner {
  /** Made by Runtime.createPrepackedWeights. @internal */
  constructor(api: Api) {
    super(
      "set of prepacked weights",
      new Handle(api.CreatePrepackedWeightsContainer(), api.ReleasePrepackedWeightsContainer),
    );
  }
}
