import type { ColumnTable } from "arquero";
import { summarize } from "../../src/analyze/index.js";
import { digits, markdownTable, titled } from "./markdown.js";
import { modelsOf } from "./models.js";

const METRICS = ["ttft_ms", "tpot_ms", "process_device_bytes", "process_rss_bytes"] as const;

type Cell = { readonly model: string; readonly prompt_tokens: number } & Readonly<
  Partial<Record<(typeof METRICS)[number], number | null>>
>;

/** A column of the table: a metric at a length. */
interface Column {
  readonly title: string;
  readonly value: (cell: Cell) => number | null | undefined;
  readonly lengths: readonly number[];
}

/** Medians by model, Transformers first, in the order of the registry. */
export function latencyTable(rows: ColumnTable, columns: readonly Column[]): string {
  // Rows of a CPU have no memory of a GPU.
  const metrics = METRICS.filter((metric) => rows.columnNames().includes(metric));
  const cells = summarize(rows, { metrics }).objects() as Cell[];
  const header = ["", ...columns.flatMap(({ title, lengths }) => titled(title, lengths))];
  return markdownTable(
    header,
    modelsOf(cells).map((name) => [
      name,
      ...columns.flatMap(({ lengths, value }) =>
        lengths.map((length) => {
          const cell = cells.find(({ model, prompt_tokens }) => model === name && prompt_tokens === length);
          return cell ? digits(value(cell) ?? null) : "";
        }),
      ),
    ]),
  );
}

/** TTFT at these lengths; TPOT and memory at some of them. */
const columns = (
  lengths: readonly number[],
  ends: readonly number[],
  memory: { readonly title: string; readonly metric: "process_device_bytes" | "process_rss_bytes" },
): readonly Column[] => [
  { title: "TTFT, ms:", lengths, value: ({ ttft_ms }) => ttft_ms },
  { title: "TPOT, ms:", lengths: ends, value: ({ tpot_ms }) => tpot_ms },
  { title: memory.title, lengths: ends, value: ({ [memory.metric]: bytes }) => bytes && bytes / 1e9 },
];

const ON_THE_CARD = { title: "on the card, GB:", metric: "process_device_bytes" } as const;

export const gpuColumns = columns(
  [1024, 8192, 32768, 131072, 220160, 1048576],
  [1024, 32768, 131072],
  ON_THE_CARD,
);

export const paperColumns = columns([1024, 8192, 32768, 57344], [1024, 32768, 57344], ON_THE_CARD);

export const cpuColumns = columns([128, 512, 1024, 2048, 4096], [128, 4096], {
  title: "resident, GB:",
  metric: "process_rss_bytes",
});
