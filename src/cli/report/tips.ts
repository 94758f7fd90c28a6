import type { Drawable } from "../../notebook/render.js";

/** The figure with what its marks stand for in words, by Vega's accessible labels. */
export function labelled<F extends Drawable & { readonly spec: { readonly config?: unknown } }>(
  figure: F,
): F {
  const config: object = figure.spec.config ?? {};
  return { ...figure, spec: { ...figure.spec, config: { ...config, aria: true } } };
}

const LABEL = / aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="([^"]*)"/g;
const GROUP = / role="graphics-(?:object|symbol)" aria-roledescription="[^"]*"(?: aria-label="[^"]*")?/g;

/** Marks that stand for one row of the data. */
const POINTED_AT: ReadonlySet<string> = new Set(["point", "bar", "circle", "square"]);

/** Fields that a mark is drawn by, but say nothing to a reader. */
const DRAWN_BY: ReadonlySet<string> = new Set(["color", "shape", "text", "piece", "lo", "hi", "upper_lo"]);

/**
 * The labels of points and bars of a drawing as `data-tip`, for the page's script to show; all others are taken out again:
 * a picture is one image to a screen reader, with its caption and tables beside it.
 */
export function withTips(svg: string): string {
  return svg
    .replace(LABEL, (_, label: string, mark: string) => {
      const words = POINTED_AT.has(mark) ? tipOf(label) : "";
      return words === "" ? "" : ` data-tip="${words}"`;
    })
    .replace(GROUP, "");
}

/** "prompt length (tokens): 128; TTFT (ms): 301; label: Qwen" as "Qwen; prompt length (tokens): 128; TTFT (ms): 301". */
function tipOf(label: string): string {
  const pairs = label
    .replaceAll("&#xA;", "-")
    .split("; ")
    .map((pair) => pair.split(": ") as [name: string, value?: string])
    .filter(([name, value]) => value !== undefined && !DRAWN_BY.has(name));
  const isName = ([name]: readonly [string, ...unknown[]]): boolean => name === "label";
  return [
    ...pairs.filter(isName).map(([, value]) => value!),
    ...pairs.filter((pair) => !isName(pair)).map((pair) => pair.join(": ")),
  ].join("; ");
}
