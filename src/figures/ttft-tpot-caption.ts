import { displayNames, formatTokens, listOf } from "./format.js";
import { distinct, finite, isDoubtful, type Point, type Setting } from "./point.js";
import { describeSamples, describeSettings, deviceName } from "./settings.js";

/** What the paper's figure shows: models, prompt lengths, settings. Ours says where it differs. */
export const PAPER = {
  models: ["qwen2.5-0.5b", "mamba2-780m"],
  lengths: [1024, 32768],
  newTokens: 256,
  device: "RTX 4090",
} as const;

export interface CaptionInput {
  drawn: readonly Point[];
  /** Points of the models at every length, drawn or not. */
  ofModels: readonly Point[];
  models: readonly string[];
  lengths: readonly number[];
  names: ReadonlyMap<string, string>;
  source: "paper" | "measured";
}

/** The caption of Figure 1, plain sentences: what is shown, under which setting, and unlike the paper's how. */
export function caption(input: CaptionInput): string {
  const { drawn, models, lengths, names, source } = input;
  const shown = listOf(models.map((model) => names.get(model)!));
  const at = listOf(lengths.map(formatTokens));
  const sentences = [
    `Time to first token (TTFT) and time per output token (TPOT) of ${shown} at ${at} prompt tokens, in ms; every panel has its own scale`,
    `Setting: ${describeSettings(drawn) || "the rows state none"}`,
    ...(source === "paper" ? paperNotes(input) : measuredNotes(input)),
  ];
  if (drawn.length === 0) sentences.splice(1, Infinity, "There are no rows to draw");
  return sentences.map((sentence) => `${sentence}.`).join(" ");
}

/** How this drawing differs from the printed figure, and what an audit of its four rows found. */
function paperNotes({ models, lengths }: CaptionInput): string[] {
  const notes = [
    "Redrawn from the published rows (arXiv 2507.12442, Figure 1), which are in seconds; one sample a bar, so no interval",
    "The paper's TPOT divides by all new tokens and subtracts a prefill that was timed on its own and computes the logits of every position",
  ];
  if (models.includes(PAPER.models[0]) && lengths.includes(32768))
    notes.push(
      "Between 24,576 and 32,768 tokens the published TTFT and TPOT of Qwen2.5-0.5B leap more than threefold, so the long panels show it behind that step",
    );
  if (models.includes(PAPER.models[1]) && lengths.includes(32768))
    notes.push("For Mamba2-780m at 32,768 tokens the paper's Figure 6b has a TTFT of 757 ms, not 491 ms");
  return notes;
}

function measuredNotes(input: CaptionInput): string[] {
  const { drawn, ofModels, names } = input;
  const samples = describeSamples(drawn, ["ttft_ms", "tpot_ms"]);
  const hasInterval = drawn.some(
    (point) => finite(point.ttft_ms_lo) !== null || finite(point.tpot_ms_lo) !== null,
  );
  const notes = [
    `Bars are medians${samples ? ` (${samples})` : ""}; ${hasInterval ? "whiskers are 95% intervals of the median" : "the rows carry no interval"}`,
  ];
  if (drawn.some(isDoubtful)) notes.push("Pale bars: the measurement is marked as doubtful");
  for (const [model, name] of names) {
    const oom = ofModels.filter((point) => point.model === model && point.status === "oom");
    if (oom.length > 0)
      notes.push(
        `${name} ran out of memory at ${listOf(oom.map((p) => formatTokens(p.prompt_tokens)))} tokens`,
      );
  }
  const differences = differencesFromPaper(input);
  notes.push(`Unlike the paper's figure: ${differences.join("; ")}`);
  return notes;
}

/** Only what the rows state: an absent column is no difference. */
function differencesFromPaper({ drawn, models, lengths }: CaptionInput): string[] {
  const values = (setting: Setting): (string | number)[] => distinct(drawn.map((point) => point[setting]));
  const devices = values("device").map((device) => deviceName(String(device)));
  const differences: string[] = [];
  if (devices.some((device) => !device.includes(PAPER.device)))
    differences.push(`another device (there ${PAPER.device})`);
  if (!PAPER.models.every((model) => models.includes(model)))
    differences.push(`other models (there ${listOf([...displayNames(PAPER.models).values()])})`);
  if (lengths.join() !== PAPER.lengths.join())
    differences.push(`other prompt lengths (there ${listOf(PAPER.lengths.map(formatTokens))})`);
  if (values("new_tokens").some((count) => count !== PAPER.newTokens))
    differences.push(`another number of new tokens (there ${PAPER.newTokens})`);
  if (values("prefill").includes("chunked")) differences.push("chunked prefill (there monolithic)");
  if (values("logits").includes("last"))
    differences.push("logits of the last position only (there of every position)");
  if (values("ep").some((ep) => ep !== "pytorch"))
    differences.push("ONNX Runtime (there PyTorch, and the authors' kernels for Mamba2)");
  differences.push(
    `TPOT is (E2E − TTFT)/(new tokens − 1) (there the divisor is the number of new tokens)`,
    `medians of repeated runs (there one run)`,
  );
  return differences;
}
