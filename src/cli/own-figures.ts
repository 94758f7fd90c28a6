import type { ColumnTable } from "arquero";
import {
  crossoverMatrix,
  efficiency,
  figurePoints,
  fitScaling,
  fittedCurves,
  interpolatedMarks,
  predictionBands,
  residualTable,
  rowsOfFigure,
  type FitMetricName,
  type ScalingFit,
} from "../analyze/index.js";
import { claims } from "../claims/index.js";
import { UserError } from "../errors.js";
import {
  OWN_FIGURES,
  type Both,
  type ComparedPair,
  type CurvePoint,
  type EnergyOfPhase,
  type Figure,
  type JudgedClaim,
  type LatencySample,
  type Layout,
  type MemoryRun,
  type Missing,
  type ScalingData,
  type Source,
} from "../figures/index.js";
import { CHEAPEST_CHUNK, cost, findModel } from "../models/index.js";
import { rowsToTable, tableToRows, type Row } from "../record/index.js";
import { namedSamples } from "./named-samples.js";

export type OwnName = keyof typeof OWN_FIGURES;

/** Metrics that a curve is fitted to, with the paper's figure whose rows have them. */
export const SCALED = {
  ttft_ms: "6b",
  tpot_ms: "6b",
  e2e_ms: "6b",
  energy_j: "6a",
  total_bytes: "5a",
} as const satisfies Partial<Record<FitMetricName, string>>;
export type ScaledMetric = keyof typeof SCALED;

/** The tables that there are, and the metric of figures that show one. */
export interface OwnInput {
  readonly tables: Both<ColumnTable>;
  readonly metric: ScaledMetric;
  readonly layout?: Layout;
}

type Draw = (input: OwnInput, options: { layout?: Layout }) => Figure;

/** Each figure's way from rows to what it is drawn from. */
const DRAW: Readonly<Record<OwnName, Draw>> = {
  scaling: ({ tables, metric }, options) =>
    OWN_FIGURES.scaling.draw(
      each(tables, (table, source) => scalingData(fitSamplesOf(table, source, metric), metric)),
      options,
    ),
  "crossover-matrix": ({ tables, metric }, options) =>
    OWN_FIGURES["crossover-matrix"].draw(
      each(tables, (table, source) => {
        const samples = fitSamplesOf(table, source, metric);
        return { pairs: comparedPairs(samples, metric), points: figurePoints(samples) };
      }),
      options,
    ),
  "memory-parts": ({ tables }, options) =>
    OWN_FIGURES["memory-parts"].draw(
      each(tables, (table, source) => tableToRows(samplesOf(table, source, "total_bytes")) as MemoryRun[]),
      options,
    ),
  energy: ({ tables }, options) =>
    OWN_FIGURES.energy.draw(
      each(tables, (table, source) => {
        const samples = samplesOf(table, source, "energy_j");
        return {
          rows: withSensorError(efficiency(samples).objects() as EnergyOfPhase[], samples),
          points: figurePoints(samples),
          crossovers: interpolatedMarks(samples, "energy_j"),
        };
      }),
      options,
    ),
  roofline: ({ tables }, options) =>
    OWN_FIGURES.roofline.draw(
      each(tables, (table, source) => {
        const samples = samplesOf(table, source, "ttft_ms");
        return efficiency(source === "paper" ? withWork(samples) : samples);
      }),
      options,
    ),
  // One table: it sets what the published rows give beside what one's own give.
  claims: ({ tables: { paper, rows } }, options) => {
    const judged = attempt(() => claims(rows).objects() as JudgedClaim[]);
    const figure = OWN_FIGURES.claims.draw(rows ? { rows: judged } : { paper: judged }, options);
    return paper && rows ? { ...figure, name: "claims-both" } : figure;
  },
  "operator-share": ({ tables: { paper, rows } }, options) =>
    OWN_FIGURES["operator-share"].draw(
      { ...(paper && { paper: operatorRows(paper) }), ...(rows && { rows: operatorRows(rows) }) },
      options,
    ),
  residuals: ({ tables, metric }, options) =>
    OWN_FIGURES.residuals.draw(
      each(tables, (table, source) => residualTable(fitEach(fitSamplesOf(table, source, metric), metric))),
      options,
    ),
  "latency-distribution": ({ tables }, options) =>
    OWN_FIGURES["latency-distribution"].draw(
      each(tables, (table, source) => tableToRows(samplesOf(table, source, "ttft_ms")) as LatencySample[]),
      options,
    ),
};

/** A figure that the paper has not, from whole tables: the rows that it takes are chosen and prepared here. */
export const drawOwn = (name: OwnName, input: OwnInput): Figure =>
  DRAW[name](input, input.layout ? { layout: input.layout } : {});

/** What each source gives, or why it gives nothing: rows that one figure lacks are no reason to stop. */
function each<T>(
  { paper, rows }: Both<ColumnTable>,
  make: (table: ColumnTable, source: Source) => T,
): Both<T | Missing> {
  return {
    ...(paper && { paper: attempt(() => make(paper, "paper")) }),
    ...(rows && { rows: attempt(() => make(rows, "measured")) }),
  };
}

function attempt<T>(make: () => T): T | Missing {
  try {
    return make();
  } catch (error) {
    if (error instanceof UserError) return { missing: error.message.replace(/\.$/, "") };
    throw error;
  }
}

/** The samples of a metric, one kind of rows: of the paper those of the figure that shows it. */
function samplesOf(table: ColumnTable, source: Source, metric: ScaledMetric): ColumnTable {
  return source === "paper"
    ? ofKind(rowsOfFigure(table, SCALED[metric]), metric)
    : namedSamples(ofKind(table, metric));
}

/** Rows of the kind that has the metric: a table may hold operators, limits and latencies. UserError where none has it. */
export function ofKind(table: ColumnTable, metric: keyof Row): ColumnTable {
  const rows = tableToRows(table);
  const kind = rows.find((row) => row[metric] != null)?.kind;
  const some = rows.filter((row) => row.kind === kind);
  if (!some.some((row) => row[metric] != null)) throw new UserError(`no row has ${metric}`);
  return rowsToTable(some);
}

function operatorRows(table: ColumnTable): ColumnTable {
  return rowsToTable(tableToRows(table).filter(({ kind }) => kind === "operators"));
}

/** Rows with the energy of several phases: what grows with the prompt is that of the prefill. */
function fitSamplesOf(table: ColumnTable, source: Source, metric: ScaledMetric): ColumnTable {
  const samples = samplesOf(table, source, metric);
  if (metric !== "energy_j") return samples;
  return rowsToTable(
    tableToRows(samples).filter(
      ({ kind, phase }) => kind !== "energy" || phase == null || phase === "prefill",
    ),
  );
}

/** The energy of a token with the largest error that one of its samples states, in the same proportion. */
function withSensorError(cells: readonly EnergyOfPhase[], samples: ColumnTable): EnergyOfPhase[] {
  const rows = tableToRows(samples) as (Row & { energy_error_j?: number | null })[];
  return cells.map((cell) => {
    const shares = rows.flatMap((row) =>
      row.model === cell.model &&
      row.prompt_tokens === cell.prompt_tokens &&
      (row.phase ?? "both") === (cell.phase ?? "both") &&
      row.energy_error_j != null &&
      row.energy_j
        ? row.energy_error_j / row.energy_j
        : [],
    );
    return shares.length === 0 || cell.j_per_token == null
      ? cell
      : { ...cell, j_per_token_error: Math.max(...shares) * cell.j_per_token };
  });
}

// Fits.

/** A fit of each model that allows one; the points of the others stand without a curve. UserError where none does. */
function fitEach(samples: ColumnTable, metric: ScaledMetric): ScalingFit[] {
  const rows = tableToRows(samples);
  const problems: string[] = [];
  const fits = [...new Set(rows.map(({ model }) => model))].flatMap((model) => {
    const fitted = attempt(() =>
      fitScaling(
        rows.filter((row) => row.model === model),
        { metric },
      ),
    );
    if (!("missing" in fitted)) return fitted;
    problems.push(fitted.missing);
    return [];
  });
  if (fits.length === 0) throw new UserError(problems[0] ?? `no row has ${metric}`);
  return fits;
}

function scalingData(samples: ColumnTable, metric: ScaledMetric): ScalingData {
  const points = figurePoints(samples);
  const fits = attempt(() => fitEach(samples, metric));
  if ("missing" in fits) return { points, metric };
  const marks = crossingPairs(samples, metric).flatMap(({ tokens, tokens_lo, tokens_hi, lower_above }) =>
    tokens == null || lower_above == null
      ? []
      : [
          {
            prompt_tokens: Math.round(tokens),
            prompt_tokens_lo: tokens_lo == null ? null : Math.round(tokens_lo),
            prompt_tokens_hi: tokens_hi == null ? null : Math.round(tokens_hi),
            faster: lower_above,
          },
        ],
  );
  const ends = fits.flatMap(({ range }) => range);
  const [from, to] = [
    Math.min(...ends),
    Math.max(...ends, ...marks.map(({ prompt_tokens }) => 1.2 * prompt_tokens)),
  ];
  return { points, metric, crossovers: marks, curves: fits.flatMap((fit) => bandOf(fit, [from, to])) };
}

/** Of a curve: smooth at the width of a page. */
const STEPS = 32;

/** A fit with its band at lengths spaced evenly as logarithms; without one where no sample is to spare. */
function bandOf(fit: ScalingFit, [from, to]: readonly [number, number]): CurvePoint[] {
  const promptTokens = Array.from({ length: STEPS + 1 }, (_, i) => from * (to / from) ** (i / STEPS));
  const bands = attempt(() => predictionBands([fit], { promptTokens }).objects() as Record<string, number>[]);
  if ("missing" in bands) return fittedCurves([fit], to);
  return bands.map((row) => ({
    model: fit.series.model ?? "",
    prompt_tokens: shortened(row["prompt_tokens"]!),
    value: shortened(row[fit.metric]!),
    value_lo: shortened(row[`${fit.metric}_lo`]!),
    value_hi: shortened(row[`${fit.metric}_hi`]!),
  }));
}

/** Six digits are more than a bootstrap is good for, and a third of the specification's size. */
const shortened = (value: number): number => Number(value.toPrecision(6));

// Pairs.

/** Every pair, its labels the models' own: the matrix names a setting where two models differ in it. */
function comparedPairs(samples: ColumnTable, metric: ScaledMetric): ComparedPair[] {
  const models = [...new Set(tableToRows(samples).flatMap(({ model }) => model ?? []))];
  const modelIn = (label: string): string =>
    models
      .filter((model) => label === model || label.startsWith(`${model} (`))
      .sort((a, b) => b.length - a.length)[0] ?? label;
  const pairs = crossoverMatrix(samples, { metric }).objects() as ComparedPair[];
  return pairs.map((pair) => ({
    ...pair,
    a: modelIn(pair.a),
    b: modelIn(pair.b),
    lower_below: pair.lower_below == null ? null : modelIn(pair.lower_below),
    lower_above: pair.lower_above == null ? null : modelIn(pair.lower_above),
  }));
}

/** The pairs of a Transformer and another model: the question that a scaling figure answers. */
function crossingPairs(samples: ColumnTable, metric: ScaledMetric): ComparedPair[] {
  const families = new Map(tableToRows(samples).map(({ model, family }) => [model, family]));
  const isTransformer = (model: string): boolean => families.get(model) === "transformer";
  const pairs = attempt(() => comparedPairs(samples, metric));
  return "missing" in pairs ? [] : pairs.filter(({ a, b }) => isTransformer(a) !== isTransformer(b));
}

// Work.

/** The published rows with the work of their passes, which `run` writes to one's own. */
function withWork(samples: ColumnTable): ColumnTable {
  return rowsToTable(tableToRows(samples).map((row) => ({ ...row, ...workOf(row) })));
}

function workOf({ model, dtype, batch, prompt_tokens, new_tokens, logits }: Row): Row {
  if (model == null || prompt_tokens == null) return {};
  const how = {
    batch: batch ?? 1,
    dtype: dtype === "bf16" ? "bfloat16" : "float16",
    chunk: CHEAPEST_CHUNK,
  } as const;
  const prefill = cost(findModel(model), {
    ...how,
    phase: "prefill",
    promptTokens: prompt_tokens,
    logits: logits === "all" ? "all" : "last",
  });
  const steps = (new_tokens ?? 1) - 1;
  const decode =
    steps > 0
      ? cost(findModel(model), { ...how, phase: "decode", position: prompt_tokens + Math.floor(steps / 2) })
      : null;
  return {
    prefill_flops: prefill.flops,
    prefill_moved_bytes: prefill.bytes,
    decode_flops: decode && decode.flops,
    decode_moved_bytes: decode && decode.bytes,
  };
}
