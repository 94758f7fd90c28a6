import type { ColumnTable } from "arquero";
import { claims } from "../../src/claims/index.js";
import { digits, markdownTable, tokens } from "./markdown.js";

interface Judged {
  readonly id: string;
  readonly claim: string;
  readonly unit: string;
  readonly stated: number | null;
  readonly recomputed: number | null;
  readonly recomputed_lo: number | null;
  readonly recomputed_hi: number | null;
  readonly here: number | null;
  readonly here_lo: number | null;
  readonly here_hi: number | null;
  readonly here_agrees: boolean | null;
}

/** Those of the paper's claims that the rows bear on: what it states, what its own rows give, and what these do. */
export function claimTable(rows: ColumnTable): string {
  return markdownTable(
    ["the paper says", "stated", "its rows", "here", "holds here"],
    judged(rows).map((claim) => [
      `${claim.claim} (${claim.id})`,
      claim.stated === null ? "" : quantity(claim.stated, claim.unit),
      value(claim.recomputed, claim.recomputed_lo, claim.recomputed_hi, claim.unit),
      value(claim.here, claim.here_lo, claim.here_hi, claim.unit),
      claim.here_agrees ? "yes" : "no",
    ]),
  );
}

const judged = (rows: ColumnTable): Judged[] =>
  (claims(rows).objects() as Judged[]).filter(({ here_agrees }) => here_agrees !== null);

const quantity = (number: number, unit: string): string =>
  unit === "tokens" ? `${tokens(number)} tokens` : `${digits(number)}${unit === "x" ? "x" : ` ${unit}`}`;

/** A value with its interval, or the range that is all there is. */
function value(middle: number | null, lo: number | null, hi: number | null, unit: string): string {
  const range = lo === null || hi === null ? "" : `${quantity(lo, unit)} to ${quantity(hi, unit)}`;
  if (middle === null) return range;
  return range === "" ? quantity(middle, unit) : `${quantity(middle, unit)} (${range})`;
}

/** Why claims do not hold here, a paragraph each; the numbers are those of the table. */
const WHY: readonly (readonly [ids: readonly string[], why: string])[] = [
  [
    ["H003", "H006"],
    "**TTFT (H003, H006).** The paper's factor rests on a leap of its Transformer from 24576 to 32768 tokens, threefold where the length grows by a third (W5). Here nothing leaps: prompts go in by segments, only the last position's logits are made, and attention never holds a matrix of scores. So the curves cross where attention's quadratic part has grown large enough, which is later than the 8K of the text and earlier than the paper's own rows have it.",
  ],
  [
    ["H004", "H007", "H041", "H042"],
    "**TPOT and throughput (H004, H007, H041, H042).** Up to 24576 tokens the paper's TPOT of each model hardly moves (12, 14 and 27 ms: the launches of eager mode), and the factors are its Transformer's leap at 32768 again, to 42 ms (W5). Here steps are replayed as CUDA graphs, and what is left are the bytes that they move: Mamba2-780m has 0.57 GB more weights to read than Qwen2.5-0.5B, whose cache is 0.40 GB at 32768 tokens, so they change places only between 65536 and 131072. Falcon-H1-0.5B moves as few bytes as Qwen, but runs attention, an SSM and an MLP in each of 36 layers, Qwen attention and an MLP in 24. 256 new tokens weigh more than the prompt here, so throughput follows TPOT.",
  ],
  [
    ["W7"],
    "**At 8192 tokens (W7)** Qwen2.5-0.5B leads by less than in the paper's rows, but lead it does.",
  ],
];

/** The paragraphs on the claims that do not hold here. Throws where one has none, or one holds after all. */
export function claimReasons(rows: ColumnTable): string {
  const failing = judged(rows).flatMap(({ id, here_agrees }) => (here_agrees ? [] : [id]));
  const explained = WHY.flatMap(([ids]) => ids);
  if (failing.sort().join() !== explained.sort().join())
    throw new Error(`claims that do not hold are ${failing.join(", ")}; explained are ${explained.join(", ")}`);
  return WHY.map(([, why]) => why).join("\n\n");
}
