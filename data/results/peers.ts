import type { ColumnTable } from "arquero";
import { summarize } from "../../src/analyze/index.js";
import { digits, markdownTable, tokens } from "./markdown.js";
import { modelsOf } from "./models.js";

interface Cell {
  readonly model: string;
  readonly prompt_tokens: number;
  readonly ep_options: readonly string[] | null;
  readonly ttft_ms: number | null;
  readonly tpot_ms: number | null;
}

/**
 * PyTorch beside ours: TTFT of its prefill, TPOT of its eager steps and of its CUDA graphs, and how many times as long as
 * ours each takes. The prefill of its two variants is one and the same; what eager did not come to is the other's.
 */
export function peerTable(peers: ColumnTable, rows: ColumnTable): string {
  const ours = cells(rows);
  const theirs = cells(peers);
  const of = (model: string, length: number, variant: string): Cell | undefined =>
    theirs.find(
      (cell) =>
        cell.model === model &&
        cell.prompt_tokens === length &&
        cell.ep_options?.includes(`variant=${variant}`),
    );
  const lengthsOf = (model: string): number[] => [
    ...new Set(theirs.filter((cell) => cell.model === model).map(({ prompt_tokens }) => prompt_tokens)),
  ];
  const places = modelsOf(theirs).flatMap((model) =>
    lengthsOf(model)
      .sort((a, b) => a - b)
      .map((prompt_tokens) => ({ model, prompt_tokens })),
  );
  return markdownTable(
    ["", "tokens", "TTFT, ms: PyTorch", "ours", "ratio", "TPOT, ms: eager", "its CUDA graph", "ours", "ratio to eager", "to the graph"],
    places.flatMap(({ model, prompt_tokens }) => {
      const mine = ours.find((cell) => cell.model === model && cell.prompt_tokens === prompt_tokens);
      if (!mine) return [];
      const [eager, graph] = [of(model, prompt_tokens, "eager"), of(model, prompt_tokens, "graph")];
      const ttft = (eager ?? graph)!.ttft_ms;
      return [
        [
          model,
          tokens(prompt_tokens),
          digits(ttft),
          digits(mine.ttft_ms),
          times(ttft, mine.ttft_ms),
          digits(eager?.tpot_ms),
          digits(graph?.tpot_ms),
          digits(mine.tpot_ms),
          times(eager?.tpot_ms, mine.tpot_ms),
          times(graph?.tpot_ms, mine.tpot_ms),
        ],
      ];
    }),
  );
}

const cells = (rows: ColumnTable): Cell[] =>
  summarize(rows, { metrics: ["ttft_ms", "tpot_ms"] }).objects() as Cell[];

const times = (theirs: number | null | undefined, ours: number | null): string =>
  theirs == null || ours === null ? "" : `${(theirs / ours).toFixed(2)}x`;
