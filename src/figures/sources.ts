import type { Figure, JsonObject, Layout } from "./figure.js";
import { deviceNames } from "./settings.js";
import { asPoints, type Points } from "./point.js";
import type { CrossoverMark } from "./scaling-spec.js";
import { UserError } from "../errors.js";

/** Whose rows a drawing shows: the paper's own data, or measured by us. */
export type Source = "paper" | "measured";

/** What a figure is drawn from: the paper's points, one's own, or both beside each other. */
export interface Sources {
  readonly paper?: Points;
  readonly rows?: Points;
}

export interface DrawOptions {
  layout?: Layout;
  /** Where two lines meet, for a figure that marks it: of the paper's points and of one's own. */
  crossovers?: { readonly paper?: readonly CrossoverMark[]; readonly rows?: readonly CrossoverMark[] };
}

/** The points of one source. */
export interface Sourced<T = Points> {
  readonly source: Source;
  readonly points: T;
}

/** The sources that are given, the paper's first. UserError where neither is. */
export function sourced({ paper, rows }: Sources): Sourced[] {
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

/** "the paper's data" or "measured here", with the devices that the points name. */
export function sourceTitle({ source, points }: Sourced): string {
  const devices = deviceNames(asPoints(points));
  return (source === "paper" ? "the paper's data" : "measured here") + (devices ? `, ${devices}` : "");
}

/**
 * Makes a drawing of one source into one of either or both: of both the paper's stands above one's own, each with
 * scales and caption of its own. For figures whose panels share no axis.
 */
export function eachSource(
  draw: (points: Points, options: DrawOptions & { source: Source }) => Figure,
): (sources: Sources, options?: DrawOptions) => Figure {
  return (sources, options = {}) => {
    const figures = sourced(sources).map(({ points, source }) => draw(points, { ...options, source }));
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
    resolve: { scale: { color: "independent", shape: "independent" } },
  };
}
