import type { ColumnTable } from "arquero";
import { rowsToTable, type Row } from "../record/index.js";
import type { Sample, Values } from "./sensor.js";

/** A row a sample: `at_ms`, `device` where it is told, and a column of every value that at least one sample has. */
export function samplesToTable(samples: Iterable<Sample>): ColumnTable {
  const rows: Row[] = [];
  for (const { at_ms, device, values } of samples) rows.push({ at_ms, device, ...values } as Row);
  return rowsToTable(rows);
}

/** Samples of such a table, e.g. one that was written to a file. */
export function tableToSamples(table: ColumnTable): Sample[] {
  return (table.objects() as ({ at_ms: number; device?: string | null } & Values)[]).map(
    ({ at_ms, device = null, ...values }) => ({ at_ms, device, values }),
  );
}
