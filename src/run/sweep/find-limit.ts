import { UserError } from "../../errors.js";
import type { Row } from "../../record/index.js";
import { columnsOf } from "../columns-of.js";
import { isOnnxCell } from "../onnx/plan.js";
import { withLength, type AnyCell, type Cell } from "../plan.js";
import { cellName } from "../work.js";
import type { Ledger } from "./ledger.js";
import { expectedLimit, nextProbe, type Bracket, type Held } from "./next-probe.js";
import { settingKey } from "./setting.js";

interface Search {
  measure(cell: Cell): Promise<void>;
  /** What the cells may take. */
  readonly budgetBytes: number;
  report(row: Row): void;
  line(text: string): void;
}

/**
 * Finds the longest prompt that a setting runs, between its longest cell that ran and its shortest that ran out of memory,
 * each probe a cell as any other. A search that was interrupted goes over the rows of its probes and then on. Nothing is
 * reported where no length ran out of memory, or where a probe ends in any other way than these two.
 */
export async function findLimit(cells: readonly AnyCell[], ledger: Ledger, search: Search): Promise<void> {
  const bracket = bracketOf(cells, ledger);
  if (bracket === null) return;
  const [like] = cells as [AnyCell];
  if (isOnnxCell(like))
    throw new UserError("the limit of an exported model is not searched for; leave out --bisect");
  if (like.prompt) throw new UserError("the limit is not searched for with a document; leave out --bisect");
  let { ran, failed } = bracket;
  const held = cells.flatMap((cell) => (cell.promptTokens < failed ? heldBy(cell, ledger) : []));
  let surprised = false;
  for (;;) {
    // After a surprise the middle is tried: a memory that grows by another law is found too.
    const expected: number | null = surprised ? null : expectedLimit(held, search.budgetBytes);
    const next: number | null = nextProbe({ ran, failed }, expected);
    if (next === null) break;
    const probe = { ...withLength(like as Cell, next), repeats: 1 };
    ledger.know(probe);
    if (!ledger.ran(probe) && !ledger.ranOut(probe)) await search.measure(probe);
    surprised = expected !== null && ledger.ranOut(probe) !== next > expected;
    held.push(...heldBy(probe, ledger));
    if (ledger.ranOut(probe)) failed = next;
    else if (ledger.ran(probe)) ran = next;
    else {
      search.line(`${cellName(probe)}: neither ran nor ran out of memory, so that the limit stays unknown`);
      return;
    }
  }
  const cell = limitKey(like);
  const row = limitRow(ran, failed);
  const known = ledger.of({ key: cell }).at(-1);
  if (known?.next_prompt_tokens === failed && (known.max_prompt_tokens ?? 0) === (ran ?? 0)) return;
  search.report({ ...row, total_bytes: ran === null ? null : totalBytes(ledger, settingKey(like), ran) });
  search.line(`${like.model.name}: ${ran ?? 0} tokens fit, ${failed} do not`);
}

/** The longest cell that ran, below the shortest that ran out of memory; null where none did. */
function bracketOf(cells: readonly AnyCell[], ledger: Ledger): Bracket | null {
  const lengths = (which: (cell: AnyCell) => boolean): number[] =>
    cells.filter(which).map(({ promptTokens }) => promptTokens);
  const failed = Math.min(...lengths((cell) => ledger.ranOut(cell)));
  if (failed === Infinity) return null;
  const ran = Math.max(...lengths((cell) => cell.promptTokens < failed && ledger.ran(cell)));
  return { ran: ran === -Infinity ? null : ran, failed };
}

/** What the process of a cell held; nothing where it did not run, or nobody could tell. */
function heldBy(cell: AnyCell, ledger: Ledger): Held[] {
  const told = ledger.of(cell).filter(({ status }) => status === "ok");
  const bytes = told.flatMap(
    ({ process_device_bytes, process_rss_bytes }) => process_device_bytes ?? process_rss_bytes ?? [],
  );
  return bytes.length === 0 ? [] : [{ promptTokens: cell.promptTokens, bytes: Math.max(...bytes) }];
}

const limitKey = (cell: AnyCell): string => `limit-${settingKey(cell)}`;

const limitRow = (ran: number | null, failed: number): Row => ({
  measured_at: new Date().toISOString(),
  status: ran === null ? "oom" : "ok",
  status_reason: ran === null ? "not one token fits" : null,
  max_prompt_tokens: ran,
  next_prompt_tokens: failed,
});

function totalBytes(ledger: Ledger, setting: string, promptTokens: number): number | null {
  const [cells] = ledger.settings().filter(([first]) => settingKey(first!) === setting);
  const longest = cells?.filter((cell) => cell.promptTokens === promptTokens) ?? [];
  const told = longest.flatMap((cell) => ledger.of(cell)).map(({ total_bytes }) => total_bytes);
  return told.find((bytes) => bytes != null) ?? null;
}

/** Columns of a limit: its setting, without what is of one length. */
export function limitColumns(cell: AnyCell, common: Row): Row {
  const { prompt_tokens, prefill_flops, prefill_moved_bytes, decode_flops, decode_moved_bytes, ...columns } =
    columnsOf({ cell }, common);
  return { ...columns, kind: "limit", cell: limitKey(cell), method: "bisection", aggregated_samples: null };
}
