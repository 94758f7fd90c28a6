import { table, type ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { asTable, tableToRows, type Rows } from "../record/index.js";
import { TOLERANCE, type ClaimTolerance } from "./accept.js";
import { AUDIT } from "./audit.js";
import type { Claim } from "./claim.js";
import { HEADLINES } from "./headlines.js";
import { judge, CLAIM_VERDICTS, type ClaimFinding, type ClaimResult, type ClaimVerdict } from "./judge.js";
import { withTriedLengths } from "./longest.js";

/** Every claim: the paper's headlines H001 to H094 and the audit's findings W1 to W19. */
export const CLAIMS: readonly Claim[] = [...HEADLINES, ...AUDIT];

/** Which claims are judged, and how strictly. */
export interface ClaimsOptions {
  /** Ids, e.g. `["H003", "W5"]`; default all. */
  only?: readonly string[];
  /** Claims to judge instead of the paper's: your own, from `defineClaim`. */
  of?: readonly Claim[];
  /** Keep results with one of these verdicts; default all. */
  verdict?: readonly ClaimVerdict[];
  tolerance?: Partial<ClaimTolerance>;
}

/**
 * Judges claims: what is stated, what the paper's published rows give, and what your rows give.
 *
 * With rows a verdict is about your device: `reproduced`, `not-reproduced-here`, or `no-data` where they lack what it
 * takes, do not bear on it or do not tell; a claim that the paper's own rows contradict stays `contradicted-by-own-data`
 * whatever your device does (`here.agrees` tells that). Without rows, and for claims on which no device bears
 * (settings of the paper, findings about its data), it is about the published rows.
 *
 * A value agrees if it is what is stated as rounded or cut at its last digit (published rows); within 10 % of it on
 * the paper's device; within 25 % on another device, of which only ratios, shares and orders are compared. The whole
 * interval must lie there; if it reaches to both sides, the verdict is `no-data`. Fewer than five samples a length have no
 * interval: their median decides, and the reason says so. What lies between two lengths, as a crossing or the longest
 * prompt, agrees if both lie there, or if the one is at most twice the other and the stated length is between them.
 *
 * UserError for an unknown id or verdict.
 */
export function judgeClaims(rows?: Rows | null, options: ClaimsOptions = {}): ClaimResult[] {
  const { only, of = CLAIMS, verdict = CLAIM_VERDICTS } = options;
  for (const name of verdict) checkVerdict(name);
  const tolerance = checkTolerance({ ...TOLERANCE, ...options.tolerance });
  const chosen = only ? only.map((id) => findClaim(id, of)) : of;
  const own = rows ? withTriedLengths(tableToRows(asTable(rows))) : null;
  return chosen
    .map((claim) => judge(claim, own, tolerance))
    .filter((result) => verdict.includes(result.verdict));
}

/**
 * `judgeClaims` as a table, a row a claim. `recomputed` and `here` are numbers; where the value is a range, such as the
 * two lengths between which curves cross, they are null and `_lo`, `_hi` are its ends. Else these are the ends of the
 * bracket of a longest prompt, or of the 95 % interval. An open end is null.
 *
 * @example
 * claims(loadRows("out/a")).filter(aq.escape((row) => row.verdict === "not-reproduced-here"));
 */
export function claims(rows?: Rows | null, options: ClaimsOptions = {}): ColumnTable {
  return claimsTable(judgeClaims(rows, options));
}

/** Results as a table to look at; `claims` says what its columns hold. */
export function claimsTable(results: readonly ClaimResult[]): ColumnTable {
  const column = <Value>(of: (result: ClaimResult) => Value): Value[] => results.map(of);
  return table({
    id: column(({ id }) => id),
    figure: column(({ figure }) => figure),
    metric: column(({ metric }) => metric),
    claim: column(({ claim }) => claim),
    stated: column(({ stated }) => stated),
    recomputed: column(({ recomputed }) => single(recomputed)),
    recomputed_lo: column(({ recomputed }) => end(recomputed, 0)),
    recomputed_hi: column(({ recomputed }) => end(recomputed, 1)),
    here: column(({ here }) => single(here)),
    here_lo: column(({ here }) => end(here, 0)),
    here_hi: column(({ here }) => end(here, 1)),
    here_n: column(({ here }) => here?.samples ?? null),
    here_agrees: column(({ here }) => here?.agrees ?? null),
    device: column(({ here }) => here?.device ?? null),
    unit: column(({ unit }) => unit),
    models: column(({ models }) => models.join(" ")),
    measured: column(({ measured }) => measured),
    accepted_lo: column(({ here, recomputed }) => finite((here ?? recomputed)?.accepted?.[0])),
    accepted_hi: column(({ here, recomputed }) => finite((here ?? recomputed)?.accepted?.[1])),
    tolerance: column(({ here, recomputed }) => (here ?? recomputed)?.tolerance ?? null),
    verdict: column(({ verdict }) => verdict),
    judged_by: column(({ judgedBy }) => judgedBy),
    reason: column(({ reason }) => reason),
    source: column(({ source }) => source),
  });
}

const single = (found: ClaimFinding | null): number | null =>
  typeof found?.value === "number" ? found.value : null;

function end(found: ClaimFinding | null, at: 0 | 1): number | null {
  if (found === null) return null;
  const { value, bracket, interval } = found;
  return finite((typeof value === "number" ? (bracket ?? interval) : value)?.[at]);
}

const finite = (value: number | undefined): number | null => (Number.isFinite(value) ? value! : null);

/** A claim by its id; UserError that says which there are. */
export function findClaim(id: string, among: readonly Claim[] = CLAIMS): Claim {
  const found = among.find((claim) => claim.id === id);
  if (found) return found;
  const ids = among.map((claim) => claim.id);
  throw new UserError(
    `there is no claim "${id}"; there are ${ids.slice(0, 3).join(", ")} to ${ids.at(-1) ?? ""}`,
  );
}

function checkVerdict(verdict: string): void {
  if (!CLAIM_VERDICTS.some((known) => known === verdict))
    throw new UserError(`verdict is ${verdict}: it must be one of ${CLAIM_VERDICTS.join(", ")}`);
}

function checkTolerance(tolerance: ClaimTolerance): ClaimTolerance {
  for (const [name, slack] of Object.entries(tolerance))
    if (!(slack >= 0 && slack < Infinity))
      throw new UserError(`tolerance ${name} is ${slack}: it must be 0 or more, such as 0.25 for 25 %`);
  return tolerance;
}
