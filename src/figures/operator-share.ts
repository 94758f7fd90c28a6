import { linearTicks, logDomain, powersOfTwo, type Domain } from "./axis.js";
import type { Figure, Json, JsonObject, Layout } from "./figure.js";
import { displayNames, listOf, wrap } from "./format.js";
import { whereOf } from "./operator-breakdown.js";
import { operatorCaption, yTitleOf } from "./operator-caption.js";
import { classesOf, type OperatorClass } from "./operator-class.js";
import { profilesOf, sharesOf, type Profile, type TimeBasis } from "./operator-profile.js";
import { distinct } from "./point.js";
import { deviceName } from "./settings.js";
import { SOURCE_WORDS, sourced, sourceName, type DrawOptions, type Source, type Sources } from "./sources.js";
import { LENGTH_LABEL, LENGTH_TITLE } from "./stacked-shares.js";
import { modelColors, MUTED, THEME } from "./theme.js";

/** Which shares are drawn, and for what width. */
export interface OperatorShareOptions extends DrawOptions {
  /** Default: every model with profiles at two lengths or more on one device. */
  models?: readonly string[];
  /** What shares are of; default: device time. */
  basis?: TimeBasis;
}

/** One line of every panel: a model on a device, by length. */
interface Line {
  readonly source: Source;
  readonly model: string;
  readonly device: string;
  readonly label: string;
  readonly profiles: readonly Profile[];
}

/** Percent; a class that stays below it in every profile gets no panel. */
const WORTH_A_PANEL = 5;

/**
 * Operator share against length: a panel for each class, in it a line for each model and device, lengths on a
 * logarithmic axis. Where a breakdown shows what a model's time goes to, this shows which models a class grows in.
 */
export function operatorShareFigure(sources: Sources, options: OperatorShareOptions = {}): Figure {
  const { layout = "wide" } = options;
  const given = sourced(sources).map(({ source }) => source);
  const all = profilesOf(sources);
  const lines = linesOf(all, given, options.models);
  const drawn = lines.flatMap(({ profiles }) => profiles);
  const basis = options.basis ?? "device";
  const classes = classesOf(
    drawn.flatMap((profile) =>
      (sharesOf(profile, basis) ?? []).flatMap(({ op_class, value }) =>
        value >= WORTH_A_PANEL ? op_class : [],
      ),
    ),
  );
  const title = `Operator share against length, ${listOf(given.map((source) => SOURCE_WORDS[source]))}`;
  const where = whereOf(drawn);
  const names = displayNames(distinct(lines.map(({ model }) => model)));
  return {
    name: `operator-share-${sourceName(sourced(sources))}`,
    title: `${title}: ${listOf([...names.values()]) || "no models"}, ${where}`,
    caption: operatorCaption({
      printed: null,
      of: `against prompt length${names.size > 0 ? ` of ${listOf([...names.values()])}` : ""}; a panel for each class that reaches ${WORTH_A_PANEL}%`,
      drawn,
      missing: given.map((source) => ({
        source,
        names: (options.models ?? []).filter(
          (model) => !drawn.some((one) => one.source === source && one.model === model),
        ),
      })),
      bases: [basis],
      given,
      form: "improved",
    }),
    spec: draw(lines, classes, { title, subtitle: where, basis, yTitle: yTitleOf(basis, drawn), layout }),
  };
}

function linesOf(
  all: readonly Profile[],
  given: readonly Source[],
  wanted: readonly string[] | undefined,
): Line[] {
  const groups = new Map<string, Profile[]>();
  for (const profile of all) {
    const key = JSON.stringify([profile.source, profile.model, profile.device]);
    groups.set(key, [...(groups.get(key) ?? []), profile]);
  }
  const chosen = [...groups.values()].filter((profiles) =>
    wanted
      ? wanted.includes(profiles[0]!.model)
      : profiles.filter(({ status }) => status === "ok").length > 1,
  );
  const names = displayNames(distinct(chosen.map(([first]) => first!.model)));
  return chosen.map((profiles) => {
    const { source, model, device } = profiles[0]!;
    const origin = given.length > 1 && SOURCE_WORDS[source];
    const label = [names.get(model)!, device && deviceName(device), origin].filter(Boolean).join(", ");
    return { source, model, device, label, profiles: [...profiles].sort((a, b) => a.length - b.length) };
  });
}

const SIZE = {
  wide: { columns: 3, width: 214, height: 150, ticks: 5, lineCharacters: 115 },
  narrow: { columns: 1, width: 290, height: 130, ticks: 6, lineCharacters: 52 },
} as const satisfies Record<Layout, unknown>;

/** A device or a source after the first has dashed lines and hollow points: colour and shape are the model's. */
const DASHES = [
  [1, 0],
  [6, 3],
  [2, 2],
  [8, 2, 2, 2],
] as const;
const SHAPES = ["circle", "square", "diamond", "triangle-up", "triangle-down", "cross"] as const;

/** A type, so that it is JSON. */
type Dot = { label: string; length: number; share: number };

interface Frame {
  readonly title: string;
  readonly subtitle: string;
  readonly basis: TimeBasis;
  readonly yTitle: string;
  readonly layout: Layout;
}

function draw(lines: readonly Line[], classes: readonly OperatorClass[], frame: Frame): JsonObject {
  const { title, subtitle, basis, layout } = frame;
  const size = SIZE[layout];
  const head: JsonObject = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: THEME,
    title: { text: title, subtitle: wrap(subtitle, size.lineCharacters), fontSize: 14, offset: 14 },
  };
  if (classes.length === 0) return { ...head, ...nothing(size.width) };
  const panels = classes.map(({ op_class, label }) => ({
    title: label,
    dots: lines.flatMap((line) =>
      line.profiles.flatMap((profile) => {
        const shares = sharesOf(profile, basis);
        // A class that a profile has no row for took none of its time.
        const share = shares?.find((one) => one.op_class === op_class)?.value ?? 0;
        return shares ? [{ label: line.label, length: profile.length, share }] : [];
      }),
    ),
  }));
  const shares = panels.flatMap(({ dots }) => dots.map(({ share }) => share));
  const top = Math.min(100, Math.ceil((Math.max(...shares) + 1) / 10) * 10);
  const domain = logDomain(
    lines.flatMap(({ profiles }) => profiles.map(({ length }) => length)),
    0.05,
  );
  return {
    ...head,
    columns: size.columns,
    spacing: { column: 24, row: 20 },
    resolve: { scale: { fill: "shared", stroke: "shared", shape: "shared" } },
    concat: panels.map(({ title: text, dots }) => ({
      title: { text, frame: "group" },
      width: size.width,
      height: size.height,
      layer: layersOf(lines, dots, domain, top, frame),
    })),
  };
}

function layersOf(
  lines: readonly Line[],
  dots: readonly Dot[],
  domain: Domain,
  top: number,
  { yTitle, layout }: Frame,
): JsonObject[] {
  const size = SIZE[layout];
  const models = distinct(lines.map(({ model }) => model));
  const colors = modelColors(
    lines.map(({ model, profiles }) => ({ model, family: profiles[0]?.rows[0]?.family ?? null })),
  );
  const colorOf = ({ model }: Line): string => colors.get(model)!;
  const kinds = distinct(lines.map(({ source, device }) => `${source} ${device}`));
  const kindOf = ({ source, device }: Line): number => kinds.indexOf(`${source} ${device}`);
  // 6.6 pixels is a mean character of 11 pixels, 26 a symbol with its gaps.
  const longest = 26 + 6.6 * Math.max(...lines.map(({ label }) => label.length));
  const legendColumns = Math.max(1, Math.floor((size.columns * (size.width + 60)) / longest));
  const byLine = (valueOf: (line: Line) => Json): JsonObject => ({
    field: "label",
    type: "nominal",
    scale: { domain: lines.map(({ label }) => label), range: lines.map(valueOf) },
    legend: { orient: "bottom", title: null, columns: legendColumns, symbolOpacity: 1 },
  });
  const place: JsonObject = {
    x: {
      field: "length",
      type: "quantitative",
      title: LENGTH_TITLE,
      scale: { type: "log", domain, nice: false },
      axis: { values: powersOfTwo(domain, size.ticks), labelExpr: LENGTH_LABEL },
    },
    y: {
      field: "share",
      type: "quantitative",
      title: yTitle,
      scale: { domain: [0, top], nice: false },
      axis: { values: linearTicks([0, top], 4) },
    },
  };
  const stroke = byLine(colorOf);
  return [
    // A layer a kind, as dashes by an encoding would be drawn around the legend's symbols too.
    ...kinds.map((_, kind) => {
      const labels = lines.filter((line) => kindOf(line) === kind).map(({ label }) => label);
      return {
        data: { values: dots.filter(({ label }) => labels.includes(label)) },
        mark: { type: "line", strokeWidth: 1.6, strokeDash: DASHES[kind % DASHES.length]! },
        encoding: { ...place, stroke },
      };
    }),
    {
      data: { values: dots },
      mark: { type: "point", size: 34, strokeWidth: 1.4, opacity: 1 },
      encoding: {
        ...place,
        stroke,
        fill: byLine((line) => (kindOf(line) === 0 ? colorOf(line) : "#ffffff")),
        shape: byLine(({ model }) => SHAPES[models.indexOf(model) % SHAPES.length]!),
      },
    },
  ];
}

/** In the place of panels: which rows would make some. */
const nothing = (width: number): JsonObject => ({
  width,
  height: 60,
  data: {
    values: [
      {
        text: [
          "no rows: it takes rows of kind operators,",
          "breakdown class or fine, at two lengths or more",
        ],
      },
    ],
  },
  mark: { type: "text", color: MUTED, lineHeight: 14 },
  encoding: { text: { field: "text" } },
});
