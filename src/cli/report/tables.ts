import type { ColumnTable } from "arquero";
import { coefficientTable, crossoverTable, type CrossoverRow, type ScalingFit } from "../../analyze/index.js";
import { claimWords, judgeClaims } from "../../claims/index.js";
import type { Comparison } from "../compare.js";
import type { Cell, Table } from "./html.js";

const numeric = (label: string) => ({ label, numeric: true });

const MEBI = 2 ** 20;

export function measurementsTable(cells: readonly Record<string, number | string | null>[]): Table {
  const number = (value: number | string | null | undefined): number | null =>
    typeof value === "number" ? value : null;
  const mebibytes = (value: number | string | null | undefined): number | null =>
    typeof value === "number" ? value / MEBI : null;
  return {
    name: "measurements",
    caption: "Medians and 95 % intervals of each cell",
    columns: [
      { label: "model" },
      numeric("prompt tokens"),
      { label: "status" },
      { label: "verdict" },
      numeric("samples"),
      numeric("TTFT ms"),
      numeric("TTFT from"),
      numeric("TTFT to"),
      numeric("TPOT ms"),
      numeric("TPOT from"),
      numeric("TPOT to"),
      numeric("memory MiB"),
      numeric("weights MiB"),
      numeric("cache or state MiB"),
      numeric("peak activations MiB"),
    ],
    rows: cells.map((cell) => [
      cell.model ?? null,
      number(cell.prompt_tokens),
      cell.status ?? null,
      cell.verdict ?? null,
      number(cell.ttft_ms_n),
      number(cell.ttft_ms),
      number(cell.ttft_ms_lo),
      number(cell.ttft_ms_hi),
      number(cell.tpot_ms),
      number(cell.tpot_ms_lo),
      number(cell.tpot_ms_hi),
      mebibytes(cell.total_bytes),
      mebibytes(cell.weights_bytes),
      mebibytes(sumOfKnown([cell.kv_cache_bytes, cell.ssm_state_bytes, cell.conv_state_bytes].map(number))),
      mebibytes(cell.peak_activation_bytes),
    ]),
  };
}

/** Null where nothing is known: what was not measured is no 0. */
function sumOfKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((a, b) => a + b);
}

export function fitsTable(fits: readonly ScalingFit[]): Table {
  const coefficients = coefficientTable(fits).objects() as {
    model?: string;
    metric: string;
    form: string;
    coefficient: string;
    unit: string;
    value: number;
    lo: number | null;
    hi: number | null;
  }[];
  return {
    name: "fits",
    caption:
      "Coefficients of the fits over the prompt length L in tokens, with 95 % intervals: linear a + b·L, quadratic a + b·L + c·L², " +
      "linear+kink a + b·L up to the break and d a token beyond it. None is negative.",
    columns: [
      { label: "model" },
      { label: "metric" },
      { label: "form" },
      { label: "coefficient" },
      numeric("value"),
      numeric("from"),
      numeric("to"),
      { label: "unit" },
    ],
    rows: coefficients.map(({ model, metric, form, coefficient, unit, value, lo, hi }) => [
      model ?? null,
      metric,
      form,
      coefficient,
      value,
      lo,
      hi,
      unit,
    ]),
  };
}

/** Where the pairs of each metric meet, by the curves and by the samples. */
export function crossingsTable(comparisons: readonly Comparison[]): Table {
  const results = comparisons.flatMap(({ crossovers }) =>
    crossovers.flatMap(({ fitted, interpolated }) => [fitted, interpolated ?? []].flat()),
  );
  const rows = crossoverTable(results).objects() as CrossoverRow[];
  return {
    name: "crossovers",
    caption:
      "Where models change places, with 95 % intervals: by the fitted curves, and by lines between the samples",
    columns: [
      { label: "model" },
      { label: "other" },
      { label: "metric" },
      { label: "by" },
      { label: "state" },
      numeric("prompt tokens"),
      numeric("from"),
      numeric("to"),
      { label: "lower below" },
      { label: "lower above" },
    ],
    rows: rows.map((row): Cell[] => [
      row.a,
      row.b,
      row.metric,
      row.method,
      row.state,
      row.tokens,
      row.tokens_lo,
      row.tokens_hi,
      row.lower_below,
      row.lower_above,
    ]),
  };
}

/** The claims of the paper that these rows bear on; the others are `ssm-scope claims`'. */
export function claimsTable(table: ColumnTable): Table {
  const results = judgeClaims(table).filter(({ judgedBy }) => judgedBy === "here");
  return {
    name: "claims",
    caption: "Claims of the paper that these rows can judge (ssm-scope claims has all, and the evidence)",
    columns: ["claim", "verdict", "stated", "by the paper's rows", "here", "sentence"].map((label) => ({
      label,
    })),
    rows: results.map((result): Cell[] => {
      const { stated, recomputed, here } = claimWords(result);
      return [result.id, result.verdict, stated, recomputed, here, result.claim];
    }),
  };
}
