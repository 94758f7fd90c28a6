import type { Sample } from "../sensor.js";
import { byDevice } from "./by-device.js";
import { counterEnergy, counterPower } from "./counter-energy.js";
import { powerEnergy, readPower } from "./integrated-power.js";
import {
  isUnknown,
  type Baseline,
  type Estimate,
  type Power,
  type Unknown,
  type TimeWindow,
} from "./window.js";

/** What the joules come from. */
export type Method = "energy_counter" | "integrated_power";

/** What a window took, by the best method that answers. Numbers are null where `reason` says why there are none. */
export interface Energy {
  readonly method: Method | null;
  readonly reason: string | null;
  /** The device's whole energy in the window, and how far off it may be. */
  readonly grossJ: number | null;
  readonly grossErrorJ: number | null;
  /** Less the idle power before and after; null without a baseline. */
  readonly netJ: number | null;
  readonly netErrorJ: number | null;
  readonly idleBeforeW: number | null;
  readonly idleAfterW: number | null;
  /** How often the reading is renewed. */
  readonly updateMs: number | null;
  /** The gross energy by the other method; null where it does not answer. */
  readonly witness: Witness | null;
  /** What makes the numbers doubtful, in sentences. */
  readonly warnings: readonly string[];
}

/** The other way to the same joules, and how far off it is. */
export interface Witness {
  readonly method: Method;
  readonly grossJ: number;
  readonly grossErrorJ: number;
  /** Its gross energy over that of the method, less 1. */
  readonly disagreement: number;
}

/** When the device was idle, before and after the work. */
export interface IdleWindows {
  readonly before: TimeWindow;
  readonly after: TimeWindow;
}

const METHODS = {
  energy_counter: { energy: counterEnergy, power: counterPower },
  integrated_power: { energy: powerEnergy, power: readPower },
} as const;

/** Beyond their bounds, the two should agree within this, as sensors themselves are off by a few per cent. */
const DISAGREEMENT = 0.05;

/**
 * Energy of a window from samples that were taken before, in and after it. The counter comes first; power integrated is
 * the second witness, or takes its place where the counter does not answer or was reset. Several devices are summed.
 */
export function estimateEnergy(
  samples: readonly Sample[],
  window: TimeWindow,
  idle: IdleWindows | null,
): Energy {
  if (samples.length === 0) return unknownEnergy("there is no sample");
  const devices = byDevice(samples);
  const results = (Object.keys(METHODS) as Method[]).map((method) => ({
    method,
    result: sum(devices.map((one) => estimateBy(method, one, window, idle))),
  }));
  const answers = results.filter((one): one is { method: Method; result: Answer } => !isUnknown(one.result));
  const unknowns = results.map(({ result }) => result).filter(isUnknown);
  const [best, other] = answers;
  if (!best) return unknownEnergy(unknowns.map(({ reason }) => reason).join("; "));
  const witness = other ? witnessOf(best.result, other.method, other.result) : null;
  const { baseline, noBaseline, ...estimate } = best.result;
  return {
    method: best.method,
    reason: null,
    ...estimate,
    idleBeforeW: baseline?.before.watts ?? null,
    idleAfterW: baseline?.after.watts ?? null,
    witness,
    warnings: [
      ...unknowns.filter(({ isDoubt }) => isDoubt).map(({ reason }) => reason),
      ...(noBaseline ? [`there is no net energy: ${noBaseline}`] : []),
      ...(witness && contradicts(best.result, witness)
        ? [`counter and integrated power differ by ${(100 * witness.disagreement).toFixed(1)} %`]
        : []),
    ],
  };
}

export const unknownEnergy = (reason: string): Energy => ({
  method: null,
  reason,
  grossJ: null,
  grossErrorJ: null,
  netJ: null,
  netErrorJ: null,
  idleBeforeW: null,
  idleAfterW: null,
  updateMs: null,
  witness: null,
  warnings: [],
});

/** Of one method, with what it found idle. */
interface Answer extends Estimate {
  readonly baseline: Baseline | null;
  /** Why there is none although the device was idle; else null. */
  readonly noBaseline: string | null;
}

function estimateBy(
  method: Method,
  samples: readonly Sample[],
  window: TimeWindow,
  idle: IdleWindows | null,
): Answer | Unknown {
  const { energy, power } = METHODS[method];
  const before = idle && power(samples, idle.before);
  const after = idle && power(samples, idle.after);
  const unknown = [before, after].find((found) => found !== null && isUnknown(found));
  const baseline = before && after && !unknown ? { before: before as Power, after: after as Power } : null;
  const estimate = energy(samples, window, baseline);
  const noBaseline = unknown ? unknown.reason : null;
  return isUnknown(estimate) ? estimate : { ...estimate, baseline, noBaseline };
}

function sum(results: readonly (Answer | Unknown)[]): Answer | Unknown {
  const unknown = results.find(isUnknown);
  if (unknown) return unknown;
  return (results as Answer[]).reduce((a, b) => ({
    grossJ: a.grossJ + b.grossJ,
    grossErrorJ: a.grossErrorJ + b.grossErrorJ,
    netJ: a.netJ === null || b.netJ === null ? null : a.netJ + b.netJ,
    netErrorJ: a.netErrorJ === null || b.netErrorJ === null ? null : a.netErrorJ + b.netErrorJ,
    updateMs: Math.max(a.updateMs, b.updateMs),
    baseline: a.baseline && b.baseline && addBaselines(a.baseline, b.baseline),
    noBaseline: a.noBaseline ?? b.noBaseline,
  }));
}

const addBaselines = (a: Baseline, b: Baseline): Baseline => ({
  before: addPower(a.before, b.before),
  after: addPower(a.after, b.after),
});

const addPower = (a: Power, b: Power): Power => ({ watts: a.watts + b.watts, errorW: a.errorW + b.errorW });

/** Only what their bounds do not explain: of a short window both may be far off, and neither wrong. */
function contradicts(best: Estimate, witness: Witness): boolean {
  const explainedJ = best.grossErrorJ + witness.grossErrorJ;
  return Math.abs(witness.grossJ - best.grossJ) > explainedJ && Math.abs(witness.disagreement) > DISAGREEMENT;
}

const witnessOf = (best: Estimate, method: Method, { grossJ, grossErrorJ }: Estimate): Witness => ({
  method,
  grossJ,
  grossErrorJ,
  disagreement: best.grossJ === 0 ? 0 : grossJ / best.grossJ - 1,
});
