import type { Figure, FigureForm } from "./figure.js";
import { displayNames, formatTokens, listOf, stack } from "./format.js";
import { barOf, inPrintedOrder, type OperatorOptions } from "./operator-breakdown.js";
import { findingOf, operatorCaption, yTitleOf, type Printed } from "./operator-caption.js";
import { profilesOf, type Profile, type TimeBasis } from "./operator-profile.js";
import { distinct } from "./point.js";
import { deviceName } from "./settings.js";
import { SOURCE_WORDS, sourced, sourceName, type Source, type Sources } from "./sources.js";
import { stackedSharesSpec, type Bar, type Panel } from "./stacked-shares.js";

/** What Figure 9b shows. */
export interface OperatorDevicesOptions extends OperatorOptions {
  /** Prompt length in tokens; default: the paper's 1,024, or where own rows lack it the length most of them have. */
  length?: number;
}

const GROUPS = [
  { title: "Transformer", family: "transformer" },
  { title: "SSM", family: "ssm" },
  { title: "Hybrid", family: "hybrid" },
] as const;

/** The paper's models in drawing order; a name of theirs says the family where no row does. */
const FAMILY: Readonly<Record<string, (typeof GROUPS)[number]["family"]>> = {
  "qwen2.5-0.5b": "transformer",
  "qwen2.5-1.5b": "transformer",
  "llama-3.2-1b": "transformer",
  "tinyllama-1.1b": "transformer",
  "gpt-neo-125m": "transformer",
  "mamba-130m": "ssm",
  "mamba2-130m": "ssm",
  "zamba2-1.2b": "hybrid",
  "hymba-1.5b": "hybrid",
};

const PRINTED: Printed = {
  number: "9b",
  models: Object.keys(FAMILY),
  families: GROUPS.map(({ family }) => family),
  devices: ["rtx4090", "jetson_orin_nano"],
  lengths: [1024],
  restOrder: "mean",
  notes: [
    "Of Hymba on the Jetson, 3.9% of host + device time and 5.2% of device time is in no class, its compiled attention among it; the published shares leave that out",
    "Attention counts as GEMM; SSM scan is a fused kernel in the Mamba models, which also does projections and normalization",
  ],
};

/** The paper's letters for its devices. */
const LETTER: Readonly<Record<string, string>> = { rtx4090: "D", jetson_orin_nano: "J" };

/** A device of a source: bars of one model differ by it. */
interface Part {
  readonly id: string;
  readonly source: Source;
  readonly device: string;
  readonly letter: string;
}

/** Figure 9b of the paper: operator classes of nine models on two devices at one prompt length. */
export function figure9b(sources: Sources, options: OperatorDevicesOptions = {}): Figure {
  const { form = "improved", layout = "wide" } = options;
  const given = sourced(sources).map(({ source }) => source);
  const all = profilesOf(sources).filter(({ model }) => options.models?.includes(model) ?? true);
  const chosen = given.map((source) => atOneLength(all, source, options.length));
  const drawn = chosen.flatMap(({ profiles }) => profiles);
  const parts = partsOf(drawn);
  const models = options.models ?? modelsOf(drawn);
  const names = displayNames(models);
  const bases = basesOf(given, form);
  const panels = bases.flatMap((basis) =>
    GROUPS.flatMap(({ title, family }): Panel[] => {
      const members = models.filter((model) => familyOf(model, drawn) === family);
      const bars = members.flatMap((model) => barsOf(drawn, model, names.get(model)!, parts, basis));
      if (bars.length === 0) return [];
      return [
        {
          title,
          finding: findingOf(bars),
          yTitle: yTitleOf(basis, drawn),
          bars:
            form === "faithful" ? members.flatMap((model) => printedOrder(bars, names.get(model)!)) : bars,
        },
      ];
    }),
  );
  const lengths = listOf(distinct(chosen.map(({ length }) => formatTokens(length))));
  const title = `Figure 9b, ${listOf(given.map((source) => SOURCE_WORDS[source]))}`;
  const legend = legendOf(parts, given.length > 1);
  return {
    name: `fig9b-${sourceName(sourced(sources))}`,
    title: `${title}: operator classes of ${models.length === 1 ? "one model" : `${models.length} models`} at ${lengths} tokens, ${legend || "no rows"}`,
    caption: operatorCaption({
      printed: PRINTED,
      of: `of ${listOf([...names.values()])} at ${lengths} prompt tokens${legend && `; ${legend}`}`,
      drawn,
      missing: given.map((source) => ({ source, names: missingFrom(drawn, source) })),
      bases,
      given,
      form,
    }),
    spec: stackedSharesSpec({
      panels,
      axis: { kind: "name", parts: parts.map(({ id }) => id) },
      columns: Math.max(1, panels.length / bases.length),
      title,
      subtitle: `share of prefill time by operator class at ${lengths} tokens; ${legend || "no rows"}`,
      layout,
    }),
  };
}

// Choosing what to draw.

/** The profiles of a source at the length asked for, else at the paper's, else at the one with most models. */
function atOneLength(all: readonly Profile[], source: Source, wanted: number | undefined) {
  const ofSource = all.filter((profile) => profile.source === source);
  const count = (length: number): number => ofSource.filter((profile) => profile.length === length).length;
  const lengths = distinct(ofSource.map(({ length }) => length)).sort((a, b) => count(b) - count(a) || b - a);
  const printed = PRINTED.lengths[0]!;
  const length = wanted ?? (lengths.includes(printed) ? printed : (lengths[0] ?? printed));
  return { length, profiles: ofSource.filter((profile) => profile.length === length) };
}

/** The paper's letters, and the next of the alphabet for devices of one's own. */
function partsOf(drawn: readonly Profile[]): Part[] {
  const ids = distinct(drawn.map(({ source, device }) => JSON.stringify([source, device])));
  let next = 0;
  return ids.map((id) => {
    const [source, device] = JSON.parse(id) as [Source, string];
    const printed = source === "paper" ? LETTER[device] : undefined;
    return { id, source, device, letter: printed ?? "ABCEFGHI"[next++] ?? "?" };
  });
}

const legendOf = (parts: readonly Part[], both: boolean): string =>
  parts
    .map(({ source, device, letter }) =>
      [`${letter}: ${deviceName(device) || "device not stated"}`, both && SOURCE_WORDS[source]]
        .filter(Boolean)
        .join(", "),
    )
    .join("; ");

/** The paper's models where there are rows of any, in its order; then all others. */
function modelsOf(drawn: readonly Profile[]): string[] {
  const present = distinct(drawn.map(({ model }) => model));
  if (present.length === 0) return [...PRINTED.models];
  return [
    ...PRINTED.models.filter((model) => present.includes(model)),
    ...present.filter((model) => !PRINTED.models.includes(model)),
  ];
}

const familyOf = (model: string, drawn: readonly Profile[]): string =>
  drawn.find((profile) => profile.model === model)?.rows[0]?.family ?? FAMILY[model] ?? "transformer";

/** Only the paper's own data have both shares side by side. */
const basesOf = (given: readonly Source[], form: FigureForm): TimeBasis[] =>
  form === "faithful" ? ["published"] : given.includes("measured") ? ["device"] : ["device", "host+device"];

/** The paper's models of which a source has no rows. */
function missingFrom(drawn: readonly Profile[], source: Source): string[] {
  const present = drawn.filter((profile) => profile.source === source).map(({ model }) => model);
  const names = displayNames(PRINTED.models);
  return PRINTED.models.filter((model) => !present.includes(model)).map((model) => names.get(model)!);
}

// Bars.

const nameOnAxis = (name: string): string => stack(name).join("\n");

function barsOf(
  drawn: readonly Profile[],
  model: string,
  name: string,
  parts: readonly Part[],
  basis: TimeBasis,
): Bar[] {
  const at = nameOnAxis(name);
  if (parts.length === 0) return [barOf(undefined, basis, at)];
  return parts.flatMap(({ id, source, device, letter }) => {
    const profile = drawn.find(
      (one) => one.model === model && one.source === source && one.device === device,
    );
    // A model that a source does not have at all is missing in the caption, not with a mark in every place.
    if (!profile && !drawn.some((one) => one.model === model && one.source === source)) return [];
    const bar = barOf(profile, basis, at);
    return [{ ...bar, part: id, above: letter + (bar.above ?? "") }];
  });
}

/** The paper orders the classes of each model on its own. */
const printedOrder = (bars: readonly Bar[], name: string): Bar[] =>
  inPrintedOrder(
    bars.filter(({ at }) => at === nameOnAxis(name)),
    PRINTED.restOrder,
  );
