import { linearTicks } from "./axis.js";
import type { Figure, Layout } from "./figure.js";
import { displayNames, formatTokens, listOf } from "./format.js";
import { groupedBars, type BarPiece, type BarScale, type GroupedBars } from "./grouped-bars.js";
import { asPoints, distinct, isOk, type Point, type Points } from "./point.js";
import { headed, MISSING_HEIGHT, missingView } from "./scaling-spec.js";
import { describeSettings, refuseDuplicates } from "./settings.js";
import { eachSource, sourceTitle, type DrawOptions, type Source, type Sources } from "./sources.js";
import { modelColors } from "./theme.js";

/** A figure of the paper whose x axis is prompt lengths, evenly spaced whatever lies between them. */
export interface BarsOverLengths {
  readonly number: string;
  readonly title: string;
  /** The models in the order of their bars; without any of them those of the rows. */
  readonly models: readonly string[];
  /** What rows must have for a bar. */
  readonly needs: string;
  /** How it is drawn in the paper, for the caption; sentences without their full stops. */
  readonly drawn: readonly string[];
  /** How to read a bar, where it is a stack. */
  readonly key?: string;
  readonly piecesOf: (point: Point) => readonly Omit<BarPiece, "group" | "series">[];
  readonly barsOf: (
    pieces: readonly BarPiece[],
    given: { readonly points: readonly Point[]; readonly source: Source },
  ) => Pick<GroupedBars, "y" | "text" | "turned" | "limit">;
}

const SIZE = {
  wide: { width: 800, height: 300, legendColumns: 7 },
  narrow: { width: 320, height: 240, legendColumns: 2 },
} as const satisfies Record<Layout, unknown>;

/** The figure as the paper drew it, from either source; of both the paper's above one's own. */
export const barsOverLengths = (
  figure: BarsOverLengths,
): ((sources: Sources, options?: DrawOptions) => Figure) =>
  eachSource<Points, DrawOptions>((points, options) => draw(figure, points, options));

function draw(
  figure: BarsOverLengths,
  given: Points,
  { layout = "wide", source }: DrawOptions & { source: Source },
): Figure {
  const { number, title, needs, models: printed } = figure;
  const points = asPoints(given).filter((point) => isOk(point) && figure.piecesOf(point).length > 0);
  refuseDuplicates(points, `Figure ${number}`);
  const present = distinct(points.map(({ model }) => model));
  const names = displayNames(distinct([...printed.filter((model) => present.includes(model)), ...present]));
  const lengths = distinct(points.map(({ prompt_tokens: length }) => length)).sort((a, b) => a - b);
  const pieces = points.flatMap((point) =>
    figure.piecesOf(point).map((piece) => ({
      ...piece,
      group: formatTokens(point.prompt_tokens),
      series: names.get(point.model)!,
    })),
  );
  const where = sourceTitle({ source, points: given });
  const size = SIZE[layout];
  const absent = listOf([...displayNames(printed).values()]);
  const missing = `There is nothing to draw: no row has ${needs}. The paper's figure has ${absent}.`;
  const colors = modelColors([...names.keys()].map((model) => points.find((one) => one.model === model)!));
  return {
    name: `fig${number}-${source}`,
    title: `Figure ${number}: ${title}, ${where}, as the paper drew it`,
    caption:
      pieces.length === 0
        ? missing
        : [
            `${title} against prompt length`,
            `As the paper drew it (arXiv 2507.12442, Figure ${number}): bars at evenly spaced lengths, so the axis is not to scale`,
            ...figure.drawn,
            `Setting: ${describeSettings(points) || "the rows state none"}`,
            "A bar that is missing says nothing of why: the model may have run out of memory, failed, or not been tried",
            "The improved form shows true lengths, intervals and what is known of failures",
          ]
            .map((sentence) => `${sentence}.`)
            .join(" "),
    spec: headed(
      {
        title: `Figure ${number}, ${title[0]!.toLowerCase()}${title.slice(1)}`,
        subtitle: [`${where}, as the paper drew it`, ...(figure.key === undefined ? [] : [figure.key])],
        layout,
      },
      pieces.length === 0
        ? missingView(missing, { width: size.width, height: MISSING_HEIGHT })
        : groupedBars({
            groups: lengths.map(formatTokens),
            series: [...names].map(([model, name]) => ({ name, color: colors.get(model)! })),
            pieces,
            x: "prompt length (tokens)",
            ...size,
            ...figure.barsOf(pieces, { points, source }),
          }),
    ),
  };
}

/** From 0 to a little above the highest. */
export function linearAxis(title: string, highest: number): BarScale {
  const top = 1.08 * highest;
  return {
    title,
    scale: { domain: [0, top], nice: false },
    axis: { values: linearTicks([0, top], 5) },
  };
}

/** Whole decades around the values, with room for what is printed on the bars. */
export function decadeAxis(title: string, values: readonly number[]): BarScale {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.log10(Math.max(...values)) + 0.5;
  return {
    title,
    scale: { type: "log", domain: [10 ** low, 10 ** high], nice: false },
    axis: {
      values: Array.from({ length: Math.floor(high) - low + 1 }, (_, i) => 10 ** (low + i)),
      format: ",~r",
    },
  };
}
