import type { Figure, FigureForm, JsonObject, Layout } from "./figure.js";
import { deviceNames } from "./settings.js";
import { asPoints, type Points } from "./point.js";
import type { CrossoverMark } from "./scaling-spec.js";
import { UserError } from "../errors.js";

/** Whose rows a drawing shows: the paper's own data, or measured by us. */
export type Source = "paper" | "measured";

/** What a figure is drawn from: the paper's data, one's own, or both beside each other. */
export interface Both<T> {
  readonly paper?: T;
  readonly rows?: T;
}

/** The paper's points, one's own, or both. */
export type Sources = Both<Points>;

/** How a figure of the paper is drawn, whatever its source. */
export interface DrawOptions {
  layout?: Layout;
  /** Default: `improved`. */
  form?: FigureForm;
  /** Where two lines meet, for a figure that marks it: of the paper's points and of one's own. */
  crossovers?: { readonly paper?: readonly CrossoverMark[]; readonly rows?: readonly CrossoverMark[] };
}

/** The points of one source. */
export interface Sourced<T = Points> {
  readonly source: Source;
  readonly points: T;
}

/** The sources that are given, the paper's first. UserError where neither is. */
export function sourced<T>({ paper, rows }: Both<T>): Sourced<T>[] {
  if (!paper && !rows)
    throw new UserError("nothing to draw from was given: give the paper's points, rows of your own, or both");
  return [
    ...(paper ? [{ source: "paper" as const, points: paper }] : []),
    ...(rows ? [{ source: "measured" as const, points: rows }] : []),
  ];
}

/** The end of a figure's name: `paper`, `measured` or `both`. */
export const sourceName = (given: readonly { source: Source }[]): string =>
  given.length > 1 ? "both" : given[0]!.source;

/** Whose data, as titles say it. */
export const SOURCE_WORDS = {
  paper: "the paper's data",
  measured: "measured here",
} as const satisfies Record<Source, string>;

/** "the paper's data" or "measured here", with the devices that the points name. */
export function sourceTitle({ source, points }: Sourced): string {
  const devices = deviceNames(asPoints(points));
  return SOURCE_WORDS[source] + (devices ? `, ${devices}` : "");
}

/**
 * Makes a drawing of one source into one of either or both: of both the paper's stands above one's own, each with
 * scales and caption of its own. For figures whose panels share no axis.
 */
export function eachSource<T, Options extends object>(
  draw: (given: T, options: Options & { source: Source }) => Figure,
): (sources: Both<T>, options?: Options) => Figure {
  return (sources, options) => {
    const figures = sourced(sources).map(({ points, source }) =>
      draw(points, { ...(options as Options), source }),
    );
    const [first, second] = figures;
    if (!first || !second) return first!;
    return {
      name: `${first.name.replace(/-paper$/, "")}-both`,
      title: `${first.title}; ${second.title}`,
      caption: `The paper: ${first.caption} Measured here: ${second.caption}`,
      spec: above(first.spec, second.spec),
    };
  };
}

/** One specification above another; configuration belongs to the outermost. */
function above(first: JsonObject, second: JsonObject): JsonObject {
  const { $schema, config, ...upper } = first;
  const { $schema: _, config: __, ...lower } = second;
  return {
    $schema: $schema!,
    config: config!,
    vconcat: [upper, lower],
    spacing: 40,
    resolve: { scale: { color: "independent", shape: "independent", xOffset: "independent" } },
  };
}
