import type { NodeRow } from "../profile/index.js";
import type { Row } from "../record/index.js";
import type { ProfileResult, ProfileRun } from "../run/index.js";

/** Characters of a bar of 100 %. */
const BAR = 40;

/** What a terminal shows of profiles: for each a table of classes with bars, its sum, and the nodes that take the most. */
export function profileView(
  { rows, nodes, runs }: ProfileResult,
  top: number,
): { readonly text: string; readonly failures: readonly string[] } {
  const profiles = runs.objects() as Partial<ProfileRun>[];
  const classes = rows.objects() as Row[];
  const all = nodes.objects() as (NodeRow & Partial<ProfileRun>)[];
  const good = profiles.filter(({ status }) => status === "ok");
  const bad = profiles.filter(({ status }) => status !== "ok");
  const text = good
    .map((one) => {
      const isOf = (row: Row | (NodeRow & Partial<ProfileRun>)): boolean =>
        row.model === one.model &&
        (row.prompt_tokens ?? null) === (one.prompt_tokens ?? null) &&
        (row.phase ?? null) === (one.phase ?? null);
      return profileText(one, classes.filter(isOf), all.filter(isOf).slice(0, top));
    })
    .join("\n");
  const failures = bad.map((one) => `${titleOf(one)}: ${one.status_reason ?? "failed"}`);
  return { text, failures };
}

const titleOf = ({ model, prompt_tokens, phase, lowering }: Partial<ProfileRun>): string =>
  [
    model,
    ...(prompt_tokens == null ? [] : [`${prompt_tokens} tokens`]),
    ...(phase == null ? [] : [phase]),
    ...(lowering == null ? [] : [lowering]),
  ].join(", ");

function profileText(run: Partial<ProfileRun>, classes: readonly Row[], nodes: readonly NodeRow[]): string {
  const passes = run.passes ?? 1;
  const lines = classes
    .toSorted((a, b) => b.op_share_pct! - a.op_share_pct!)
    .map((row) => {
      const ms = row.op_latency_us! / 1000 / passes;
      const calls = String(Math.round(row.op_calls! / passes)).padStart(7);
      return `  ${row.op_class!.padEnd(17)}${fixed(ms, 10)} ms${fixed(row.op_share_pct!, 7)} %${calls} calls  ${bar(row.op_share_pct!)}`;
    });
  const times = [`${run.profiled_ms!.toFixed(2)} ms a pass with the profiler (mean of ${passes})`];
  if (run.unprofiled_ms != null)
    times.push(`${run.unprofiled_ms.toFixed(2)} ms without (median): inflation ${run.inflation!.toFixed(2)}`);
  const sum = `classes and gaps sum to ${(100 + run.sum_error_pct!).toFixed(2)} % of it; ${run.unclassified_pct!.toFixed(2)} % unclassified`;
  const most = nodes.map(
    (node) =>
      `  ${fixed(node.share_pct, 6)} %  ${node.node === "" ? `a ${node.op_type} without a name` : node.node} (${node.op_class}: ${shapesOf(node)})`,
  );
  const listed = most.length > 0 ? ["  the nodes that take the most:", ...most] : [];
  return [titleOf(run), ...lines, `  ${times.join("; ")}`, `  ${sum}`, ...listed, ""].join("\n");
}

/** What it reads and makes; of a program that does not say it, what ran. */
const shapesOf = ({ inputs, outputs, op_type: type }: Partial<NodeRow>): string =>
  inputs === undefined ? type! : `${inputs} -> ${outputs}`;

const fixed = (value: number, width: number): string => value.toFixed(2).padStart(width);

const bar = (pct: number): string => "█".repeat(Math.round((BAR * Math.min(Math.max(pct, 0), 100)) / 100));
