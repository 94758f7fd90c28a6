import type { Row } from "../../src/record/index.js";
import type { AgainstRoofline, BenchCell, PeerRow, Side, Verdict } from "./join.js";
import type { Metric } from "./targets.js";

/** The table, one line a cell, then what each engine was, what did not run, and every target. */
export function formatBench(cells: readonly BenchCell[], rows: readonly Row[]): string {
  if (cells.length === 0) return "nothing was measured";
  const parts = [
    alignColumns([HEADER, ...cells.map(line)]),
    engines(cells, rows),
    failures(cells),
    verdicts(cells),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

const HEADER = [
  "model",
  "tokens",
  "n",
  "TTFT ms",
  "peer",
  "ratio",
  "TPOT ms",
  "peer",
  "ratio",
  "peer graph",
  "device GB",
  "peer",
  "TTFT roofline",
  "x",
  "TPOT roofline",
  "x",
  "targets",
];

function line(cell: BenchCell): string[] {
  const { ours, peer, peerGraph, verdicts } = cell;
  const missed = verdicts.filter(({ met }) => !met).length;
  return [
    cell.model,
    String(cell.promptTokens),
    `${ours?.samples ?? 0}/${peer?.samples ?? 0}`,
    timeOf(ours, "ttftMs"),
    timeOf(peer, "ttftMs"),
    number(cell.ttftRatio, 3),
    timeOf(ours, "tpotMs"),
    timeOf(peer, "tpotMs"),
    number(cell.tpotRatio, 3),
    timeOf(peerGraph, "tpotMs"),
    gigabytes(ours?.deviceBytes),
    gigabytes(peer?.deviceBytes),
    boundOf(cell.ttftRoofline),
    number(cell.ttftRoofline?.ratio, 2),
    boundOf(cell.tpotRoofline),
    number(cell.tpotRoofline?.ratio, 2),
    verdicts.length === 0
      ? "-"
      : missed === 0
        ? `${verdicts.length} met`
        : `${missed} of ${verdicts.length} missed`,
  ];
}

/** Rows of cells as text: the first column to the left, all others to the right. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join("  "),
    )
    .map((text) => text.trimEnd())
    .join("\n");
}

/** Which engines the numbers are of: the kernels of every peer by name, ours by setting. */
function engines(cells: readonly BenchCell[], rows: readonly Row[]): string {
  const lines = cells.flatMap(({ model, ours, peer, peerGraph }) =>
    [ours, peer, peerGraph].flatMap((side) => (side ? [`${model}: ${side.label}`] : [])),
  );
  const versions = rows.flatMap((row) => {
    const { gpu, torch, transformers, device, ort_version: ort } = row as PeerRow;
    if (row.kind === "peer")
      return gpu || torch ? [`peer on ${gpu ?? "CPU"}, torch ${torch}, transformers ${transformers}`] : [];
    return ort ? [`ours on ${device}, ONNX Runtime ${ort}`] : [];
  });
  return [...new Set([...versions, ...lines])].join("\n");
}

function failures(cells: readonly BenchCell[]): string {
  const lines = cells.flatMap(({ model, promptTokens, ours, peer, peerGraph }) =>
    Object.entries({ ours, peer, "peer graph": peerGraph }).flatMap(([who, side]) =>
      side && side.outcome !== "ok" ? [`${model}, ${promptTokens} tokens, ${who}: ${side.outcome}`] : [],
    ),
  );
  return lines.join("\n");
}

const METRICS: Record<Metric, { name: string; show: (value: number) => string }> = {
  ttftMs: { name: "TTFT", show: (value) => `${value.toFixed(2)} ms` },
  tpotMs: { name: "TPOT", show: (value) => `${value.toFixed(3)} ms` },
  deviceBytes: { name: "device memory", show: (value) => `${(value / 1e9).toFixed(2)} GB` },
};

function verdicts(cells: readonly BenchCell[]): string {
  return cells
    .flatMap((cell) =>
      cell.verdicts.map((verdict) => `${cell.model}, ${cell.promptTokens} tokens: ${sentence(verdict)}`),
    )
    .join("\n");
}

/** "TTFT 31.20 ms, target 30.30 ms: missed by 3.0 %". */
export function sentence({ metric, limit, value, met }: Verdict): string {
  const { name, show } = METRICS[metric];
  const difference = (100 * Math.abs(value - limit)) / limit;
  const outcome = met ? `met, ${difference.toFixed(1)} % to spare` : `missed by ${difference.toFixed(1)} %`;
  return `${name} ${show(value)}, target ${show(limit)}: ${outcome}`;
}

function timeOf(side: Side | null, metric: "ttftMs" | "tpotMs"): string {
  if (side && side.outcome !== "ok") return side.outcome.split(":", 1)[0]!;
  return number(side?.[metric], metric === "ttftMs" ? 2 : 3);
}

const boundOf = (against: AgainstRoofline | null): string =>
  against ? `${against.lowerBoundMs.toFixed(3)} ${against.bound}` : "-";

const gigabytes = (bytes: number | null | undefined): string =>
  bytes == null ? "-" : (bytes / 1e9).toFixed(2);

const number = (value: number | null | undefined, decimals: number): string =>
  value == null ? "-" : value.toFixed(decimals);
