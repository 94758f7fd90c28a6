import { differences, type PaperSetting } from "./differences.js";
import { displayNames, formatTokens, listOf } from "./format.js";
import type { Footprint } from "./memory-footprint.js";
import { isDoubtful } from "./point.js";
import { describeSamples, describeSettings, outOfMemory } from "./settings.js";

export type MemoryFigure = "5a" | "5b";

/** What the paper's figures show, models in the order of their bars. */
export const PAPER_MEMORY: Readonly<Record<MemoryFigure, PaperSetting>> = {
  "5a": {
    device: "RTX 4090",
    models: [
      "phi-3-mini-128k",
      "qwen2.5-0.5b",
      "llama-3.2-1b",
      "mamba-790m",
      "mamba2-780m",
      "falcon-h1-0.5b",
      "zamba2-1.2b",
    ],
  },
  "5b": {
    device: "Jetson Orin Nano",
    models: ["llama-3.2-1b", "qwen2.5-0.5b", "mamba-790m", "mamba2-780m", "falcon-h1-0.5b", "zamba2-1.2b"],
  },
};

/** What an audit of the published rows found, with the model whose panel shows it. */
const NOTES: readonly (readonly [model: string, note: string, figure?: MemoryFigure])[] = [
  [
    "qwen2.5-0.5b",
    "The published activations are mostly the logits of every position: per token they grow by the vocabulary times 2 bytes (Qwen2.5 0.29 MiB, Llama-3.2 0.25 MiB, Mamba 0.10 MiB), so the savings and the longest prompts follow the size of the vocabulary (W8)",
  ],
  [
    "qwen2.5-0.5b",
    "It is not the KV cache that fills the memory: at 57,344 tokens it is 3.4 % of the total of Qwen2.5-0.5B (W9)",
    "5a",
  ],
  [
    "falcon-h1-0.5b",
    "The published KV cache of Falcon-H1-0.5B is 0, although its attention layers need 18 KiB a token; a published cache is a difference of two peaks, in which the cache was not there (W10)",
  ],
  [
    "falcon-h1-0.5b",
    "At 256 tokens that difference is below 0 (−230 MiB) and takes no room in the stack, which then stands higher than its total (W10)",
    "5b",
  ],
  ["phi-3-mini-128k", "That of Phi-3 at 1,024 tokens is 1.94 times what its configuration needs (W10)", "5a"],
  ["mamba2-780m", "The states of the SSMs were not measured and count as 0"],
  [
    "mamba2-780m",
    "At 256 tokens the activations of the Mambas hold some 200 MiB of work space of a first run (W11)",
    "5b",
  ],
  [
    "qwen2.5-0.5b",
    "42 of the 46 published rows are those of the RTX 4090 in every field, so this figure is no evidence beside Figure 5a (W12)",
    "5b",
  ],
];

/** The caption of Figures 5a and 5b, plain sentences: what is shown, under which setting, and unlike the paper's how. */
export const caption = (number: MemoryFigure, all: readonly Footprint[]): string =>
  [
    "Memory of one prefill against prompt length, a panel a model, the panels of a device on the same axes, the length logarithmic (1K is 1,024 tokens): what its total goes to, stacked, in GiB (2³⁰ bytes)",
    ...all.flatMap((one) => sentencesOf(number, one, all.length > 1)),
  ]
    .map((sentence) => `${sentence}.`)
    .join(" ");

function sentencesOf(number: MemoryFigure, one: Footprint, withTitle: boolean): string[] {
  const { source, points, title, stacks, models } = one;
  const sentences = withTitle ? [`${title[0]!.toUpperCase()}${title.slice(1)}`] : [];
  if (!stacks.some(({ totals }) => totals.length > 0))
    return [...sentences, "There is nothing to draw: no row has total_bytes of a run that succeeded"];
  sentences.push(`Setting: ${describeSettings(points) || "the rows state none"}`);
  if (source === "paper")
    sentences.push(
      `Redrawn from the published rows (arXiv 2507.12442, Figure ${number}, where they are bars at evenly spaced lengths); one reading a length, without warm-up; areas join neighbouring lengths`,
      "✕: the next length that others have rows of; whether memory ran out there is not recorded",
      ...NOTES.filter(([model, , figure]) => models.has(model) && (figure ?? number) === number).map(
        ([, note]) => note,
      ),
    );
  else sentences.push(...measuredNotes(number, one));
  const end = (tokens: number | null): string =>
    tokens === null ? "beyond the measured" : formatTokens(tokens);
  for (const { name, crossings = [] } of stacks)
    for (const { tokens, lo, hi, than } of crossings)
      sentences.push(
        `${name} needs less than ${than} from ${formatTokens(tokens)} tokens on (${end(lo)} to ${end(hi)}), where the lines between their totals cross`,
      );
  const missing = PAPER_MEMORY[number].models.filter((model) => !models.has(model));
  if (missing.length > 0)
    sentences.push(
      `No rows for ${listOf([...displayNames(missing).values()])}, which the paper's figure shows`,
    );
  return sentences;
}

function measuredNotes(number: MemoryFigure, { points, models }: Footprint): string[] {
  const samples = describeSamples(points, ["total_bytes"]);
  const notes = [
    `Dots are median totals${samples ? ` (${samples})` : ""}, whiskers their 95% intervals where they have any; areas are medians of the parts and join neighbouring lengths; states are held twice`,
  ];
  if (points.some(isDoubtful)) notes.push("Hollow dots: the measurement is marked as doubtful");
  notes.push(...outOfMemory(points).map((sentence) => `✕: ${sentence}`));
  const found = differences(PAPER_MEMORY[number], { drawn: points, models: [...models.keys()], lengths: [] });
  if (found.length > 0) notes.push(`Unlike the paper's figure: ${found.join("; ")}`);
  return notes;
}
