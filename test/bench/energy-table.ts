import {
  conditionProblems,
  windowConditions,
  type Energy,
  type Method,
  type PhaseEnergy,
} from "../../src/sensors/index.js";

/** What the bench may miss, in %. */
export const LIMITS_PCT = { spread: 2, disagreement: 3, idle: 1 } as const;

/** A window of the bench. Null where a method does not answer. */
export interface BenchWindow {
  readonly window: string;
  readonly seconds: number;
  readonly counter_j: number | null;
  readonly counter_error_j: number | null;
  readonly power_j: number | null;
  readonly power_error_j: number | null;
  /** Integrated power over the counter, less 1. */
  readonly disagreement_pct: number | null;
  readonly net_j: number | null;
  readonly net_error_j: number | null;
  readonly mean_w: number | null;
  readonly temperature_c: number | null;
  /** What speaks against it. */
  readonly notes: readonly string[];
}

/** What was asked: how large it may be at most, and how large it is; null where it is not known. */
export interface BenchVerdict {
  readonly what: string;
  readonly limit_pct: number;
  readonly found_pct: number | null;
  readonly met: boolean | null;
}

export interface EnergyBench {
  readonly loaded: readonly BenchWindow[];
  readonly idle: readonly BenchWindow[];
  readonly verdicts: readonly BenchVerdict[];
}

/** Judges loaded windows of one and the same work, and idle ones as long. */
export function judgeEnergy(loaded: readonly PhaseEnergy[], idle: readonly PhaseEnergy[]): EnergyBench {
  const gross = loaded.map(({ grossJ }) => grossJ);
  const meanJ = meanOf(gross);
  const windows = loaded.map(benchWindow);
  const net = idle.map(({ netJ }) => (netJ === null || meanJ === null ? null : (100 * netJ) / meanJ));
  const { spread, disagreement, idle: idleLimit } = LIMITS_PCT;
  return {
    loaded: windows,
    idle: idle.map(benchWindow),
    verdicts: [
      verdict(
        `spread of ${loaded.length} loaded windows, highest less lowest over the mean`,
        spread,
        meanJ === null ? null : (100 * rangeOf(gross as number[])) / meanJ,
      ),
      verdict(
        "integrated power against the counter under load, the worst",
        disagreement,
        largest(windows.map(({ disagreement_pct }) => disagreement_pct)),
      ),
      verdict(
        `net of ${idle.length} idle windows over a loaded one's gross, the worst`,
        idleLimit,
        largest(net),
      ),
    ],
  };
}

function verdict(what: string, limit_pct: number, found_pct: number | null): BenchVerdict {
  return { what, limit_pct, found_pct, met: found_pct === null ? null : found_pct <= limit_pct };
}

/** Null where one is not known. */
function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0 || known.length < values.length) return null;
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

const rangeOf = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);

const largest = (values: readonly (number | null)[]): number | null =>
  meanOf(values) === null ? null : Math.max(...values.map((value) => Math.abs(value!)));

function benchWindow(energy: PhaseEnergy): BenchWindow {
  const [counter, power] = (["energy_counter", "integrated_power"] as const).map((method) =>
    by(energy, method),
  );
  return {
    window: energy.phase,
    seconds: energy.durationMs / 1000,
    counter_j: counter?.grossJ ?? null,
    counter_error_j: counter?.grossErrorJ ?? null,
    power_j: power?.grossJ ?? null,
    power_error_j: power?.grossErrorJ ?? null,
    disagreement_pct: counter?.grossJ && power?.grossJ ? 100 * (power.grossJ / counter.grossJ - 1) : null,
    net_j: energy.netJ,
    net_error_j: energy.netErrorJ,
    mean_w: energy.meanW,
    temperature_c: energy.temperatureAfterC,
    notes: notesOn(energy),
  };
}

const by = (energy: Energy, method: Method): Pick<Energy, "grossJ" | "grossErrorJ"> | null =>
  energy.method === method ? energy : energy.witness?.method === method ? energy.witness : null;

function notesOn({ reason, warnings, samples, window }: PhaseEnergy): string[] {
  const notes = [...(reason === null ? [] : [reason]), ...warnings];
  if (new Set(samples.map(({ device }) => device)).size !== 1) return notes;
  const conditions = windowConditions(samples, { from_ms: window.startMs, to_ms: window.endMs });
  const capped = 100 * (conditions.powerCapShare ?? 0);
  return [
    ...notes,
    ...conditionProblems(conditions),
    ...(capped > 0 ? [`The power limit held the clocks down in ${capped.toFixed(0)} % of the samples.`] : []),
  ];
}

/** In Markdown: a row a window, then what was asked, then what speaks against the windows. */
export function formatEnergy({ loaded, idle, verdicts }: EnergyBench): string {
  const windows = [...loaded, ...idle];
  const notes = windows.flatMap(({ window, notes }) => notes.map((note) => `- ${window}: ${note}`));
  return [
    "| window | s | counter J | integrated power J | disagreement | net J | mean W | °C after |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...windows.map(tableRow),
    "",
    ...verdicts.map(({ what, limit_pct, found_pct, met }) => {
      const found = found_pct === null ? "unknown" : `${found_pct.toFixed(2)} %`;
      return `- ${what}: ${found}, limit ${limit_pct} %${met === null ? "" : met ? ", met" : ", **missed**"}`;
    }),
    ...(notes.length > 0 ? ["", ...notes] : []),
  ].join("\n");
}

function tableRow(one: BenchWindow): string {
  const cells = [
    one.window,
    one.seconds.toFixed(2),
    bounded(one.counter_j, one.counter_error_j),
    bounded(one.power_j, one.power_error_j),
    one.disagreement_pct === null ? "–" : `${one.disagreement_pct.toFixed(2)} %`,
    bounded(one.net_j, one.net_error_j),
    one.mean_w?.toFixed(1) ?? "–",
    one.temperature_c?.toFixed(0) ?? "–",
  ];
  return `| ${cells.join(" | ")} |`;
}

const bounded = (joules: number | null, errorJ: number | null): string =>
  joules === null ? "–" : `${joules.toFixed(1)} ± ${(errorJ ?? 0).toFixed(1)}`;
