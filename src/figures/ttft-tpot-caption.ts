import { differences } from "./differences.js";
import type { FigureForm } from "./figure.js";
import { formatTokens, listOf } from "./format.js";
import { finite, isDoubtful, type Point } from "./point.js";
import { describeSamples, describeSettings } from "./settings.js";

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
  form: FigureForm;
}

/** The caption of Figure 1, plain sentences: what is shown, under which setting, and unlike the paper's how. */
export function caption(input: CaptionInput): string {
  const { drawn, models, lengths, names, source, form } = input;
  const shown = listOf(models.map((model) => names.get(model)!));
  const at = listOf(lengths.map(formatTokens));
  const sentences = [
    `Time to first token (TTFT) and time per output token (TPOT) of ${shown} at ${at} prompt tokens, in ${form === "faithful" ? "seconds" : "ms"}; every panel has its own scale`,
    `Setting: ${describeSettings(drawn) || "the rows state none"}`,
    ...(form === "faithful"
      ? ["As the paper drew it: bars with their values; the improved form shows intervals and what failed"]
      : source === "paper"
        ? paperNotes(input)
        : measuredNotes(input)),
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
  notes.push(`Unlike the paper's figure: ${differencesFromPaper(input).join("; ")}`);
  return notes;
}

const differencesFromPaper = ({ drawn, models, lengths }: CaptionInput): string[] => [
  ...differences(PAPER, { drawn, models, lengths }),
  `TPOT is (E2E − TTFT)/(new tokens − 1) (there the divisor is the number of new tokens)`,
  `medians of repeated runs (there one run)`,
];
