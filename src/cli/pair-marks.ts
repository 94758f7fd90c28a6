import type { ColumnTable } from "arquero";
import { interpolatedMarks, type FitMetricName } from "../analyze/index.js";
import { UserError } from "../errors.js";
import type { CrossoverMark } from "../figures/index.js";
import { rowsToTable, tableToRows } from "../record/index.js";
import { ofKind } from "./own-figures.js";

/**
 * Where the lines between the samples of each Transformer and each other model meet (`interpolatedMarks`), with both
 * models; none where no row has the metric.
 */
export function pairMarks(table: ColumnTable, metric: FitMetricName): CrossoverMark[] {
  const rows = samplesWith(table, metric);
  const models = new Map(rows.map(({ model, family }) => [model, family]));
  const named = [...models].filter(([model]) => model !== undefined);
  return named.flatMap(([a, family]) =>
    family !== "transformer"
      ? []
      : named.flatMap(([b, other]) => {
          if (other === "transformer") return [];
          const pair = rowsToTable(rows.filter(({ model }) => model === a || model === b));
          return interpolatedMarks(pair, metric).map((mark) => ({
            ...mark,
            slower: (mark.faster === a ? b : a)!,
          }));
        }),
  );
}

function samplesWith(table: ColumnTable, metric: FitMetricName) {
  try {
    return tableToRows(ofKind(table, metric));
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}
