import type { ColumnTable } from "arquero";
import { summarize } from "../../src/analyze/index.js";
import { digits, markdownTable, titled } from "./markdown.js";
import { modelsOf } from "./models.js";

interface Cell {
  readonly model: string;
  readonly prompt_tokens: number;
  readonly lowering: string;
  readonly ttft_ms: number;
}

const LENGTHS = [1024, 8192, 32768, 131072];

/** TTFT of SSMs by stock operators, and how many times as long as by the fused ones that is. */
export function loweringTable(stock: ColumnTable, fused: ColumnTable): string {
  const [slow, fast] = [stock, fused].map(
    (rows) => summarize(rows, { metrics: ["ttft_ms"] }).objects() as Cell[],
  ) as [Cell[], Cell[]];
  const at = (cells: readonly Cell[], model: string, length: number): Cell | undefined =>
    cells.find((cell) => cell.model === model && cell.prompt_tokens === length);
  return markdownTable(
    ["", "lowering", ...titled("TTFT, ms:", LENGTHS), ...titled("times the fused:", LENGTHS)],
    modelsOf(slow).map((model) => {
      const pairs = LENGTHS.map((length) => [at(slow, model, length), at(fast, model, length)] as const);
      return [
        model,
        slow.find((cell) => cell.model === model)!.lowering,
        ...pairs.map(([mine]) => digits(mine?.ttft_ms)),
        ...pairs.map(([mine, other]) => (mine && other ? `${(mine.ttft_ms / other.ttft_ms).toFixed(1)}x` : "")),
      ];
    }),
  );
}
