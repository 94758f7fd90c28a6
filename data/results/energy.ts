import type { ColumnTable } from "arquero";
import type { Row } from "../../src/record/index.js";
import { digits, markdownTable, titled, tokens } from "./markdown.js";
import { modelsOf } from "./models.js";

/** Joules of a prompt at these lengths, and of a new token after the shortest and the longest of them. */
export function energyTable(rows: ColumnTable, lengths: readonly number[]): string {
  const known = energies(rows);
  const of = (model: string, length: number, phase: "prefill" | "decode"): Row | undefined =>
    known.find((row) => row.model === model && row.prompt_tokens === length && row.phase === phase);
  const ends = [lengths[0]!, lengths.at(-1)!];
  return markdownTable(
    [
      "",
      ...titled("prompt, J:", lengths),
      ...ends.map((length, i) => (i === 0 ? `new token, J: after ${tokens(length)}` : `after ${tokens(length)}`)),
    ],
    modelsOf(known).map((model) => [
      model,
      ...lengths.map((length) => digits(of(model, length, "prefill")?.energy_j)),
      ...ends.map((length) => digits(of(model, length, "decode")?.energy_per_token_j)),
    ]),
  );
}

/** How far the energies of prompts and of decoding may be off, by when the sensor was read: the largest share, in %. */
export const largestErrorPct = (rows: ColumnTable): number =>
  Math.max(...energies(rows).map(({ energy_j, energy_error_j }) => (100 * energy_error_j!) / energy_j!));

const energies = (rows: ColumnTable): Row[] =>
  (rows.objects() as Row[]).filter(
    ({ kind, status, phase }) => kind === "energy" && status === "ok" && phase !== "both",
  );
