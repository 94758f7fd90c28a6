import { barsOverLengths, linearAxis } from "./bars-over-lengths.js";
import type { Figure } from "./figure.js";
import { PAPER_MEMORY, type MemoryFigure } from "./memory-footprint-caption.js";
import { distinct, finite, type Point } from "./point.js";
import type { DrawOptions, Sources } from "./sources.js";

/** The artifact counts in MiB, calls them MB, and prints them divided by 1,000 as GB. */
const PRINTED_GB = 1000 * 2 ** 20;

/** What the published images draw as the limit, in MiB. */
const LIMIT_MIB: Readonly<Record<MemoryFigure, number>> = { "5a": 24576, "5b": 8192 };

const DRAWN = [
  "A stack of weights (palest), activations and what the total has beyond them (full colour: the KV cache, in rows of one's own also states and tables)",
  "The unit is the paper's: MiB divided by 1,000, printed as GB, so 24.576 stands for 24 GiB; the red line is the memory of the device, or the budget of the rows",
] as const;

const BELOW_ZERO =
  "The KV cache of Falcon-H1-0.5B at 256 tokens is below 0 (−230 MiB) and drawn downward (W10)";

/** Weights, activations, and the rest of the total, which a published difference of two peaks may put below 0. */
function piecesOf(point: Point): { from: number; to: number; level: number }[] {
  const total = finite(point.total_bytes);
  if (total === null) return [];
  const weights = (point.weights_bytes ?? 0) / PRINTED_GB;
  const activations = weights + (point.peak_activation_bytes ?? 0) / PRINTED_GB;
  return [
    { level: 0, from: 0, to: weights },
    { level: 1, from: weights, to: activations },
    { level: 2, from: activations, to: total / PRINTED_GB },
  ];
}

/** Figures 5a and 5b as the paper drew them: grouped bars at evenly spaced lengths, stacked. */
export const memoryBars = (number: MemoryFigure, sources: Sources, options: DrawOptions): Figure =>
  barsOverLengths({
    number,
    title: "Memory of a prefill",
    models: PAPER_MEMORY[number].models,
    needs: "total_bytes of a run that succeeded",
    drawn: number === "5b" && sources.paper ? [...DRAWN, BELOW_ZERO] : DRAWN,
    key: "A bar from below: weights (palest), activations, KV cache (full colour)",
    piecesOf,
    barsOf: (pieces, { points, source }) => {
      const limitMib =
        source === "paper"
          ? LIMIT_MIB[number]
          : (distinct(points.map((point) => point.memory_limit_bytes))[0] ?? 0) / 2 ** 20;
      const at = limitMib / 1000;
      return {
        y: linearAxis("memory (GB as printed: MiB / 1,000)", Math.max(at, ...pieces.map(({ to }) => to))),
        ...(limitMib > 0 ? { limit: { at, label: `${Number((limitMib / 1024).toFixed(2))} GiB` } } : {}),
      };
    },
  })(sources, options);
