import { UserError } from "../errors.js";
import type { Figure, Layout } from "./figure.js";
import { displayNames, formatTokens, listOf } from "./format.js";
import { listed, type Listed } from "./listed.js";
import { asPoints, distinct, finite, type Point, type Points } from "./point.js";
import {
  crossoverWords,
  scalingPanels,
  type CrossoverMark,
  type CurvePoint,
  type Dot,
  type Drawing,
  type Panel,
} from "./scaling-spec.js";
import { describeSettings, outOfMemory } from "./settings.js";
import { sourceTitle, type Source } from "./sources.js";

/** Energy of a phase of one cell: a row of `efficiency(rows)`. */
export type EnergyOfPhase = Point & {
  phase?: string | null;
  /** Joules of one token of the prompt in a prefill, of one new token in decoding, of any in both. */
  j_per_token?: number | null;
  j_per_token_lo?: number | null;
  j_per_token_hi?: number | null;
  /** Bound of the sensor's error, in joules a token; null where the rows state none. */
  j_per_token_error?: number | null;
};

/** What goes with the energies. */
export interface EnergyPerTokenOptions {
  /** The points behind the rows, of which those that ran out of memory have a mark and no energy. */
  points?: Points;
  /** Where the energies of two models' prefills meet: those of a token meet there too. Only their panel has the marks. */
  crossovers?: readonly CrossoverMark[];
  source?: Source;
  layout?: Layout;
}

/** Phases in the order of their panels, with what a token of them is. */
const PHASES = [
  { phase: "prefill", title: "Prefill, per prompt token" },
  { phase: "decode", title: "Decoding, per new token" },
  { phase: "both", title: "Whole generation, per token" },
] as const;

/**
 * Joules of a token against prompt length, a panel for each phase whose energy was measured, medians with their
 * intervals. A prefill that costs the same a token at every length is a horizontal line, one with attention rises.
 *
 * @throws UserError when no row has an energy
 */
export function energyPerTokenFigure(
  given: Listed<EnergyOfPhase>,
  { points = [], crossovers = [], source = "measured", layout = "wide" }: EnergyPerTokenOptions = {},
): Figure {
  const rows = listed(given).filter((row) => row.prompt_tokens > 0 && (finite(row.j_per_token) ?? 0) > 0);
  if (rows.length === 0)
    throw new UserError("no row has j_per_token: it takes rows with energy_j and the tokens of its pass");
  const oom = asPoints(points).filter(({ status }) => status === "oom");
  const names = displayNames(distinct([...rows, ...oom].map(({ model }) => model)));
  const phases = PHASES.filter(({ phase }) => rows.some((row) => phaseOf(row) === phase));
  // Marks are of prefills, or of passes that state no phase: decoding crosses elsewhere.
  const marked = phases.find(({ phase }) => phase !== "decode");
  const panels = phases.map((one): Panel => {
    const some = rows.filter((row) => phaseOf(row) === one.phase);
    const marks = one === marked ? crossovers : [];
    return { title: one.title, drawing: drawingOf(some, { names, oom, crossovers: marks }) };
  });
  const where = sourceTitle({ source, points: rows });
  const title = `Energy of a token${phases.length === 1 ? ` (${phases[0]!.title[0]!.toLowerCase()}${phases[0]!.title.slice(1)})` : ""}`;
  return {
    name: `energy-${source}`,
    title: `${title} against prompt length, ${where}`,
    caption: caption(rows, {
      names,
      oom,
      crossovers: marked ? crossovers : [],
      several: phases.length > 1,
      source,
    }),
    spec: scalingPanels(panels, { title, subtitle: [where], layout }),
  };
}

const phaseOf = ({ phase }: EnergyOfPhase): string => phase ?? "both";

function drawingOf(
  rows: readonly EnergyOfPhase[],
  beside: Pick<Drawing, "names" | "oom" | "crossovers">,
): Drawing {
  return {
    ...beside,
    points: [...rows, ...beside.oom],
    axis: "energy (J/token)",
    dots: rows.map((row): Dot => {
      const [lo, hi] = boundsOf(row);
      return {
        model: row.model,
        length: row.prompt_tokens,
        value: row.j_per_token!,
        lo,
        hi,
        doubtful: false,
        ...boundOf(row),
      };
    }),
    curves: rows.map((row): CurvePoint => ({
      model: row.model,
      prompt_tokens: row.prompt_tokens,
      value: row.j_per_token!,
    })),
  };
}

/** Both ends above 0, or none: half an interval says nothing, and a logarithmic axis has no 0. */
function boundsOf(row: EnergyOfPhase): [number, number] | [null, null] {
  const [lo, hi] = [finite(row.j_per_token_lo), finite(row.j_per_token_hi)];
  return lo !== null && hi !== null && lo > 0 ? [lo, hi] : [null, null];
}

/** The whole bound above 0, or none. */
function boundOf({ j_per_token: value, j_per_token_error }: EnergyOfPhase): Pick<Dot, "bound"> {
  const error = finite(j_per_token_error);
  return error === null || error >= value! ? {} : { bound: [value! - error, value! + error] };
}

function caption(
  rows: readonly EnergyOfPhase[],
  {
    names,
    oom,
    crossovers,
    several,
    source,
  }: Pick<Drawing, "names" | "oom" | "crossovers"> & { several: boolean; source: Source },
): string {
  const bounded = rows.filter((row) => boundsOf(row)[0] !== null);
  const sentences = [
    `Energy of a token of ${listOf([...names.values()])} against prompt length, both axes logarithmic, in joules a token, idle power included; lines join neighbouring points`,
    `Setting: ${describeSettings(rows) || "the rows state none"}`,
    bounded.length === rows.length
      ? "Dots are medians, whiskers their 95% intervals"
      : bounded.length > 0
        ? `Dots are medians, whiskers their 95% intervals; ${rows.length - bounded.length} of ${rows.length} points have none`
        : "No point has an interval: the rows carry too few samples",
  ];
  if (rows.some((row) => boundOf(row).bound))
    sentences.push("Pale bars: the bound of the sensor's error, which no number of samples narrows");
  const unknown = rows.filter((row) => finite(row.j_per_token_error) !== null && !boundOf(row).bound);
  if (unknown.length > 0)
    sentences.push(
      `Of ${unknown.length} of ${rows.length} points the sensor's error is as large as the energy, which is not known then`,
    );
  for (const mark of crossovers) {
    const [text, interval] = crossoverWords(mark, names);
    sentences.push(
      `${text!}${interval === undefined ? "" : ` (${interval})`}, where the lines${several ? " of the prefills" : ""} cross`,
    );
  }
  sentences.push(...outOfMemory(oom).map((sentence) => `✕: ${sentence}`));
  if (source === "paper")
    sentences.push(
      "Published energies (arXiv 2507.12442, Figure 6a) are sums of power samples every 100 ms over 50 passes at least, without their spread",
      ...(rows.some(({ model }) => model === "qwen2.5-0.5b")
        ? [
            `Up to ${formatTokens(8192)} tokens those of Qwen2.5-0.5B imply more than the board's limit of 450 W, so the true ones are lower (W13)`,
          ]
        : []),
    );
  return sentences.map((sentence) => `${sentence}.`).join(" ");
}
