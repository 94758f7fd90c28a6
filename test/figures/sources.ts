import { pairMarks } from "../../src/cli/pair-marks.js";
import { figurePoints, rowsOfFigure } from "../../src/analyze/index.js";
import { drawOwn, type OwnName } from "../../src/cli/own-figures.js";
import {
  PAPER_FIGURES,
  type DrawOptions,
  type Figure,
  type Layout,
  type PaperFigure,
} from "../../src/figures/index.js";
import { loadPaper, rowsToTable, type Row } from "../../src/record/index.js";

export type FigureName = keyof typeof PAPER_FIGURES;

export const PAPER = { paper: loadPaper() };

/** A figure of the paper from the published rows, with the crossings it marks: as `ssm-scope figures` draws it. */
export function fromPaper(name: FigureName, options: DrawOptions = {}): Figure {
  const { draw, number, crossing }: PaperFigure = PAPER_FIGURES[name];
  const rows = rowsOfFigure(PAPER.paper, number);
  const paper = crossing ? pairMarks(rows, crossing) : [];
  return draw({ paper: figurePoints(rows) }, { crossovers: { paper }, ...options });
}

/** The published points of a figure. */
export const paperPoints = (number: string) => figurePoints(rowsOfFigure(PAPER.paper, number));

const MODELS = [
  { model: "qwen2.5-1.5b", family: "transformer", weights_bytes: 3e9, cache: 28672 },
  { model: "mamba2-1.3b", family: "ssm", weights_bytes: 2.6e9, cache: 0 },
] as const;

/**
 * A made-up campaign of five samples a length, of which the third is the median of every metric. The Transformer runs
 * out of memory at the longest.
 */
export const CAMPAIGN: readonly Row[] = MODELS.flatMap(({ model, family, weights_bytes, cache }) =>
  [1024, 4096, 16384, 57344].flatMap((n) =>
    [0.97, 0.99, 1, 1.02, 1.04].map((factor, repeat): Row => {
      const base: Row = {
        ...{ kind: "latency", model, family, device: "Made-up GPU", ep: "cuda", dtype: "fp16", batch: 1 },
        ...{ prompt_tokens: n, new_tokens: 64, prefill: "chunked", logits: "last", repeat },
        memory_limit_bytes: 8 * 2 ** 30,
      };
      if (family === "transformer" && n === 57344) return { ...base, status: "oom" };
      const ttft_ms = factor * (family === "ssm" ? 60 + 0.021 * n : 0.02 * n + 1e-6 * n * n);
      const e2e_ms = ttft_ms + 320;
      const states = family === "ssm" ? 1e8 : 0;
      const memory = {
        weights_bytes,
        table_bytes: 3e7,
        kv_cache_bytes: cache * n,
        ssm_state_bytes: states,
        peak_activation_bytes: 3e8 + 9000 * n,
      };
      const total_bytes = Object.values(memory).reduce((sum, bytes) => sum + bytes, states);
      return {
        ...base,
        ...memory,
        ...{ status: "ok", ttft_ms, tpot_ms: 5, e2e_ms, energy_j: 0.4 * ttft_ms, energy_error_j: 1 },
        overall_tokens_per_s: (1000 * (n + 64)) / e2e_ms,
        total_bytes,
        arena_slack_bytes: 2e8,
        // The context of the device grows from run to run, so that the runs of a cell differ.
        process_device_bytes: total_bytes + 7e8 + 1e6 * repeat,
        itl_ms: Array.from(
          { length: 63 },
          (_, i) => (family === "ssm" ? 4.6 : 5.4) + 0.01 * i + (i % 21 === repeat ? 3 : 0),
        ),
        ...{ prefill_flops: 2e9 * n, prefill_moved_bytes: weights_bytes + 1e4 * n },
        ...{ decode_flops: 2e9, decode_moved_bytes: weights_bytes + cache * n },
      };
    }),
  ),
);

type Tables = Parameters<typeof drawOwn>[1]["tables"];
const drawn = new WeakMap<Tables, Map<string, Figure>>();

/** A figure that the paper has not, from whole tables: as `ssm-scope figures` draws it. Fits take time: each is made once. */
export function own(name: OwnName, tables: Tables, layout: Layout = "wide"): Figure {
  const known = drawn.get(tables) ?? new Map<string, Figure>();
  drawn.set(tables, known);
  const figure = known.get(`${name} ${layout}`) ?? drawOwn(name, { tables, metric: "ttft_ms", layout });
  known.set(`${name} ${layout}`, figure);
  return figure;
}

export const HERE = { rows: rowsToTable(CAMPAIGN) };
export const BOTH = { ...PAPER, ...HERE };
export const campaignPoints = () => figurePoints(rowsToTable(CAMPAIGN));
