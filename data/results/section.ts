import type { ColumnTable } from "arquero";
import { campaign, together } from "./campaigns.js";
import { claimReasons, claimTable, judged } from "./claims.js";
import { crossoverSentences, type Pair } from "./crossovers.js";
import { energyTable, largestErrorPct } from "./energy.js";
import { cpuColumns, gpuColumns, latencyTable, paperColumns } from "./latency.js";
import { ceilingsOf, limitsTable } from "./limits.js";
import { dominanceSentence, operatorTable } from "./operators.js";
import { loweringTable } from "./lowerings.js";
import { digits } from "./markdown.js";
import { peerTable } from "./peers.js";
import { repeatSentence } from "./repeat.js";

const BEGIN = "<!-- results: written by `npm run results` from data/h200 and data/cpu -->";
const END = "<!-- end of results -->";

/** Models of a class: of nearly the same parameters, or that the paper sets beside each other. */
const GPU_PAIRS: readonly Pair[] = [
  ["qwen2.5-0.5b", "mamba2-780m"],
  ["qwen2.5-0.5b", "falcon-h1-0.5b"],
  ["llama-3.2-1b", "mamba-790m"],
  ["llama-3.2-1b", "zamba2-1.2b"],
  ["qwen2.5-1.5b", "mamba2-1.3b"],
  ["qwen2.5-1.5b", "falcon-h1-1.5b"],
  ["qwen2.5-1.5b", "hymba-1.5b"],
];
const CPU_PAIRS: readonly Pair[] = [
  ["gpt-neo-125m", "mamba-130m"],
  ["gpt-neo-125m", "mamba2-130m"],
  ["qwen2.5-0.5b", "mamba2-130m"],
];
const METRICS = ["ttft_ms", "tpot_ms", "total_bytes"] as const;

/** The README with its results as the rows have them now. */
export function withResults(readme: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`README.md lacks ${BEGIN} ... ${END}`);
  return `${readme.slice(0, begin)}${BEGIN}\n\n${resultsSection()}\n\n${readme.slice(end)}`;
}

/** What the campaigns in data say, as markdown: tables, the crossovers in sentences, what limits each family. */
export function resultsSection(): string {
  return [...gpuResults(), ...cpuResults()].join("\n\n");
}

function gpuResults(): string[] {
  const [latency, long, ceilings, operators, energy, paperSettings, peers, lowerings] = (
    ["latency", "long", "ceilings", "operators", "energy", "paper-settings", "peers", "lowerings"] as const
  ).map(ofH200) as [ColumnTable, ColumnTable, ...ColumnTable[]];
  const { flopsPerS, bytesPerS } = ceilingsOf(ceilings!);
  const held = { ours: judged(together(latency, energy!)), paperSettings: judged(paperSettings!) };
  return [
    `**NVIDIA H200**, float16, batch 1, 256 new tokens, random weights, by the plans [latency](data/plans/latency.json) and [long](data/plans/long.json), every cell on one of several cards ([which](data/README.md#our-own)): ${trust(together(latency, long))} ${repeatSentence()}`,
    latencyTable(together(latency, long), gpuColumns),
    "![TTFT against prompt length on an H200](data/h200/ttft.svg)",
    "Where the curves cross:",
    crossoverSentences(latency, GPU_PAIRS, METRICS),
    `What limits: the share of the least time that the card allows through ONNX Runtime (\`ssm-scope ceilings\`: ${digits(flopsPerS / 1e12)} TFLOP/s, ${digits(bytesPerS / 1e9)} GB/s), by prompt length.`,
    limitsTable(latency, ceilings!, [1024, 8192, 32768, 131072]),
    "Where a prompt's time goes, by class (`ssm-scope profile`; in a profile launches wait for their kernels, by which it is longer than the unprofiled pass):",
    operatorTable(operators!),
    `${dominanceSentence(operators!)} That they dominate is, on ONNX Runtime, first of all a finding about operators that are missing.`,
    "The same prompts by stock operators ([lowerings](data/plans/lowerings.json)):",
    loweringTable(lowerings!, latency),
    `Energy of the card, idle power included, by [energy](data/plans/energy.json); when the sensor was read leaves at most ${largestErrorPct(energy!).toFixed(1)} % of doubt:`,
    energyTable(energy!, [1024, 8192, 32768, 57344]),
    "PyTorch on the same card and day, float16, batch 1: transformers' Qwen2 with scaled_dot_product_attention, mamba_ssm's Mamba2 with its Triton kernels and causal_conv1d. Its CUDA graph is of the decode step. Ours are of that card where it measured them, else those above; ratios above 1 are in our favour.",
    peerTable(peers!, together(energy!, latency)),
    "By the settings of the paper, a prompt in one piece with the logits of every position ([paper-settings](data/plans/paper-settings.json)):",
    latencyTable(paperSettings!, paperColumns),
    "The paper's claims that these rows bear on (`ssm-scope claims data/h200/latency`), and why some do not hold:",
    claimTable(held),
    claimReasons(held),
  ];
}

function ofH200(name: string): ColumnTable {
  const rows = campaign("h200", name);
  if (!rows) throw new Error(`data/h200 lacks ${name}`);
  return rows;
}

function cpuResults(): string[] {
  const [latency, operators] = [campaign("cpu", "latency"), campaign("cpu", "operators")];
  return [
    ...(latency
      ? [
          `**Two cores of an AMD EPYC**, float32, 16 new tokens, by [data/plans/cpu.json](data/plans/cpu.json): ${trust(latency)}`,
          latencyTable(latency, cpuColumns),
          crossoverSentences(latency, CPU_PAIRS, METRICS),
        ]
      : []),
    ...(operators
      ? [
          "Where a prompt's time goes on two CPU cores, float32:",
          operatorTable(operators),
          dominanceSentence(operators),
        ]
      : []),
  ];
}

interface Sample {
  readonly cell: string;
  readonly status: string;
  readonly superseded?: boolean | null;
  readonly verdict: string | null;
  readonly verdict_reasons: readonly string[] | null;
}

/** How many cells there are, and of how many every sample may be trusted. */
function trust(rows: ColumnTable): string {
  const samples = (rows.objects() as Sample[]).filter(({ status, superseded }) => status === "ok" && superseded !== true);
  const names = [...new Set(samples.map(({ cell }) => cell))];
  const among = names.map((name) => samples.filter(({ cell }) => cell === name));
  const beyond = among.filter((cell) => reasons(cell).includes("beyond_positions"));
  const within = among.filter((cell) => !beyond.includes(cell));
  const isOk = (cell: readonly Sample[]): boolean => cell.every(({ verdict }) => verdict === "ok");
  const sound = beyond.filter((cell) => reasons(cell).every((reason) => reason === "beyond_positions"));
  return (
    `${samples.length} samples of ${names.length} cells, medians below. ` +
    `All samples of ${within.filter(isOk).length} of ${within.length} cells have the verdict ok` +
    (beyond.length === 0
      ? "."
      : `; ${beyond.length} more lie beyond the positions that their models were made for, which times and memory do not feel and quality does: but for that, ${sound.length} of them are ok.`)
  );
}

const reasons = (cell: readonly Sample[]): readonly string[] => [
  ...new Set(cell.flatMap(({ verdict_reasons }) => verdict_reasons ?? [])),
];
