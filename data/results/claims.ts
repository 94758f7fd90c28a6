import type { ColumnTable } from "arquero";
import { claims } from "../../src/claims/index.js";
import { digits, markdownTable, tokens } from "./markdown.js";

interface Judged {
  readonly id: string;
  readonly claim: string;
  readonly unit: string;
  readonly stated: number | string | null;
  readonly recomputed: number | null;
  readonly recomputed_lo: number | null;
  readonly recomputed_hi: number | null;
  readonly here: number | null;
  readonly here_lo: number | null;
  readonly here_hi: number | null;
  readonly here_agrees: boolean | null;
}

/** The claims that rows bear on, held against them: by our defaults, and by the paper's settings. */
export interface Held {
  readonly ours: readonly Judged[];
  readonly paperSettings: readonly Judged[];
}

/** Those of the paper's claims that the rows bear on: what it states, what its own rows give, and what these do. */
export function claimTable({ ours, paperSettings }: Held): string {
  const ids = [...new Set([...ours, ...paperSettings].map(({ id }) => id))].sort();
  return markdownTable(
    ["the paper says", "stated", "its rows", "here", "holds", "here by its settings", "holds"],
    ids.map((id) => {
      const [mine, other] = [ours, paperSettings].map((some) => some.find((claim) => claim.id === id));
      const { claim, stated, unit, recomputed, recomputed_lo, recomputed_hi } = (mine ?? other)!;
      return [
        `${claim} (${id})`,
        stated === null || typeof stated === "string" ? (stated ?? "") : quantity(stated, unit),
        value(recomputed, recomputed_lo, recomputed_hi, unit),
        ...[mine, other].flatMap((found) =>
          found
            ? [value(found.here, found.here_lo, found.here_hi, unit), found.here_agrees ? "yes" : "no"]
            : ["", ""],
        ),
      ];
    }),
  );
}

/** The claims that the rows bear on. */
export const judged = (rows: ColumnTable): Judged[] =>
  (claims(rows).objects() as Judged[]).filter(({ here_agrees }) => here_agrees !== null);

const quantity = (number: number, unit: string): string =>
  unit === "tokens" ? `${tokens(number)} tokens` : `${digits(number)}${unit === "x" ? "x" : ` ${unit}`}`;

/** A value with its interval, where it has a width, or the range that is all there is, which may have one end. */
function value(middle: number | null, lo: number | null, hi: number | null, unit: string): string {
  if (middle === null && lo !== null && hi === null) return `${quantity(lo, unit)} or more`;
  if (middle === null && lo === null && hi !== null) return `${quantity(hi, unit)} or less`;
  const ends = lo === null || hi === null ? [] : [quantity(lo, unit), quantity(hi, unit)];
  const range = ends[0] === ends[1] ? "" : ends.join(" to ");
  if (middle === null) return range;
  return range === "" ? quantity(middle, unit) : `${quantity(middle, unit)} (${range})`;
}

/** Why claims do not hold here, a paragraph each; the numbers are those of the tables. */
const WHY: readonly (readonly [ids: readonly string[], why: string])[] = [
  [
    ["H003", "H006", "H008", "H014", "W5"],
    "**TTFT (H003, H006, H008, H014).** The paper's factors rest on a leap of its Transformer from 24576 to 32768 tokens, threefold where the length grows by a third (W5). Here nothing leaps, by its settings no more than by ours: attention never holds a matrix of scores. So the curves cross where attention's quadratic part has grown large enough, which is later than the 8K of the text and earlier than the paper's own rows have it. Falcon-H1-1.5B leads Qwen2.5-1.5B (H014), but by little: it too runs attention in each of its layers, whose share of the work grows with the prompt in both.",
  ],
  [
    ["H004", "H007", "H041", "H042"],
    "**TPOT and throughput (H004, H007, H041, H042).** Up to 24576 tokens the paper's TPOT of each model hardly moves (12, 14 and 27 ms: the launches of eager mode, as PyTorch's are in the table above), and the factors are its Transformer's leap at 32768 again, to 42 ms (W5). Here steps are replayed as CUDA graphs, and what is left are the bytes that they move: Mamba2-780m has 0.57 GB more weights to read than Qwen2.5-0.5B, whose cache is 0.40 GB at 32768 tokens, so they change places only beyond 57344. Falcon-H1-0.5B moves as few bytes as Qwen, but runs attention, an SSM and an MLP in each of 36 layers, Qwen attention and an MLP in 24. 256 new tokens weigh more than the prompt here, so throughput follows TPOT.",
  ],
  [
    ["H023", "H027"],
    "**Memory (H023, H027).** By the paper's settings its 64 % are there, for the reason that its rows show and its text does not: the logits of every position (W8), 17 GB of them for 57344 tokens of Qwen's vocabulary, three times Mamba2's. Nobody reads them. With those of the last position alone the two models need nearly the same, as Mamba2's weights are larger by little less than Qwen's cache (0.70 GB); and that cache is a third of Qwen's memory instead of a thirtieth.",
  ],
  [
    ["H035", "H036", "H037", "H039"],
    "**Energy (H035, H036, H037, H039).** Energy follows time: at 57344 tokens Qwen's prompt takes 1.84 times the joules and 1.85 times the time of Mamba2's. The paper's factors of 4 and 2.4 are its factors in time. Falcon-H1-0.5B, with attention in each of 36 layers, needs more time and more energy than Qwen at every length to 57344, where 4 % are left of it; the lead it has in the paper rests on the leap again. That Mamba2 needs less beyond 16384 tokens (H038) holds.",
  ],
  [
    ["W7"],
    "**At 8192 tokens (W7)** Qwen2.5-0.5B leads by less than in the paper's rows, but lead it does.",
  ],
];

/** The paragraphs on the claims that do not hold here. Throws where one has none, or one holds after all. */
export function claimReasons({ ours, paperSettings }: Held): string {
  const failing = [...ours, ...paperSettings].flatMap(({ id, here_agrees }) =>
    here_agrees ? [] : [id],
  );
  const explained = WHY.flatMap(([ids]) => ids);
  const [found, told] = [failing, explained].map((ids) => [...new Set(ids)].sort().join(", "));
  if (found !== told) throw new Error(`claims that do not hold are ${found}; explained are ${told}`);
  return WHY.map(([, why]) => why).join("\n\n");
}
