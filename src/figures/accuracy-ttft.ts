import type { Row } from "../record/schema.js";
import { linearTicks, logDomain, logTicks, type Domain } from "./axis.js";
import { differences, type PaperSetting } from "./differences.js";
import { accuracyBars } from "./accuracy-bars.js";
import type { Figure, FigureForm, JsonObject, Layout } from "./figure.js";
import { displayNames, formatNumber, formatTokens, listOf, wrap } from "./format.js";
import { asPoints, commonLengths, distinct, factsOf, finite, isDoubtful, isOk, type Point } from "./point.js";
import { beside, MISSING_HEIGHT, missingView } from "./scaling-spec.js";
import { describeSamples, describeSettings, outOfMemory, refuseDuplicates } from "./settings.js";
import { sourced, sourceName, sourceTitle, type DrawOptions, type Sourced, type Sources } from "./sources.js";
import { familyShape, INK, modelColors, MUTED, pale, THEME } from "./theme.js";

const PAPER: PaperSetting = {
  device: "RTX 4090",
  models: ["qwen2.5-1.5b", "mamba2-1.3b", "falcon-h1-1.5b"],
  lengths: [57344],
};

/** How the tasks' makers write them. */
const TASKS: Readonly<Record<string, string>> = {
  mmlu: "MMLU",
  hellaswag: "HellaSwag",
  winogrande: "Winogrande",
  arc_c: "ARC-C",
  truthfulqa: "TruthfulQA",
};

/** One model: where it stands on the time axis. */
export interface Time {
  readonly model: string;
  readonly name: string;
  readonly ttftMs: number;
  readonly lo: number | null;
  readonly hi: number | null;
  readonly color: string;
  readonly shape: string;
}

/** One dot. */
export interface Score extends Pick<Time, "name" | "ttftMs" | "color" | "shape"> {
  readonly task: string;
  readonly accuracyPct: number;
}

/** One source as it is drawn: its models at one prompt length. */
interface Trade extends Sourced<readonly Point[]> {
  readonly title: string;
  readonly length: number | null;
  readonly times: readonly Time[];
  readonly scores: readonly Score[];
  readonly names: ReadonlyMap<string, string>;
  /** Whether the accuracies are the paper's, beside one's own times. */
  readonly borrowed: boolean;
  /** Which models ran out of memory at which lengths, a sentence each. */
  readonly oom: readonly string[];
}

/**
 * Figure 3 of the paper: accuracy of models of about 1.5 billion parameters against the time in which they read a long
 * prompt. Accuracy is no matter of the device and we do not measure it: without rows of accuracy of one's own, one's
 * times stand with the paper's accuracies where the paper is given too.
 *
 * The paper's form, bars beside a line on a second axis, hides the trade: here time is the x axis and each task a line
 * across the models. Of own rows it takes the longest prompt at which every model has a TTFT.
 */
export function figure3(sources: Sources, { layout = "wide", form = "improved" }: DrawOptions = {}): Figure {
  const given = sourced(sources);
  const published = sources.paper ? factsOf(sources.paper, "accuracy") : [];
  const all = given.map((one) => tradeOf(one, published));
  const where = all.map(({ title }) => title).join("; ");
  return {
    name: `fig3-${sourceName(given)}`,
    title: `Figure 3: accuracy against TTFT, ${where}`,
    caption: [
      form === "faithful"
        ? "As the paper drew it: accuracy on each task as bars (in %, left axis, which does not begin at 0), TTFT as a dashed line (in seconds, right axis) whose slope has no meaning, for models have no order"
        : "Accuracy on each task (in %, a line a task) against the time to first token (TTFT, in ms, logarithmic) of a long prompt; further left is faster, further up better",
      ...all.flatMap((one) => sentencesOf(one, all.length > 1)),
    ]
      .map((sentence) => `${sentence}.`)
      .join(" "),
    spec: specOf(all, layout, form),
  };
}

// Choosing what to draw.

function tradeOf(one: Sourced, published: readonly Row[]): Trade {
  const timed = asPoints(one.points).filter((point) => isOk(point) && (finite(point.ttft_ms) ?? 0) > 0);
  const present = distinct(timed.map(({ model }) => model));
  const models = distinct([...PAPER.models.filter((model) => present.includes(model)), ...present]);
  const lengths = timed.map((point) => point.prompt_tokens);
  const length = commonLengths(timed, models).at(-1) ?? (lengths.length > 0 ? Math.max(...lengths) : null);
  const points = timed.filter((point) => point.prompt_tokens === length);
  refuseDuplicates(points, "Figure 3");
  const names = displayNames(models);
  const colors = modelColors(timed);
  const times = points
    .map((point): Time => {
      const [lo, hi] = [finite(point.ttft_ms_lo), finite(point.ttft_ms_hi)];
      const color = colors.get(point.model)!;
      return {
        model: point.model,
        name: names.get(point.model)!,
        ttftMs: point.ttft_ms!,
        lo: hi === null ? null : lo,
        hi: lo === null ? null : hi,
        color: isDoubtful(point) ? pale(color) : color,
        shape: familyShape(point.family),
      };
    })
    .sort((a, b) => a.ttftMs - b.ttftMs);
  const own = factsOf(one.points, "accuracy");
  const scores = scoresOf(times, own.length > 0 ? own : published);
  return {
    source: one.source,
    points,
    title: sourceTitle({ ...one, points }),
    length,
    times,
    scores,
    names,
    borrowed: own.length === 0 && scores.length > 0,
    oom: outOfMemory(asPoints(one.points)),
  };
}

function scoresOf(times: readonly Time[], accuracy: readonly Row[]): Score[] {
  return times.flatMap(({ model, name, ttftMs, color, shape }) => {
    // A series may carry its settings behind its model's name; accuracy knows only the model.
    const registered = model.replace(/ \(.*$/, "");
    return accuracy
      .filter((row) => row.model === registered && finite(row.accuracy_pct) !== null)
      .map((row) => {
        const task = row.task ?? "task not stated";
        return { name, ttftMs, color, shape, task: TASKS[task] ?? task, accuracyPct: row.accuracy_pct! };
      });
  });
}

// Words.

const NO_ACCURACY = "no row of kind accuracy (model, task, accuracy_pct)";

/** What is missing, a phrase each; nothing where the figure is whole. */
function missing({ times, scores, names }: Trade): string[] {
  if (times.length === 0) return [`No row has ttft_ms; the paper's figure has ${paperNames(PAPER.models)}`];
  const phrases: string[] = [];
  const without = times.filter(({ name }) => !scores.some((score) => score.name === name));
  if (without.length > 0)
    phrases.push(`There is ${NO_ACCURACY} for ${listOf(without.map(({ name }) => name))}`);
  const absent = PAPER.models.filter((model) => !names.has(model));
  if (absent.length > 0)
    phrases.push(`No row has ttft_ms of ${paperNames(absent)}, which the paper's figure shows`);
  return phrases;
}

const paperNames = (models: readonly string[]): string => listOf([...displayNames(models).values()]);

function sentencesOf(one: Trade, withTitle: boolean): string[] {
  const { source, points, title, length, times, names, borrowed } = one;
  const sentences = withTitle ? [`${title[0]!.toUpperCase()}${title.slice(1)}`] : [];
  if (times.length === 0) return [...sentences, ...missing(one)];
  sentences.push(
    `Setting: ${[`prompt of ${formatTokens(length!)} tokens`, describeSettings(points)].filter(Boolean).join(", ")}`,
  );
  if (source === "paper")
    sentences.push(
      "Redrawn from the published rows (arXiv 2507.12442, Figure 3, where accuracy is bars and TTFT a line on a second axis)",
      "The published TTFT is the mean of ten passes under a profiler, rounded to 10 ms, so it does not compare with Figures 1 and 6b, and it has no interval (W19)",
      "The accuracies were not measured by the artifact; harness, shots and split are not stated",
      "The configuration of Qwen2.5 lists 32,768 positions: how fast it reads 57,344 tokens says nothing about its quality there (W16)",
    );
  else {
    const samples = describeSamples(points, ["ttft_ms"]);
    sentences.push(
      `TTFT is the median${samples ? ` (${samples})` : ""}; bands are its 95% intervals where the rows carry one`,
    );
    if (points.some(isDoubtful)) sentences.push("Pale marks: the measurement is marked as doubtful");
    if (borrowed) sentences.push("The accuracies are the paper's, for accuracy is no matter of the device");
    const found = differences(PAPER, { drawn: points, models: [...names.keys()], lengths: [length!] });
    if (found.length > 0) sentences.push(`Unlike the paper's figure: ${found.join("; ")}`);
  }
  return [...sentences, ...one.oom, ...missing(one)];
}

// Drawing.

const SIZE = {
  wide: { one: 560, two: 330, height: 300, characters: 100 },
  narrow: { one: 230, two: 230, height: 260, characters: 50 },
} as const satisfies Record<Layout, unknown>;

const LINE_HEIGHT = 15;

function specOf(all: readonly Trade[], layout: Layout, form: FigureForm): JsonObject {
  const size = SIZE[layout];
  const width = all.length > 1 ? size.two : size.one;
  const scores = all.flatMap((one) => one.scores.map(({ accuracyPct }) => accuracyPct));
  const y: Domain = scores.length > 0 ? [Math.min(...scores) - 4, Math.max(...scores) + 4] : [0, 100];
  const views = all.map((one) =>
    form === "faithful"
      ? barsOf(one, { width, height: size.height })
      : viewOf(one, { y, width, height: size.height, alone: all.length === 1 }),
  );
  const titles = all.map(
    ({ title, length }) => title + (length === null ? "" : `, ${formatTokens(length)} tokens`),
  );
  const notes = all.flatMap((one) => [
    ...(one.borrowed ? ["The accuracies beside times measured here are the paper's"] : []),
    ...(one.times.length > 0 ? missing(one) : []),
  ]);
  const drawn = form === "faithful" ? ["As the paper drew it"] : [];
  const subtitle = [...(all.length > 1 ? [] : titles), ...drawn, ...notes];
  const most = Math.max(...all.map(({ times }) => times.length));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: THEME,
    title: {
      text: "Figure 3, accuracy against time to first token",
      subtitle: subtitle.flatMap((text) => wrap(text, size.characters)),
      fontSize: 14,
      offset: 12,
    },
    ...beside(
      views.map((view, i) => ({ view, title: titles[i]! })),
      { lift: form === "faithful" ? 10 : 12 + LINE_HEIGHT * most, layout },
    ),
  };
}

const barsOf = (one: Trade, size: { width: number; height: number }): JsonObject =>
  one.scores.length > 0
    ? accuracyBars(one, size)
    : missingView(`There is nothing to draw. ${missing(one).join(". ")}.`, size);

function viewOf(
  one: Trade,
  { y: yDomain, width, height, alone }: { y: Domain; width: number; height: number; alone: boolean },
): JsonObject {
  const { times, scores } = one;
  if (times.length === 0)
    return missingView(`There is nothing to draw. ${missing(one).join(". ")}.`, {
      width,
      height: alone ? MISSING_HEIGHT : height,
    });
  const xDomain = logDomain(
    times.flatMap(({ ttftMs, lo, hi }) => [ttftMs, lo ?? ttftMs, hi ?? ttftMs]).filter((value) => value > 0),
    0.12,
  );
  const x = (field: string): JsonObject => ({
    field,
    type: "quantitative",
    title: "TTFT (ms)",
    scale: { type: "log", domain: xDomain, nice: false },
    axis: { values: logTicks(xDomain), format: ",~r", grid: false, labelSeparation: 6 },
  });
  const y: JsonObject = {
    field: "accuracyPct",
    type: "quantitative",
    title: "accuracy (%)",
    scale: { domain: yDomain, nice: false },
    axis: { values: linearTicks(yDomain, 6) },
  };
  const last = times.at(-1)!;
  return {
    width,
    height,
    layer: [
      ...timeLayers(times, x),
      ...scoreLayers(scores, last.name, { x: x("ttftMs"), y }),
      ...noScores(scores),
    ],
  };
}

/** Each model's time as a vertical rule with its name above, one line a model so that no name covers another. */
function timeLayers(times: readonly Time[], x: (field: string) => JsonObject): JsonObject[] {
  const bands = times.filter(({ lo, hi }) => lo !== null && hi !== null);
  const layers: JsonObject[] = [];
  if (bands.length > 0)
    layers.push({
      data: { values: bands.map(({ lo, hi }) => ({ lo, hi })) },
      mark: { type: "rect", color: "#000000", opacity: 0.08 },
      encoding: { x: x("lo"), x2: { field: "hi" } },
    });
  layers.push({
    data: { values: times.map(({ ttftMs, color }) => ({ ttftMs, color })) },
    mark: { type: "rule", strokeDash: [3, 3] },
    encoding: { x: x("ttftMs"), color: { field: "color", type: "nominal", scale: null } },
  });
  times.forEach(({ name, ttftMs }, i) => {
    const label = `${name}, ${formatNumber(ttftMs)} ms`;
    layers.push({
      data: { values: [{ ttftMs, label }] },
      mark: { type: "text", baseline: "bottom", color: INK, fontWeight: "bold" },
      encoding: { x: x("ttftMs"), y: { value: -4 - LINE_HEIGHT * i }, text: { field: "label" } },
    });
  });
  return layers;
}

/** A line a task through the models in order of time, named right of the slowest one. */
function scoreLayers(
  scores: readonly Score[],
  lastName: string,
  { x, y }: { x: JsonObject; y: JsonObject },
): JsonObject[] {
  if (scores.length === 0) return [];
  const values = scores.map((score) => ({ ...score }));
  const ends = distinct(scores.map(({ task }) => task)).flatMap((task) =>
    scores.findLast((score) => score.task === task)!,
  );
  return [
    {
      data: { values },
      mark: { type: "line", color: MUTED, strokeWidth: 1 },
      encoding: { x, y, detail: { field: "task" } },
    },
    {
      data: { values },
      mark: { type: "point", filled: true, size: 80, opacity: 1 },
      encoding: {
        x,
        y,
        color: { field: "color", type: "nominal", scale: null },
        shape: { field: "shape", type: "nominal", scale: null },
      },
    },
    {
      data: { values: ends.map(({ task, ttftMs, accuracyPct }) => ({ task, ttftMs, accuracyPct })) },
      mark: { type: "text", align: "left", dx: 9, color: INK },
      encoding: { x, y, text: { field: "task" } },
    },
  ];
}

/** Words in the place of dots; twice, a white edge first, so that rules and bands do not run through the letters. */
const noScores = (scores: readonly Score[]): JsonObject[] =>
  scores.length > 0
    ? []
    : [{ stroke: "#ffffff", strokeWidth: 4 }, {}].map((edge) => ({
        data: { values: [{ lines: wrap(`There is ${NO_ACCURACY}.`, 40) }] },
        mark: { type: "text", color: MUTED, lineHeight: 16, ...edge },
        encoding: { text: { field: "lines" } },
      }));
