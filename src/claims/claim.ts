import { UserError } from "../errors.js";
import type { Row } from "../record/index.js";
import type { Measure } from "./measure.js";
import { measureWords, modelsOf } from "./readings.js";

/** Devices of the paper, as its rows name them. */
export type PaperDevice = "rtx4090" | "jetson_orin_nano";

/**
 * When a value agrees with what is stated.
 *
 * `near`: it is the stated number as rounded or cut at its last digit; a measurement may differ by more (`ClaimTolerance`).
 * `above`, `at-least`, `at-most`: the number is. `steady`: the highest of a range is at most `factor`
 * times the lowest. `grows`: the last of a growth is more than `factor` times the first. The last two compare medians,
 * without an interval. `ours`: the sentence has no such number, so that the bound is a reading of its words.
 */
export type Accept =
  | {
      readonly rule: "near";
      /** One unit of the last digit stated; default as written. */ readonly digit?: number;
    }
  | { readonly rule: "above" | "at-least" | "at-most"; readonly bound: number; readonly ours?: true }
  | { readonly rule: "steady" | "grows"; readonly factor: number; readonly ours?: true };

/** Columns that must have one of these values. */
export type Needs = { readonly [Column in keyof Row]?: readonly NonNullable<Row[Column]>[] };

/**
 * Where a value still tests the claim. `anywhere`: ratios, shares, orders. `same-device`: seconds and joules.
 * `same-memory`: how long a prompt fits, on the device or under a memory limit of its size. `paper`: what the paper
 * did or what its data show, on which no other device bears.
 */
export type Carries = "anywhere" | "same-device" | "same-memory" | "paper";

/** What makes a claim of one's own; `defineClaim` checks it. */
export interface ClaimDefinition {
  id: string;
  /** The sentence that is held against the data. */
  claim: string;
  /** The number stated, or its words; null where a sentence states none. */
  stated?: number | string | null;
  /** x, %, s, J, tokens and so on; "" for none. */
  unit?: string;
  /** What it is about, for filters, e.g. `ttft_speedup`. */
  metric?: string;
  /** Where it stands in the paper: `1`, `5a`, `abstract`, `table1`. */
  figure?: string | null;
  source?: string;
  device?: PaperDevice | null;
  /** null where no row can tell it, which `note` explains. */
  measure: Measure | null;
  /** A sentence that every reason ends with. */
  note?: string;
  accept?: Accept;
  carries?: Carries;
  /** What is measured, in words, where the measure does not say it. */
  quantity?: string;
  /** What gives the value where it is no row, at the start of the reason: "The maker's data sheet". */
  givenBy?: string;
  /** Figure whose published rows recompute it: default `figure`, null for all of the paper's rows. */
  recomputedFrom?: string | null;
  /** Settings without which a user's rows do not test it, e.g. `{ logits: ["all"], dtype: ["fp16", "bf16"] }`. */
  needs?: Needs;
  /** Further numbers of the published rows that the reader should see beside it. */
  beside?: readonly Beside[];
}

/** A number that is recomputed to stand beside a claim. */
export interface Beside {
  readonly label: string;
  readonly measure: Measure;
  readonly unit?: string;
  readonly figure?: string | null;
  readonly device?: PaperDevice | null;
  /** The claim's own quantity, published once more: where it disagrees, the reason says so. */
  readonly again?: true;
}

/** A sentence with the measure that judges it. */
export type Claim = Readonly<Required<ClaimDefinition>>;

/**
 * A claim of your own, to be judged as the paper's are.
 *
 * @example
 * const claim = defineClaim({
 *   id: "mine", claim: "Mamba-130m reads 1024 tokens in half of GPT-Neo's time", stated: 2, unit: "x",
 *   measure: measure.ratio("ttft_ms", "gpt-neo-125m", "mamba-130m", 1024),
 * });
 * expectClaim(claim, rows).reproduced();
 */
export function defineClaim(definition: ClaimDefinition): Claim {
  const { id, claim, measure, stated = null, unit = "", figure = null } = definition;
  if (id.trim() === "")
    throw new UserError(`the id of the claim "${claim}" is empty: it must name the claim`);
  if (typeof stated === "number" && !Number.isFinite(stated))
    throw new UserError(`claim ${id} states ${stated}: it must state a finite number, words or null`);
  const { accept = { rule: "near" }, recomputedFrom = figure } = definition;
  if (measure && accept.rule === "near" && typeof stated !== "number" && recomputedFrom === null)
    throw new UserError(
      `claim ${id} states no number to be near to: it must state one, name the figure whose rows give it, or accept a bound`,
    );
  return {
    metric: "",
    source: "",
    device: null,
    accept,
    carries: measure ? carriesOf(measure, unit) : "paper",
    recomputedFrom,
    needs: {},
    beside: [],
    note: "",
    quantity: (measure && measureWords(measure)) ?? "",
    givenBy: "",
    ...definition,
    id,
    claim,
    measure,
    stated,
    unit,
    figure,
  };
}

/** Units of quantities that belong to the device they were measured on. */
const OF_A_DEVICE = ["s", "ms", "us", "J", "W", "tokens/s", "bytes/s"];

function carriesOf(measure: Measure, unit: string): Carries {
  if (measure.form === "longest") return "same-memory";
  if (measure.form === "derived") return "paper";
  return OF_A_DEVICE.includes(unit) ? "same-device" : "anywhere";
}

/** Models that a claim names, the first the one it speaks of. */
export const claimModels = ({ measure }: Claim): string[] => (measure ? modelsOf(measure) : []);
