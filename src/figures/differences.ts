import { displayNames, formatTokens, listOf } from "./format.js";
import { distinct, type Point, type Setting } from "./point.js";
import { deviceName } from "./settings.js";

/** What a figure of the paper shows; what is absent is not compared. */
export interface PaperSetting {
  readonly device: string;
  readonly models: readonly string[];
  readonly lengths?: readonly number[];
  readonly newTokens?: number;
}

/**
 * How rows differ from those of the paper's figure, a phrase each. Only what the rows state: an absent column is no
 * difference.
 */
export function differences(
  paper: PaperSetting,
  {
    drawn,
    models,
    lengths,
  }: { drawn: readonly Point[]; models: readonly string[]; lengths: readonly number[] },
): string[] {
  const values = (setting: Setting): (string | number)[] => distinct(drawn.map((point) => point[setting]));
  const found: string[] = [];
  if (values("device").some((device) => !deviceName(String(device)).includes(paper.device)))
    found.push(`another device (there ${paper.device})`);
  if (!paper.models.every((model) => models.includes(model)))
    found.push(`other models (there ${listOf([...displayNames(paper.models).values()])})`);
  if (paper.lengths && lengths.join() !== paper.lengths.join())
    found.push(`other prompt lengths (there ${listOf(paper.lengths.map(formatTokens))})`);
  if (paper.newTokens !== undefined && values("new_tokens").some((count) => count !== paper.newTokens))
    found.push(`another number of new tokens (there ${paper.newTokens})`);
  if (values("prefill").includes("chunked")) found.push("chunked prefill (there monolithic)");
  if (values("logits").includes("last"))
    found.push("logits of the last position only (there of every position)");
  if (values("ep").some((ep) => ep !== "pytorch"))
    found.push("ONNX Runtime (there PyTorch, and the authors' kernels for Mamba2)");
  return found;
}
