import { differences, type PaperSetting } from "./differences.js";
import { barsOverLengths, decadeAxis, linearAxis } from "./bars-over-lengths.js";
import type { Figure } from "./figure.js";
import { displayNames, listOf } from "./format.js";
import { asPoints, distinct, finite, isDoubtful, isOk, type Metric, type Point } from "./point.js";
import { dotOf, METRICS } from "./scaling.js";
import {
  crossoverWords,
  scalingPanels,
  type CrossoverMark,
  type CurvePoint,
  type Drawing,
  type Panel,
} from "./scaling-spec.js";
import { describeSamples, describeSettings, outOfMemory, refuseDuplicates } from "./settings.js";
import { sourced, sourceName, sourceTitle, type DrawOptions, type Sourced, type Sources } from "./sources.js";

/** A figure of the paper that shows one metric over the prompt length, as bars there and as lines here. */
interface Subject {
  readonly number: string;
  readonly metric: Metric;
  readonly title: string;
  readonly paper: PaperSetting;
  /** What the metric is, for the caption; sentences without their full stops. */
  readonly about: readonly string[];
  /** What an audit of the published rows found, with the model whose line shows it. */
  readonly notes: readonly (readonly [model: string, note: string])[];
  /** What rows must have for a point of this figure. */
  readonly needs: string;
}

const MODELS = ["qwen2.5-0.5b", "mamba2-780m", "falcon-h1-0.5b"] as const;

const ENERGY: Subject = {
  number: "6a",
  metric: "energy_j",
  title: "Energy of a prefill",
  paper: { device: "RTX 4090", models: MODELS },
  about: ["Energy of one prefill pass, idle power included, in joules"],
  notes: [
    [
      "qwen2.5-0.5b",
      "Between 24,576 and 32,768 tokens the published energy of Qwen2.5-0.5B leaps 3.07×, so what it shows at 57,344 tokens lies beyond this step",
    ],
    [
      "qwen2.5-0.5b",
      "Up to 8,192 tokens the published energy of Qwen2.5-0.5B over its TTFT implies more than the board's limit of 450 W: the window of the power samples is longer than the pass",
    ],
  ],
  needs: "energy_j, of a prefill whose power was sampled",
};

const THROUGHPUT: Subject = {
  number: "6b",
  metric: "overall_tokens_per_s",
  title: "End-to-end throughput",
  paper: { device: "RTX 4090", models: MODELS, newTokens: 256 },
  about: [
    "Throughput is (prompt tokens + new tokens) / time from the prompt to the last token, in tokens/s: prompts are read faster than answers are written, so it mostly rises with the prompt; higher is better",
  ],
  notes: [
    [
      "qwen2.5-0.5b",
      "Between 24,576 and 32,768 tokens the published TTFT of Qwen2.5-0.5B leaps 3.19× and its TPOT 3.37×, and only behind this step is it overtaken",
    ],
    [
      "mamba2-780m",
      "The rows of Mamba2-780m have a TTFT of 757 ms at 32,768 tokens where the paper's Figure 1 has 491 ms",
    ],
  ],
  needs: "overall_tokens_per_s, of a generation of new tokens",
};

const ENERGY_BARS = barsOverLengths({
  ...ENERGY,
  models: MODELS,
  drawn: ["Energy of one prefill pass in joules, the axis logarithmic, the values on the bars"],
  piecesOf: (point) => (isPrefill(point) ? barOf(point, "energy_j") : []),
  barsOf: (pieces) => {
    const y = decadeAxis(
      "energy (J)",
      pieces.map(({ to }) => to),
    );
    return { y, text: ({ to }) => to.toFixed(1), turned: true };
  },
});

const THROUGHPUT_BARS = barsOverLengths({
  ...THROUGHPUT,
  models: MODELS,
  drawn: ["Throughput is (prompt tokens + new tokens) / time from the prompt to the last token, in tokens/s"],
  piecesOf: (point) => barOf(point, "overall_tokens_per_s"),
  barsOf: (pieces) => ({ y: linearAxis("throughput (tokens/s)", Math.max(...pieces.map(({ to }) => to))) }),
});

/** A bar from the foot of the axis, which of a logarithmic one is not 0. */
function barOf(point: Point, metric: Metric): { from: number; to: number }[] {
  const value = finite(point[metric]);
  return value === null || value <= 0 ? [] : [{ from: 0, to: value }];
}

/** Figure 6a of the paper: energy of a prefill against its length. */
export const figure6a = (sources: Sources, options: DrawOptions = {}): Figure =>
  options.form === "faithful" ? ENERGY_BARS(sources, options) : draw(ENERGY, sources, options);

/** Figure 6b of the paper: throughput of a whole generation against the length of its prompt. */
export const figure6b = (sources: Sources, options: DrawOptions = {}): Figure =>
  options.form === "faithful" ? THROUGHPUT_BARS(sources, options) : draw(THROUGHPUT, sources, options);

/** One source as it is drawn. */
interface Series extends Sourced<readonly Point[]> {
  readonly title: string;
  readonly drawing: Drawing;
}

function draw(subject: Subject, sources: Sources, { layout = "wide", crossovers }: DrawOptions): Figure {
  const { number, title } = subject;
  const given = sourced(sources);
  const all = given.map((one) =>
    seriesOf(subject, one, (one.source === "paper" ? crossovers?.paper : crossovers?.rows) ?? []),
  );
  const where = all.map((one) => one.title).join("; ");
  return {
    name: `fig${number}-${sourceName(given)}`,
    title: `Figure ${number}: ${title}, ${where}`,
    caption: [
      `${title} against prompt length, both axes logarithmic`,
      ...subject.about,
      ...all.flatMap((one) => captionOf(subject, one, all.length > 1)),
    ]
      .map((sentence) => `${sentence}.`)
      .join(" "),
    spec: scalingPanels(
      all.map((one) => panelOf(subject, one)),
      {
        title: `Figure ${number}, ${title[0]!.toLowerCase()}${title.slice(1)}`,
        subtitle: all.length > 1 ? [] : [where, ...missingModels(subject, all[0]!)],
        layout,
      },
    ),
  };
}

function seriesOf(
  { metric, paper, number }: Subject,
  one: Sourced,
  crossovers: readonly CrossoverMark[],
): Series {
  const { source } = one;
  const points = asPoints(one.points)
    .filter((point) => point.prompt_tokens > 0 && (point.status === "oom" || drawn(point, metric)))
    .filter((point) => metric !== "energy_j" || isPrefill(point));
  refuseDuplicates(points, `Figure ${number}`);
  const present = distinct(points.map(({ model }) => model));
  // The paper's order, then what it does not show.
  const models = [...paper.models.filter((model) => present.includes(model)), ...present];
  const names = displayNames(distinct(models));
  const ok = points.filter((point) => drawn(point, metric));
  return {
    source,
    points,
    title: sourceTitle(one),
    drawing: {
      points,
      dots: ok.flatMap((point) => dotOf(point, metric)),
      curves: ok.map((point): CurvePoint => ({
        model: point.model,
        prompt_tokens: point.prompt_tokens,
        value: point[metric]!,
      })),
      crossovers,
      oom: points.filter((point) => point.status === "oom"),
      names,
      axis: METRICS[metric].axis,
    },
  };
}

/** Own rows have the energy of decoding and of a whole generation too. */
const isPrefill = ({ kind, phase }: Point): boolean =>
  kind !== "energy" || phase == null || phase === "prefill";

const drawn = (point: Point, metric: Metric): boolean => isOk(point) && finite(point[metric]) !== null;

function panelOf(subject: Subject, one: Series): Panel {
  const { title, drawing } = one;
  return drawing.dots.length > 0
    ? { title, drawing }
    : { title, missing: `There is nothing to draw: ${missingRows(subject, one)}.` };
}

function missingRows({ needs, paper }: Subject, { points }: Series): string {
  const oom = points.length > 0 ? "every row ran out of memory; " : "";
  return `${oom}no row has ${needs}. The paper's figure has ${listOf([...displayNames(paper.models).values()])}`;
}

/** In words which models of the paper's figure have no rows. */
function missingModels({ paper }: Subject, { drawing: { names } }: Series): string[] {
  const missing = paper.models.filter((model) => !names.has(model));
  if (missing.length === 0 || names.size === 0) return [];
  return [`No rows for ${listOf([...displayNames(missing).values()])}, which the paper's figure shows`];
}

function captionOf(subject: Subject, one: Series, withTitle: boolean): string[] {
  const { metric, paper, notes, number } = subject;
  const { source, points, title, drawing } = one;
  const { dots, names, crossovers } = drawing;
  const sentences = withTitle ? [`${title[0]!.toUpperCase()}${title.slice(1)}`] : [];
  if (dots.length === 0) return [...sentences, `There is nothing to draw: ${missingRows(subject, one)}`];
  sentences.push(`Setting: ${describeSettings(points) || "the rows state none"}`);
  if (source === "paper")
    sentences.push(
      `Redrawn from the published rows (arXiv 2507.12442, Figure ${number}, where they are bars at evenly spaced lengths), one value a point without its spread; lines join neighbouring points`,
      ...notes.filter(([model]) => names.has(model)).map(([, note]) => note),
    );
  else {
    const samples = describeSamples(points, [metric]);
    const whiskers = dots.some((dot) => dot.lo !== null)
      ? "whiskers are their 95% intervals"
      : "the rows carry no interval";
    sentences.push(
      `Dots are medians${samples ? ` (${samples})` : ""}, ${whiskers}; lines join neighbouring points`,
    );
    if (points.some(isDoubtful)) sentences.push("Hollow dots: the measurement is marked as doubtful");
    const found = differences(paper, { drawn: points, models: [...names.keys()], lengths: [] });
    if (found.length > 0) sentences.push(`Unlike the paper's figure: ${found.join("; ")}`);
  }
  for (const mark of crossovers) {
    const [text, interval] = crossoverWords(mark, names);
    sentences.push(`${text!}${interval === undefined ? "" : ` (${interval})`}, where the lines cross`);
  }
  sentences.push(...outOfMemory(points).map((sentence) => `✕: ${sentence}`));
  return [...sentences, ...missingModels(subject, one)];
}
