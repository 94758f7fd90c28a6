import { UserError } from "../errors.js";
import type { Figure, Layout } from "./figure.js";
import { headed, MISSING_HEIGHT, missingView, SIZE } from "./scaling-spec.js";
import { eachSource, SOURCE_WORDS, type Both, type Source } from "./sources.js";

/** Given in the place of what a figure is drawn from: why there is nothing, in words. */
export interface Missing {
  readonly missing: string;
}

interface OwnOptions {
  readonly layout?: Layout;
}

const isMissing = (given: unknown): given is Missing =>
  typeof given === "object" && given !== null && "missing" in given;

/**
 * Makes a drawing of one source into a figure of the registry: of either source or of both, and of what cannot be drawn
 * a figure that says in words which rows are missing, so that one figure without data does not stop the others.
 */
export function ownFigure<T, Options extends OwnOptions>(
  name: string,
  title: string,
  draw: (given: T, options: Options & { source: Source }) => Figure,
): (sources: Both<T | Missing>, options?: Options) => Figure {
  return eachSource<T | Missing, Options>((given, options) => {
    const named = (figure: Figure): Figure => ({ ...figure, name: `${name}-${options.source}` });
    if (isMissing(given)) return named(withoutRows(title, given.missing, options));
    try {
      return named(draw(given, options));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return named(withoutRows(title, error.message, options));
    }
  });
}

function withoutRows(
  title: string,
  why: string,
  { layout = "wide", source }: OwnOptions & { source: Source },
): Figure {
  const words = `There is nothing to draw: ${why}.`;
  const { width } = SIZE[layout];
  return {
    name: "",
    title: `${title}, ${SOURCE_WORDS[source]}: nothing to draw`,
    caption: words,
    spec: headed(
      { title, subtitle: [SOURCE_WORDS[source]], layout },
      missingView(words, { width, height: MISSING_HEIGHT }),
    ),
  };
}
