import { randomPrompt } from "../../src/models/index.js";
import { openRuntime, type CudaFacts } from "../../src/ort/index.js";
import { LoadedModel, plan, type Settings } from "../../src/run/index.js";

/** A model's prompt, ready to be read again and again. */
export interface Prefill {
  /** "mamba2-130m, 8192 tokens, fp16, cuda" */
  readonly name: string;
  readonly cuda: CudaFacts | null;
  /** Milliseconds to the first token. */
  readonly run: () => Promise<number>;
}

/** As the command line has them; a data type that is not given is that of most runs on the provider. */
export interface PrefillOptions {
  readonly model: string;
  readonly length: number;
  readonly ep: string;
  readonly dtype: string | undefined;
  readonly lowering: string;
}

/** Loads the model with random weights for as long as `use` takes. Throws `UserError` for names that are not there. */
export async function withPrefill(
  { model, length, ep, dtype = ep === "cuda" ? "fp16" : "fp32", lowering }: PrefillOptions,
  use: (prefill: Prefill) => Promise<void>,
): Promise<void> {
  const settings = { models: [model], promptTokens: [length], newTokens: 1, ep, dtype, lowering };
  const cell = plan(settings as Settings)[0]!; // `plan` checks the names
  using loaded = new LoadedModel(openRuntime(), [cell]);
  using generator = loaded.open(cell);
  const prompt = randomPrompt(cell.promptTokens, 1, cell.model.config.vocab_size, cell.seed);
  const run = async (): Promise<number> => {
    const start = performance.now();
    await generator.prefill(prompt);
    return performance.now() - start;
  };
  const name = `${cell.model.name}, ${cell.promptTokens} tokens, ${cell.dtype}, ${cell.ep}`;
  await use({ name, cuda: loaded.device.cuda, run });
}
