import type { Row } from "../record/index.js";
import type { Outcome } from "./evaluate.js";
import type { Estimate } from "./estimate.js";

export const isOk = ({ status }: Row): boolean => status == null || status === "ok";

/** The longest prompt that ran, and the shortest that ran out of memory (Infinity: none was seen to). */
interface Longest {
  readonly ran: number;
  readonly failed: number;
  readonly samples: number;
}

/** The longest prompt that all of the models run: the shortest of theirs. */
export function longestOf(rows: readonly Row[], models: readonly string[]): Outcome {
  const found = models.map((model) => longestPrompt(rows, model));
  const missing = found.find((one) => "missing" in one);
  if (missing) return missing;
  const all = found.filter((one) => "ran" in one);
  const ran = Math.min(...all.map((one) => one.ran));
  const failed = Math.min(...all.map((one) => one.failed));
  return {
    value: ran,
    interval: null,
    bracket: [ran, failed],
    samples: Math.min(...all.map(({ samples }) => samples)),
  };
}

/** The ratio of two longest prompts, bracketed by what the brackets of both leave open. */
export function longestRatioOf(rows: readonly Row[], models: { of: string; over: string }): Outcome {
  const [of, over] = [longestPrompt(rows, models.of), longestPrompt(rows, models.over)];
  if ("missing" in of) return of;
  if ("missing" in over) return over;
  return {
    value: of.ran / over.ran,
    interval: null,
    bracket: [of.ran / over.failed, of.failed / over.ran],
    samples: Math.min(of.samples, over.samples),
  } satisfies Estimate;
}

function longestPrompt(rows: readonly Row[], model: string): Longest | { missing: string } {
  const own = rows.filter((row) => row.model === model);
  const stated = own.find(({ max_prompt_tokens }) => max_prompt_tokens != null);
  if (stated)
    return { ran: stated.max_prompt_tokens!, failed: stated.next_prompt_tokens ?? Infinity, samples: 1 };
  const lengths = (kept: (row: Row) => boolean): number[] =>
    own.filter(kept).flatMap(({ prompt_tokens }) => prompt_tokens ?? []);
  const ok = lengths(isOk);
  if (ok.length === 0) return { missing: `length that ${model} ran` };
  const ran = Math.max(...ok);
  const failed = Math.min(...lengths(({ status }) => status === "oom"));
  if (failed <= ran)
    return {
      missing: `longest prompt of ${model} on which its rows agree: ${failed} tokens ran out of memory, and ${ran} ran`,
    };
  return { ran, failed, samples: ok.filter((tokens) => tokens === ran).length };
}

/**
 * Rows without the next lengths that were not tried. A published limit names the next length of a grid; that it failed is
 * known only where a model of that device ran it or a longer one. Of other limits the next length is one that failed.
 */
export function withTriedLengths(rows: readonly Row[]): Row[] {
  const reached = new Map<string, number>();
  for (const { device, max_prompt_tokens: tokens } of rows)
    if (tokens != null) reached.set(device ?? "", Math.max(tokens, reached.get(device ?? "") ?? 0));
  return rows.map((row) => {
    const { campaign, device, next_prompt_tokens: next } = row;
    const untried = campaign === "paper" && next != null && next > (reached.get(device ?? "") ?? 0);
    return untried ? { ...row, next_prompt_tokens: null } : row;
  });
}
