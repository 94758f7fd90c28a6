import type { ColumnTable } from "arquero";
import { crossover, describeCrossover, fitScaling, type FitMetricName } from "../../src/analyze/index.js";

/** A Transformer, and a model without attention in every layer that is set beside it. */
export type Pair = readonly [transformer: string, other: string];

/** What the fits say of each pair whose samples are there, a sentence each. */
export function crossoverSentences(
  rows: ColumnTable,
  pairs: readonly Pair[],
  metrics: readonly FitMetricName[],
): string {
  const sentences = metrics.flatMap((metric) => {
    const fits = fitScaling(rows, { metric, skipShort: true });
    const of = (name: string) => fits.find(({ series }) => series.model === name);
    return pairs.flatMap(([a, b]) => {
      const [one, other] = [of(a), of(b)];
      return one && other ? [describeCrossover(crossover(one, other))] : [];
    });
  });
  return sentences.map((sentence) => `- ${sentence}`).join("\n");
}
