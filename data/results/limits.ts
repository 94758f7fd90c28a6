import type { ColumnTable } from "arquero";
import { efficiency } from "../../src/analyze/index.js";
import { markdownTable, span, tokens } from "./markdown.js";

interface Use {
  readonly family: string;
  readonly model: string;
  readonly phase: "prefill" | "decode";
  readonly prompt_tokens: number;
  readonly bound: string;
  readonly roofline_share: number;
}

const FAMILIES = { transformer: "Transformers", hybrid: "hybrids", ssm: "SSMs" } as const;

/**
 * How near each family comes to what the device can do: of the least time that the measured ceilings allow, the share, from
 * the model that comes least near to the one that comes nearest.
 */
export function limitsTable(
  rows: ColumnTable,
  ceilings: ColumnTable,
  lengths: readonly number[],
): string {
  const uses = efficiency(rows, { ceilings: ceilingsOf(ceilings) }).objects() as Use[];
  const lines = (["prefill", "decode"] as const).flatMap((phase) =>
    Object.entries(FAMILIES).map(([family, title]) => {
      const of = uses.filter((use) => use.family === family && use.phase === phase);
      const bounds = [...new Set(of.map(({ bound }) => bound))];
      return [
        `${title}, ${phase}`,
        bounds.join(", "),
        ...lengths.map((length) => {
          const shares = of
            .filter(({ prompt_tokens }) => prompt_tokens === length)
            .map(({ roofline_share }) => Math.round(100 * roofline_share));
          return shares.length === 0 ? "" : `${span(shares)} %`;
        }),
      ];
    }),
  );
  return markdownTable(["", "bound by", ...lengths.map(tokens)], lines);
}

export function ceilingsOf(table: ColumnTable): { flopsPerS: number; bytesPerS: number } {
  const row = table.object() as { ceiling_flops_per_s: number; ceiling_bytes_per_s: number };
  return { flopsPerS: row.ceiling_flops_per_s, bytesPerS: row.ceiling_bytes_per_s };
}
