import { verdictReason, type Row } from "../record/index.js";

/** Cells with samples that are not beyond doubt, if there are any, a sentence for each reason. */
export function doubtsOf(rows: readonly Row[]): string[] {
  const places = new Map<string, Set<string>>();
  for (const { verdict, verdict_reasons, model, prompt_tokens, superseded } of rows) {
    if (verdict == null || verdict === "ok" || superseded) continue;
    for (const code of verdict_reasons?.length ? verdict_reasons : ["no reason is stated"]) {
      // Formerly, and in foreign rows, codes were spelt otherwise.
      const reason = `${verdictReason(code)?.verdict === "rejected" ? "Rejected" : "In doubt"}, because ${verdictReason(code)?.words ?? code}`;
      places.set(reason, (places.get(reason) ?? new Set()).add(`${model} at ${prompt_tokens} tokens`));
    }
  }
  return [...places].map(([reason, cells]) => `${reason}: ${[...cells].join(", ")}.`);
}
