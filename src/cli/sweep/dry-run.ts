import type { Prediction } from "../../run/index.js";
import { show } from "../../notebook/display.js";

/** A prediction as programs read it: the units are in the names. */
export const predictionRow = (one: Prediction): Record<string, unknown> => {
  const { cell } = one;
  return {
    cell: cell.key,
    model: cell.model.name,
    prompt_tokens: cell.promptTokens,
    ep: cell.ep,
    dtype: cell.dtype,
    lowering: cell.lowering,
    batch: cell.batch,
    new_tokens: cell.newTokens,
    prefill: cell.prefill,
    logits: cell.logits,
    memory_limit_bytes: one.limitBytes,
    ttft_ms: one.ttftMs,
    tpot_ms: one.tpotMs,
    total_s: one.totalS,
    time_basis: one.timeBasis,
    energy_j: one.energyJ,
    energy_basis: one.energyBasis,
    memory_bytes: one.memoryBytes,
    memory_basis: one.memoryBasis === "none" ? "the model's shapes" : one.memoryBasis,
    fits: one.fits,
  };
};

/** Columns that do not vary are said once. */
const SETTING = ["ep", "dtype", "lowering", "batch", "new_tokens", "prefill", "logits"];

/** Prints the cells of a plan with what they will likely take, and which cannot fit. */
export async function printDryRun(predictions: readonly Prediction[]): Promise<void> {
  const rows = predictions.map(predictionRow);
  const varies = (name: string): boolean => new Set(rows.map((row) => row[name])).size > 1;
  await show(
    rows.map((row, i) => ({
      model: row.model,
      prompt_tokens: row.prompt_tokens,
      ...Object.fromEntries(SETTING.filter(varies).map((name) => [name, row[name]])),
      ...(varies("memory_limit_bytes") && { memory_limit_gb: gigabytes(predictions[i]!.limitBytes) }),
      ttft_ms: rounded(predictions[i]!.ttftMs),
      tpot_ms: rounded(predictions[i]!.tpotMs),
      total_s: rounded(predictions[i]!.totalS),
      from: row.time_basis,
      energy_j: rounded(predictions[i]!.energyJ),
      memory_gb: gigabytes(predictions[i]!.memoryBytes),
      fits: row.fits === null ? "unknown" : row.fits ? "yes" : "no",
    })),
  );
  for (const sentence of sentences(predictions)) console.log(sentence);
}

function sentences(predictions: readonly Prediction[]): string[] {
  const fixed = SETTING.flatMap((name) => {
    const values = new Set(predictions.map((one) => predictionRow(one)[name]));
    const [only] = values;
    return values.size === 1 && only !== null ? [`${name} ${only as string | number}`] : [];
  });
  const timed = predictions.flatMap(({ totalS }) => totalS ?? []);
  const untimed = predictions.length - timed.length;
  const tooLarge = predictions.filter(({ fits }) => fits === false).length;
  const seconds = timed.reduce((sum, one) => sum + one, 0);
  return [
    `${predictions.length} cell${predictions.length === 1 ? "" : "s"}${fixed.length > 0 ? `, all with ${fixed.join(", ")}` : ""}.`,
    timed.length === 0
      ? "There are no earlier rows of these models to predict times from; give some with --rows DIR."
      : `About ${duration(seconds)}, without loading weights${untimed > 0 ? `; of ${untimed} cells there is nothing to predict from` : ""}.`,
    ...(tooLarge > 0 ? [`${tooLarge} of them cannot fit into their memory.`] : []),
  ];
}

const rounded = (value: number | null): number | null =>
  value === null ? null : Number(value.toPrecision(3));

const gigabytes = (bytes: number | null): number | null => (bytes === null ? null : rounded(bytes / 1e9));

const duration = (seconds: number): string =>
  seconds < 120
    ? `${Math.ceil(seconds)} s`
    : seconds < 7200
      ? `${Math.ceil(seconds / 60)} min`
      : `${(seconds / 3600).toFixed(1)} h`;
