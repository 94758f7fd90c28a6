import { displayNames, formatTokens, listOf } from "./format.js";
import { UserError } from "../errors.js";
import { distinct, finite, SETTINGS, type Metric, type Point, type Setting } from "./point.js";

const DEVICES: Readonly<Record<string, string>> = {
  rtx4090: "RTX 4090",
  jetson_orin_nano: "Jetson Orin Nano",
};

/** A device as a reader knows it; a name we do not know stays as it is. */
export const deviceName = (device: string): string => DEVICES[device] ?? device;

/** The devices that the points name, as one text; "" where they name none. */
export const deviceNames = (points: readonly Point[]): string =>
  listOf(distinct(points.map((point) => point.device)).map(deviceName));

/** One value of a setting as a caption says it. */
const PHRASE: Readonly<Record<Setting, (value: string | number) => string>> = {
  device: (value) => deviceName(String(value)),
  ep: String,
  dtype: String,
  quant_block: (value) => `blocks of ${value} weights`,
  quant_compute: (value) => `${value} products`,
  batch: (value) => `batch ${value}`,
  new_tokens: (value) => `${formatTokens(Number(value))} new ${value === 1 ? "token" : "tokens"}`,
  prefill: (value) => `${value} prefill`,
  segment_tokens: (value) => `segments of ${formatTokens(Number(value))} tokens`,
  logits: (value) => (value === "all" ? "logits of every position" : `logits of the ${value} position`),
  lowering: (value) => `SSM lowering ${value}`,
  threads: (value) => `${value} ${value === 1 ? "thread" : "threads"}`,
  weights: (value) => `${value} weights`,
  warmup_runs: (value) => `${value} warm-up ${value === 1 ? "run" : "runs"}`,
};

/** What the points say about one setting: once where they agree, else by model; null where none says anything. */
function describeSetting(points: readonly Point[], setting: Setting, names: ReadonlyMap<string, string>) {
  const models = distinct(points.map((point) => point.model));
  const phrases = models.map((model) =>
    distinct(points.filter((point) => point.model === model).map((point) => point[setting]))
      .map(PHRASE[setting])
      .join(" or "),
  );
  const said = distinct(phrases.filter((phrase) => phrase !== ""));
  if (said.length === 0) return null;
  if (said.length === 1 && !phrases.includes("")) return said[0]!;
  return listOf(
    said.map((phrase) => {
      const sharing = models
        .filter((_, i) => phrases[i] === phrase)
        .map((model) => names.get(model) ?? model);
      return `${phrase} (${listOf(sharing)})`;
    }),
  );
}

/** The settings of the points as one sentence without its full stop, or "" where the rows state none. */
export function describeSettings(points: readonly Point[]): string {
  const names = displayNames(distinct(points.map((point) => point.model)));
  return SETTINGS.map((setting) => describeSetting(points, setting, names))
    .filter((phrase) => phrase !== null)
    .join(", ");
}

/** "5 samples a point", "5 to 7 samples a point", or "" where the points do not say. */
export function describeSamples(points: readonly Point[], metrics: readonly Metric[]): string {
  const counts = distinct(
    metrics.flatMap((metric) =>
      points.filter((point) => finite(point[metric]) !== null).map((point) => point[`${metric}_n`]),
    ),
  );
  if (counts.length === 0) return "";
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const range = least === most ? String(least) : `${least} to ${most}`;
  return `${range} ${most === 1 ? "sample" : "samples"} a point`;
}

/** "Qwen2.5-0.5B ran out of memory at 8,192 and 16,384 tokens", one a model. */
export function outOfMemory(points: readonly Point[]): string[] {
  const oom = points.filter((point) => point.status === "oom");
  return [...displayNames(distinct(oom.map(({ model }) => model)))].map(([model, name]) => {
    const lengths = oom.filter((point) => point.model === model).map((point) => point.prompt_tokens);
    return `${name} ran out of memory at ${listOf(lengths.sort((a, b) => a - b).map(formatTokens))} tokens`;
  });
}

/** UserError where two points would be drawn over each other: the reader could not tell which setting is which. */
export function refuseDuplicates(points: readonly Point[], figure: string): void {
  const seen = new Map<string, Point>();
  for (const point of points) {
    const key = `${point.model} at ${point.prompt_tokens} tokens`;
    const earlier = seen.get(key);
    if (earlier)
      throw new UserError(
        `${figure} has two points for ${key} (${describeSettings([earlier])}; ${describeSettings([point])}): ` +
          `filter them to one setting, or give each its own name in model`,
      );
    seen.set(key, point);
  }
}
