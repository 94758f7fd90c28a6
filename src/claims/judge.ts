import { loadPaper, loadSuperseded, tableToRows, type Row } from "../record/index.js";
import { agree, evenOf, type Agreement, type ClaimTolerance } from "./accept.js";
import { claimModels, type Beside, type Claim, type Needs, type PaperDevice } from "./claim.js";
import { FEWEST, type Estimate } from "./estimate.js";
import { evaluate, type Outcome } from "./evaluate.js";
import {
  deviceWords,
  differences,
  hasMemoryOf,
  isAsLike,
  isDevice,
  settingsOf,
  settingWords,
  type Setting,
} from "./setting.js";
import { withTriedLengths } from "./longest.js";
import type { Measure, Missing, Span } from "./measure.js";
import { rowsRead } from "./readings.js";
import { bracketWords, quantity, spanWords, valueWords } from "./words.js";

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
/** One of CLAIM_VERDICTS. */
export type ClaimVerdict = (typeof CLAIM_VERDICTS)[number];

/** A value that was found, and whether it agrees with what is stated (null: the samples do not tell). */
export interface ClaimFinding extends Estimate {
  readonly agrees: boolean | null;
  readonly device: string | null;
  /** What agrees: a range of the value, null where it is none; in words in `reason`. */
  readonly accepted: Span | null;
  /** Factor less 1 by which it may differ from the stated number beyond its rounding. */
  readonly tolerance: number;
}

/** A further number, recomputed from published rows. */
export interface ClaimEvidence {
  readonly label: string;
  readonly value: number | Span;
  readonly unit: string;
}

/** What became of a claim: its values and verdict, with reason and evidence. */
export interface ClaimResult {
  readonly id: string;
  readonly figure: string | null;
  readonly metric: string;
  readonly claim: string;
  /** Models that are compared; empty where it is of all, or of none. */
  readonly models: readonly string[];
  /** What is measured, at which lengths, of which rows: in words; null where no row can tell. */
  readonly measured: string | null;
  /** Settings without which rows do not test it. */
  readonly needs: Needs;
  readonly stated: number | string | null;
  readonly unit: string;
  /** From the paper's published rows; null where they do not give it. */
  readonly recomputed: ClaimFinding | null;
  /** From the user's rows; null where they do not give it. */
  readonly here: ClaimFinding | null;
  readonly evidence: readonly ClaimEvidence[];
  readonly verdict: ClaimVerdict;
  /** Whose rows gave the verdict: `here` the user's; null for no-data. */
  readonly judgedBy: "here" | "published" | null;
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
  const { verdict, judgedBy } = verdictOf(published, here);
  return {
    id: claim.id,
    figure: claim.figure,
    metric: claim.metric,
    claim: claim.claim,
    models: claimModels(claim),
    measured: claim.measure && (claim.quantity || claim.metric),
    needs: claim.needs,
    stated: claim.stated,
    unit: claim.unit,
    recomputed: published.finding,
    here: here?.finding ?? null,
    evidence: claim.beside.flatMap((beside) => evidenceOf(beside, claim)),
    verdict,
    judgedBy,
    reason: [published.sentence, ...conflicts(claim), here?.sentence, claim.note]
      .filter((sentence) => sentence)
      .join(" "),
    source: claim.source,
  };
}

function verdictOf(published: Heard, here: Heard | null): Pick<ClaimResult, "verdict" | "judgedBy"> {
  if (published.agrees === false) return { verdict: "contradicted-by-own-data", judgedBy: "published" };
  const judging = here ?? published;
  if (judging.agrees === null) return { verdict: "no-data", judgedBy: null };
  return {
    verdict: judging.agrees ? "reproduced" : "not-reproduced-here",
    judgedBy: here ? "here" : "published",
  };
}

function hearPublished(claim: Claim): Heard {
  const { measure, stated, unit } = claim;
  if (measure === null) return silent("No row, published or measured, can tell.");
  const outcome = recompute(measure, claim.recomputedFrom, claim.device);
  const figure = claim.recomputedFrom === null ? "" : ` (Figure ${claim.recomputedFrom})`;
  const source = claim.givenBy === "" ? `Published rows${figure} give` : `${claim.givenBy} gives`;
  if ("missing" in outcome) return silent(`The paper published no ${outcome.missing}.`);
  const words = `${source} ${valueWords(outcome.value, unit, measure.form)}, ${claim.quantity || claim.metric}`;
  // Where no number is stated, the published one stands in for it: it can be held against other rows, not itself.
  const expects = typeof stated === "number" || claim.accept.rule !== "near";
  // The paper takes the longest length of its grid as the longest prompt; so does its recomputation.
  const { holds, accepted, region } = expects
    ? agree(claim, numberOf(stated), { ...outcome, bracket: null }, 0)
    : { holds: null, accepted: "", region: null };
  const sentence = !expects
    ? `${words}; the paper states no number, so that only yours can be held against it.`
    : holds === false
      ? `${words}: not ${claim.accept.rule === "near" ? quantity(stated as number, unit) : accepted}.`
      : `${words}${claim.accept.rule === "near" ? "" : `: ${accepted}`}.`;
  const finding = { ...outcome, agrees: holds, device: claim.device, accepted: region, tolerance: 0 };
  return { finding, agrees: holds, sentence };
}

/** Sentences about the same quantity where the paper published it once more and it is not what is stated. */
function conflicts(claim: Claim): string[] {
  return claim.beside
    .filter(({ again }) => again)
    .flatMap(({ label, measure, figure = claim.recomputedFrom, device = claim.device }) => {
      const outcome = recompute(measure, figure, device);
      if ("missing" in outcome || agree(claim, numberOf(claim.stated), outcome, 0).holds !== false) return [];
      return [`But ${label}: ${valueWords(outcome.value, claim.unit, measure.form)}.`];
    });
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
  const home = isDevice(setting.like.device, claim.device);
  const slack = home || claim.carries === "same-memory" ? tolerance.again : tolerance.elsewhere;
  const expected = numberOf(claim.stated) ?? numberOf(published?.value);
  const agreement = agree(claim, expected, outcome, slack);
  const elsewhere = strangeness(claim, setting);
  const agrees = elsewhere ? null : agreement.holds;
  const words = elsewhere ? `; ${elsewhere}` : `, ${comparison(claim, outcome, agreement, home)}`;
  return {
    finding: {
      ...outcome,
      agrees,
      device: setting.like.device ?? null,
      accepted: agreement.region,
      tolerance: slack,
    },
    agrees,
    sentence: [
      `On ${settingWords(setting)}: ${measured(outcome, claim)}${words}.`,
      ...caveats(found, claim),
    ].join(" "),
  };
}

/** What a reader must know of the rows that judged: how they differ from the paper's, doubts, what was left out. */
function caveats({ setting, others }: Judging, { measure }: Claim): string[] {
  const settings = differences(setting);
  const read = rowsRead(measure!, setting.rows);
  const suspect = read.filter(({ verdict }) => verdict === "suspect");
  const reasons = [...new Set(suspect.flatMap(({ verdict_reasons }) => verdict_reasons ?? []))];
  const why = reasons.length > 0 ? `: ${reasons.join(", ")}` : "";
  const lengths = [...new Set(read.flatMap(({ prompt_tokens }) => prompt_tokens ?? []))];
  return [
    measure!.form === "highest-ratio" ? `Lengths measured: ${lengths.sort((p, q) => p - q).join(", ")}.` : "",
    settings.length > 0 ? `Settings differ from the paper's: ${settings.join(", ")}.` : "",
    suspect.length > 0 ? `Some of these rows are suspect${why}.` : "",
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
  const outcomes = settings.map((setting) => ({ setting, outcome: evaluate(claim.measure!, setting.rows) }));
  const [first, ...more] = outcomes.flatMap(({ setting, outcome }) =>
    "missing" in outcome ? [] : [{ setting, outcome, others: settings.filter(complete).length - 1 }],
  );
  if (first) {
    // Rows of one kind may say what ran, and those of another what did not.
    const closed = [first, ...more].find(
      ({ setting, outcome }) =>
        outcome.bracket?.[1] !== Infinity && isAsLike(setting, first.setting, claim.device),
    );
    return closed ?? first;
  }
  const missing = outcomes.flatMap(({ outcome }) => ("missing" in outcome ? [outcome.missing] : []))[0];
  const needs = Object.entries(claim.needs).map(([name, wanted]) => `${name} ${wanted.join(" or ")}`);
  const what = missing ?? `row of ${models.length > 0 ? models.join(" or ") : "any model"} at batch 1`;
  return { missing: `Your rows have no ${what}${needs.length > 0 ? ` with ${needs.join(", ")}` : ""}.` };
}

/** A measured value with how well it is known: its interval, its bracket, or the number of samples. */
function measured({ value, interval, bracket, samples }: Estimate, { unit, measure }: Claim): string {
  const words = valueWords(value, unit, measure?.form);
  if (bracket) return `${words}${bracketWords(bracket, unit, measure!.form)}`;
  const count = quantity(samples, "samples");
  if (interval) return `${words} (95 % interval ${spanWords(interval, unit)} from ${count})`;
  // A range has none however many there are; a crossing is told by the intervals of its lengths.
  const few = samples < FEWEST && (typeof value === "number" || measure?.form === "crossing");
  return `${words} from ${count}${few ? ", too few for an interval" : ""}`;
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
    case "longest-ratio":
      return outcome.bracket![1] === Infinity
        ? `which does not tell: nothing longer was seen to run out of memory (${bar} would agree)`
        : `which does not tell: what ran and what ran out of memory are too far apart (${bar} would agree)`;
    default:
      if (accepted === "a stated number") return "but there is no number to hold it against";
      if (outcome.interval === null) return `which does not tell (${bar} would agree)`;
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
  paper ??= withTriedLengths([...tableToRows(loadPaper()), ...tableToRows(loadSuperseded())]);
  const rows = paper.filter(
    (row) =>
      (figure === null ? row.kind !== "profiled_latency" : row.figure?.split(" ").includes(figure)) &&
      (measure.form === "derived" ||
        (row.campaign === "paper" && (row.device == null || row.device === (device ?? "rtx4090")))),
  );
  return evaluate(measure, rows);
}
