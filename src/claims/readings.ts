import type { Row } from "../record/index.js";
import type { Measure, Reading } from "./measure.js";

/** Which samples a measure reads; none of `derived`, which chooses by itself. */
export function readingsOf(measure: Measure): Reading[] {
  switch (measure.form) {
    case "ratio":
    case "highest-ratio":
      return [measure.of, measure.over];
    case "reduction":
      return [measure.of, measure.from];
    case "share":
      return [measure.of, measure.whole];
    case "difference":
      return [measure.of, measure.less];
    case "crossing":
      return [measure.below, measure.beyond].map((model) => ({ metric: measure.metric, model }));
    case "longest":
      return measure.models.map((model) => ({ metric: "prompt_tokens", model }));
    case "longest-ratio":
      return [measure.of, measure.over].map((model) => ({ metric: "prompt_tokens", model }));
    case "derived":
      return [];
    default:
      return [measure.of];
  }
}

/** Models that a measure compares; empty where it is of all. */
export const modelsOf = (measure: Measure): string[] => [
  ...new Set(readingsOf(measure).flatMap(({ model }) => model ?? [])),
];

/** Whether a row has a sample that the reading takes. */
export function isRead(row: Row, { metric, model, tokens, span, tasks, where = {} }: Reading): boolean {
  const length = row.prompt_tokens ?? NaN;
  return (
    row[metric] != null &&
    (where.phase !== undefined || isOfPaper(row)) &&
    (model === undefined || row.model === model) &&
    (tokens === undefined || length === tokens) &&
    (span === undefined || (length >= span[0] && length <= span[1])) &&
    (tasks === undefined || tasks.includes(row.task ?? "")) &&
    (Object.entries(where) as [keyof Row, unknown][]).every(([name, wanted]) => row[name] === wanted)
  );
}

/** The paper's energies are of prefills; own rows have those of decoding and of whole generations too. */
const isOfPaper = ({ kind, phase }: Row): boolean =>
  kind !== "energy" || phase == null || phase === "prefill";

/** Rows that a measure reads: those whose doubts are its own. */
export function rowsRead(measure: Measure, rows: readonly Row[]): Row[] {
  const readings = readingsOf(measure);
  if (readings.length === 0) return [...rows];
  const below = measure.form === "highest-ratio" ? measure.below : Infinity;
  return rows.filter(
    (row) => readings.some((reading) => isRead(row, reading)) && !((row.prompt_tokens ?? 0) >= below),
  );
}

/** A reading in words: `ttft_ms of mamba2-780m at 32768 tokens`. */
export const readingWords = (reading: Reading): string =>
  inWords(columnWords(reading), modelWords(reading), lengthWords(reading));

/** What a measure is of, in words; null for `derived`, which the claim has to say. */
export function measureWords(measure: Measure): string | null {
  switch (measure.form) {
    case "value":
      return inWords(measure.of.across, readingWords(measure.of));
    case "ratio":
      return apart(measure.of, "over that", measure.over);
    case "highest-ratio":
      return inWords(
        "highest",
        apart(measure.of, "over that", measure.over),
        `at a length below ${measure.below} tokens`,
      );
    case "share":
      return inWords(columnWords(measure.of), "in", readingWords(measure.whole));
    case "reduction":
      return inWords(apart(measure.of, "below that", measure.from));
    case "difference":
      return inWords(measure.of.across, apart(measure.of, "less that", measure.less));
    case "range":
      return inWords("lowest and highest", readingWords(measure.of));
    case "growth":
      return inWords(readingWords(measure.of), "at the shortest and at the longest length");
    case "slope":
      return inWords(readingWords(measure.of), "a token");
    case "crossing":
      return `where ${measure.metric} of ${measure.beyond} becomes lower than that of ${measure.below}`;
    case "longest":
      return `longest prompt of ${measure.models.join(" and ")}`;
    case "longest-ratio":
      return `longest prompt of ${measure.of} over that of ${measure.over}`;
    case "derived":
      return null;
  }
}

/** Two readings of one metric, which is said once: of one model at two lengths, or of two models at one. */
function apart(of: Reading, joined: string, other: Reading): string {
  if (of.model === other.model && of.tokens !== other.tokens)
    return inWords(readingWords(of), joined, lengthWords(other));
  return inWords(columnWords(of), modelWords(of), joined, modelWords(other), lengthWords(of));
}

function columnWords({ metric, where = {} }: Reading): string {
  const columns = Object.values(where).map(String);
  return columns.length > 0 ? `${metric} (${columns.join(", ")})` : metric;
}

const modelWords = ({ model }: Reading): string | null => (model === undefined ? null : `of ${model}`);

function lengthWords({ tokens, span, tasks }: Reading): string | null {
  if (tokens !== undefined) return `at ${tokens} tokens`;
  if (span !== undefined) return `at ${span[0]} to ${span[1]} tokens`;
  return tasks === undefined ? null : `on ${tasks.join(", ")}`;
}

const inWords = (...parts: (string | null | undefined)[]): string => parts.filter((part) => part).join(" ");
