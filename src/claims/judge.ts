import { loadPaper, loadSuperseded, tableToRows, type Row } from "../record/index.js";
import { agree, evenOf, type Agreement, type ClaimTolerance } from "./accept.js";
import { claimModels, type Beside, type Claim, type PaperDevice } from "./claim.js";
import type { Estimate } from "./estimate.js";
import { evaluate, type Missing, type Outcome } from "./evaluate.js";
import {
  deviceWords,
  differences,
  hasMemoryOf,
  isDevice,
  settingsOf,
  settingWords,
  type Setting,
} from "./setting.js";
import type { Measure, Span } from "./measure.js";
import { quantity, spanWords, valueWords } from "./words.js";

/**
 * `reproduced`: the rows agree with the claim, the user's where there are any, else the paper's own.
 * `contradicted-by-own-data`: the paper's published rows do not give what it states.
 * `not-reproduced-here`: the user's rows disagree.
 * `no-data`: neither, because rows are missing, do not bear on it or do not tell.
 */
export const CLAIM_VERDICTS = [
  "reproduced",
  "contradicted-by-own-data",
  "not-reproduced-here",
  "no-data",
] as const;
export type ClaimVerdict = (typeof CLAIM_VERDICTS)[number];

/** A value that was found, and whether it agrees with what is stated (null: the samples do not tell). */
export interface ClaimFinding extends Estimate {
  readonly agrees: boolean | null;
  readonly device: string | null;
}

/** A further number, recomputed from published rows. */
export interface ClaimEvidence {
  readonly label: string;
  readonly value: number | Span;
  readonly unit: string;
}

export interface ClaimResult {
  readonly id: string;
  readonly figure: string | null;
  readonly metric: string;
  readonly claim: string;
  readonly stated: number | string | null;
  readonly unit: string;
  /** From the paper's published rows; null where they do not give it. */
  readonly recomputed: ClaimFinding | null;
  /** From the user's rows; null where they do not give it. */
  readonly here: ClaimFinding | null;
  readonly evidence: readonly ClaimEvidence[];
  readonly verdict: ClaimVerdict;
  /** Why, in a sentence or two. */
  readonly reason: string;
  readonly source: string;
}

/** What rows say: a finding with its sentence, or the sentence that says why there is none. */
interface Heard {
  readonly finding: ClaimFinding | null;
  /** Whether rows refute or support the claim; null where they do neither. */
  readonly agrees: boolean | null;
  readonly sentence: string;
}

/** Judges one claim. Without rows the paper's own are the judge. */
export function judge(claim: Claim, rows: readonly Row[] | null, tolerance: ClaimTolerance): ClaimResult {
  const published = hearPublished(claim);
  const bears = claim.measure !== null && claim.carries !== "paper";
  const here = rows && bears ? hearHere(claim, rows, published.finding, tolerance) : null;
  const verdict = verdictOf(published, here);
  return {
    id: claim.id,
    figure: claim.figure,
    metric: claim.metric,
    claim: claim.claim,
    stated: claim.stated,
    unit: claim.unit,
    recomputed: published.finding,
    here: here?.finding ?? null,
    evidence: claim.beside.flatMap((beside) => evidenceOf(beside, claim)),
    verdict,
    reason: [published.sentence, here?.sentence, claim.note].filter((sentence) => sentence).join(" "),
    source: claim.source,
  };
}

function verdictOf(published: Heard, here: Heard | null): ClaimVerdict {
  if (published.agrees === false) return "contradicted-by-own-data";
  const judging = here ?? published;
  if (judging.agrees === null) return "no-data";
  return judging.agrees ? "reproduced" : "not-reproduced-here";
}

function hearPublished(claim: Claim): Heard {
  const { measure, stated, unit } = claim;
  if (measure === null) return silent("No row, published or measured, can tell.");
  const outcome = recompute(measure, claim.recomputedFrom, claim.device);
  const where = claim.recomputedFrom === null ? "" : ` (Figure ${claim.recomputedFrom})`;
  if ("missing" in outcome) return silent(`The paper published no ${outcome.missing}.`);
  const words = `Published rows${where} give ${valueWords(outcome.value, unit, measure.form)}`;
  // Where no number is stated, the published one stands in for it: it can be held against other rows, not itself.
  const expects = typeof stated === "number" || claim.accept.rule !== "near";
  const { holds, accepted } = expects
    ? agree(claim, numberOf(stated), outcome, 0)
    : { holds: null, accepted: "" };
  const sentence = !expects
    ? `${words}; the paper states no number.`
    : holds === false
      ? `${words}, not ${claim.accept.rule === "near" ? quantity(stated as number, unit) : accepted}.`
      : `${words}.`;
  return { finding: { ...outcome, agrees: holds, device: claim.device }, agrees: holds, sentence };
}

const silent = (sentence: string): Heard => ({ finding: null, agrees: null, sentence });

const numberOf = (value: ClaimResult["stated"] | Span | undefined): number | null =>
  typeof value === "number" ? value : null;

function hearHere(
  claim: Claim,
  rows: readonly Row[],
  published: ClaimFinding | null,
  tolerance: ClaimTolerance,
): Heard {
  const found = bestSetting(claim, rows);
  if ("missing" in found) return silent(found.missing);
  const { setting, outcome } = found;
  const heard = (agrees: boolean | null, words: string): Heard => {
    const first = `On ${settingWords(setting)}: ${measured(outcome, claim)}${words}.`;
    return {
      finding: { ...outcome, agrees, device: setting.like.device ?? null },
      agrees,
      sentence: [first, ...caveats(found)].join(" "),
    };
  };
  const elsewhere = strangeness(claim, setting);
  if (elsewhere) return heard(null, `; ${elsewhere}`);
  const home = isDevice(setting.like.device, claim.device);
  const slack = home || claim.carries === "same-memory" ? tolerance.again : tolerance.elsewhere;
  const expected = numberOf(claim.stated) ?? numberOf(published?.value);
  const agreement = agree(claim, expected, outcome, slack);
  return heard(agreement.holds, `, ${comparison(claim, outcome, agreement, home)}`);
}

/** What a reader must know of the rows that judged: how they differ from the paper's, doubts, what was left out. */
function caveats({ setting, others }: Judging): string[] {
  const settings = differences(setting);
  const doubts = new Set(setting.rows.flatMap(({ verdict_reasons }) => verdict_reasons ?? []));
  return [
    settings.length > 0 ? `Settings differ from the paper's: ${settings.join(", ")}.` : "",
    doubts.size > 0 ? `Some of these rows are suspect: ${[...doubts].join(", ")}.` : "",
    others > 0
      ? `${others} more of the settings in your rows could judge: filter the table for another.`
      : "",
  ].filter((sentence) => sentence !== "");
}

/** The setting that judges, what it says, and how many others could have. */
interface Judging {
  setting: Setting;
  outcome: Estimate;
  others: number;
}

/** The setting most like the paper's that has what the claim needs. */
function bestSetting(claim: Claim, rows: readonly Row[]): Judging | Missing {
  const models = claimModels(claim);
  const settings = settingsOf(rows, models, claim);
  const complete = (setting: Setting): boolean =>
    models.every((model) => setting.rows.some((row) => row.model === model));
  let missing: string | null = null;
  for (const setting of settings) {
    const outcome = evaluate(claim.measure!, setting.rows);
    if (!("missing" in outcome)) return { setting, outcome, others: settings.filter(complete).length - 1 };
    missing ??= outcome.missing;
  }
  const needs = Object.entries(claim.needs).map(([name, wanted]) => `${name} ${String(wanted)}`);
  const what = missing ?? `row of ${models.length > 0 ? models.join(" or ") : "any model"} at batch 1`;
  return { missing: `Your rows have no ${what}${needs.length > 0 ? ` with ${needs.join(", ")}` : ""}.` };
}

/** A measured value with its interval, or the number of samples where there is none. */
function measured({ value, interval, samples }: Estimate, { unit, measure }: Claim): string {
  const words = valueWords(value, unit, measure?.form);
  if (measure?.form === "longest")
    return interval![1] === Infinity
      ? `at least ${words}`
      : `${words}, with none at ${quantity(interval![1], unit)}`;
  if (typeof value !== "number") return words;
  const count = `${samples} sample${samples > 1 ? "s" : ""}`;
  return interval
    ? `${words} (95 % interval ${spanWords(interval, unit)} from ${count})`
    : `${words} from ${count}, without an interval`;
}

/** Why a value of this setting cannot be held against the claim; null where it can. */
function strangeness({ carries, device, stated, unit }: Claim, { like }: Setting): string | null {
  if (device === null) return null;
  const papers = typeof stated === "number" ? quantity(stated, unit) : "what is stated";
  if (carries === "same-device" && !isDevice(like.device, device))
    return `${papers} is an absolute number of the ${deviceWords(device)}, which another device does not test`;
  if (carries === "same-memory" && !hasMemoryOf(like, device))
    return `${papers} is for the memory of the ${deviceWords(device)}: set a memory limit of its size to test it`;
  return null;
}

function comparison(claim: Claim, outcome: Estimate, { holds, accepted }: Agreement, home: boolean): string {
  const place = claim.device === null ? "" : home ? "on the paper's device " : "on another device ";
  const bar = `${place}${accepted}`;
  if (holds === true) return `which agrees (${bar} does)`;
  if (holds === false) {
    const direction = directionOf(claim, outcome);
    return `which does not agree (${bar} would)${direction ? `, ${direction}` : ""}`;
  }
  switch (claim.measure?.form) {
    case "crossing":
      return `which does not tell: lengths around ${accepted} are needed`;
    case "longest":
      return `which does not tell: no longer prompt was tried (${bar} would agree)`;
    default:
      return `which does not tell: more samples are needed (${bar} would agree)`;
  }
}

/** Whether a ratio or a reduction that is not reproduced at least points the same way. */
function directionOf({ stated, measure }: Claim, { value, interval }: Estimate): string | null {
  const even = evenOf(measure);
  if (even === null || typeof stated !== "number" || stated === even || typeof value !== "number")
    return null;
  const [from, to] = interval ?? [value, value];
  const side = (number: number): number => Math.sign(number - even);
  if (side(from) !== side(to)) return "the direction is not certain";
  return side(value) === side(stated) ? "the direction is the same" : "the direction is reversed";
}

function evidenceOf({ label, measure, unit, figure, device }: Beside, claim: Claim): ClaimEvidence[] {
  const outcome = recompute(
    measure,
    figure === undefined ? claim.recomputedFrom : figure,
    device === undefined ? claim.device : device,
  );
  return "value" in outcome ? [{ label, value: outcome.value, unit: unit ?? claim.unit }] : [];
}

let paper: readonly Row[] | null = null;

/**
 * A measure on published rows of a figure (null: of all, but for times under a profiler) and a device. What is derived
 * chooses its rows itself: of both devices, and of the superseded shares.
 */
function recompute(measure: Measure, figure: string | null, device: PaperDevice | null): Outcome {
  paper ??= [...tableToRows(loadPaper()), ...tableToRows(loadSuperseded())];
  const rows = paper.filter(
    (row) =>
      (figure === null ? row.kind !== "profiled_latency" : row.figure?.split(" ").includes(figure)) &&
      (measure.form === "derived" ||
        (row.campaign === "paper" && (row.device == null || row.device === (device ?? "rtx4090")))),
  );
  return evaluate(measure, rows);
}
