import type { ColumnTable } from "arquero";
import { digits, markdownTable, span, tokens } from "./markdown.js";

interface ClassRow {
  readonly model: string;
  readonly family: string;
  readonly lowering: string | null;
  readonly phase: string;
  readonly prompt_tokens: number;
  readonly op_class: string;
  readonly op_share_pct: number;
  readonly profiled_ms: number;
  readonly unprofiled_ms: number;
}

const CLASSES = { ssm_scan: "scan", gemm: "GEMM", attention: "attention" } as const;

/** What a prompt's profiles say: the shares of the classes, by model and lowering, at the longest length of each. */
export function operatorTable(rows: ColumnTable): string {
  const profiles = longest(prefills(rows));
  return markdownTable(
    ["", "lowering", "tokens", ...Object.values(CLASSES).map((title) => `${title}, %`), "others, %", "profiled / not"],
    profiles.map((classes) => {
      const { model, lowering, prompt_tokens, profiled_ms, unprofiled_ms } = classes[0]!;
      const known = Object.keys(CLASSES).map((name) => shareOf(classes, name));
      const others = 100 - known.reduce((sum, share) => sum + share, 0);
      return [
        model,
        lowering ?? "",
        tokens(prompt_tokens),
        ...[...known, others].map((share) => String(Math.round(share))),
        digits(profiled_ms / unprofiled_ms),
      ];
    }),
  );
}

/** What SSM operators take of the longest prompts, where the scan is made of stock operators and where it is our own. */
export function dominanceSentence(rows: ColumnTable): string {
  const profiles = longest(prefills(rows));
  const of = (family: string, isFused: boolean): string | null => {
    const chosen = profiles.filter(
      ([row]) => row!.family === family && (row!.lowering === "fused") === isFused,
    );
    const shares = chosen.map((classes) =>
      Math.round(shareOf(classes, "ssm_scan") + shareOf(classes, "conv1d")),
    );
    return shares.length === 0 ? null : `${span(shares)} %`;
  };
  const hybrids = [of("hybrid", false), of("hybrid", true)];
  return (
    `SSM operators (scan and convolution) take ${of("ssm", false)} of an SSM's prompt where the scan is made of stock operators, and ` +
    `${of("ssm", true)} with the fused ones; of the hybrid's ${hybrids[0] === null ? `${hybrids[1]} with the fused ones` : hybrids.join(" and ")}.`
  );
}

const shareOf = (classes: readonly ClassRow[], name: string): number =>
  classes.find(({ op_class }) => op_class === name)?.op_share_pct ?? 0;

const prefills = (rows: ColumnTable): ClassRow[] =>
  (rows.objects() as ClassRow[]).filter(({ phase }) => phase === "prefill");

/** The classes of each model and lowering at its longest length. */
function longest(rows: readonly ClassRow[]): ClassRow[][] {
  const groups = new Map<string, ClassRow[]>();
  for (const row of rows) {
    const key = `${row.model} ${row.lowering ?? ""}`;
    const group = groups.get(key);
    if (!group || group[0]!.prompt_tokens < row.prompt_tokens) groups.set(key, [row]);
    else if (group[0]!.prompt_tokens === row.prompt_tokens) group.push(row);
  }
  return [...groups.values()];
}
