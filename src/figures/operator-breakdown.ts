import type { Figure, FigureForm } from "./figure.js";
import { displayNames, listOf } from "./format.js";
import { findingOf, NO_ROWS, operatorCaption, yTitleOf, type Printed } from "./operator-caption.js";
import { profilesOf, sharesOf, type Profile, type Share, type TimeBasis } from "./operator-profile.js";
import { distinct } from "./point.js";
import { deviceName } from "./settings.js";
import { SOURCE_WORDS, sourced, sourceName, type DrawOptions, type Source, type Sources } from "./sources.js";
import { stackedSharesSpec, type Bar } from "./stacked-shares.js";

/** Which shares of operators are drawn. */
export interface OperatorOptions extends DrawOptions {
  /**
   * `improved` (default): shares of device time, and beside them the published host + device shares with host time
   * pale; one classifier, a fixed order of classes, what is in no class shown. `faithful`: as printed.
   */
  form?: FigureForm;
  /** Which models, in drawing order; default: the paper's, else those of the same kind. */
  models?: readonly string[];
}

/** W3 of the audit; the numbers are held against the shipped data by a test. */
const WITHDRAWN =
  "Shares that stood as text in the artifact's figure scripts until commit fec1c24 differ from the profiles of Figures 7, 8 and 9a by 8.4 points on average and by up to 56; they are not drawn";
const FUSED =
  "SSM scan is the authors' fused kernel, which also does projections (GEMM work) and normalization";

const MAMBAS = ["mamba-130m", "mamba2-130m"] as const;

const PRINTED = {
  fig7: {
    number: "7",
    models: MAMBAS,
    families: ["ssm"],
    devices: ["rtx4090"],
    lengths: lengthsTo(131072),
    restOrder: "mean",
    notes: [FUSED, WITHDRAWN],
  },
  fig8: {
    number: "8",
    models: ["zamba2-1.2b", "hymba-1.5b"],
    families: ["hybrid"],
    devices: ["rtx4090"],
    lengths: lengthsTo(32768),
    restOrder: "first",
    notes: [
      "Zamba2 at 256, 8,192 and 32,768 tokens was published with its causal convolution in GEMM, elsewhere in SSM scan (32.6, 4.70 and 2.23% SSM scan there; 34.1, 5.41 and 2.74% by one classifier)",
      "Most of Zamba2's arithmetic and of Hymba's memory time at long prompts is the host waiting for kernels, in is_nonzero and index_put_",
      "Attention counts as GEMM, but Hymba's compiled attention as other",
      WITHDRAWN,
    ],
  },
  fig9a: {
    number: "9a",
    models: MAMBAS,
    families: ["ssm"],
    devices: ["jetson_orin_nano"],
    lengths: lengthsTo(32768),
    restOrder: "mean",
    notes: [
      "The paper says that the SSM share is above 55% at all lengths; Mamba2-130m has 52.8% at 32,768 tokens, and 50.1 to 56.3% of device time",
      FUSED,
      WITHDRAWN,
    ],
  },
} as const satisfies Readonly<Record<string, Printed>>;

/** Powers of two from 256 tokens on. */
function lengthsTo(last: number): number[] {
  const lengths: number[] = [];
  for (let length = 256; length <= last; length *= 2) lengths.push(length);
  return lengths;
}

/** Figure 7 of the paper: operator classes of Mamba-130m and Mamba2-130m against prompt length on an RTX 4090. */
export const figure7 = (sources: Sources, options: OperatorOptions = {}): Figure =>
  draw("fig7", sources, options);

/** Figure 8 of the paper: operator classes of Zamba2-1.2B and Hymba-1.5B against prompt length on an RTX 4090. */
export const figure8 = (sources: Sources, options: OperatorOptions = {}): Figure =>
  draw("fig8", sources, options);

/** Figure 9a of the paper: Figure 7 on a Jetson Orin Nano. */
export const figure9a = (sources: Sources, options: OperatorOptions = {}): Figure =>
  draw("fig9a", sources, options);

/** One model on one device, one profile a length. */
interface Series {
  readonly source: Source;
  readonly model: string;
  readonly device: string;
  readonly profiles: readonly Profile[];
}

function draw(id: keyof typeof PRINTED, sources: Sources, options: OperatorOptions): Figure {
  const printed: Printed = PRINTED[id];
  const { form = "improved", layout = "wide" } = options;
  const all = profilesOf(sources);
  const given = sourced(sources).map(({ source }) => source);
  const series = given.flatMap((source) => seriesOf(all, source, printed, options.models));
  const drawn = series.flatMap(({ profiles }) => profiles);
  const names = displayNames(distinct(series.map(({ model }) => model)));
  const lengths = lengthsOf(drawn);

  const cells = basesOf(series, given, form);
  const panels = cells.map(({ of, basis }) => {
    const ofSource = lengthsOf(drawn.filter(({ source }) => source === of.source));
    const bars = (ofSource.length > 0 ? ofSource : printed.lengths).map((length) =>
      barOf(
        of.profiles.find((profile) => profile.length === length),
        basis,
        length,
      ),
    );
    return {
      title: titleOf(of, names.get(of.model)!, given.length > 1),
      finding: findingOf(bars),
      yTitle: yTitleOf(basis, of.profiles),
      bars: form === "faithful" ? inPrintedOrder(bars, printed.restOrder) : bars,
    };
  });
  const where = whereOf(drawn);
  const title = `Figure ${printed.number}, ${listOf(given.map((source) => SOURCE_WORDS[source]))}`;
  return {
    name: `${id}-${sourceName(sourced(sources))}`,
    title: `${title}: operator classes of ${listOf([...names.values()])}, ${where}`,
    caption: operatorCaption({
      printed,
      of: `of ${listOf([...names.values()])} against prompt length`,
      drawn,
      missing: given.map((source) => ({
        source,
        names: series
          .filter((one) => one.source === source && one.profiles.length === 0)
          .map(({ model }) => names.get(model)!),
      })),
      bases: distinct(cells.map(({ basis }) => basis)),
      given,
      form,
    }),
    spec: stackedSharesSpec({
      panels,
      axis: {
        kind: "length",
        lengths: lengths.length > 0 ? lengths : printed.lengths,
        scale: form === "faithful" ? "equal" : "log",
      },
      columns: columnsOf(series, given.length > 1 ? printed.models.length : series.length),
      title,
      subtitle: `share of prefill time by operator class, ${where}`,
      layout,
    }),
  };
}

/** Panels in a row: as many as a page takes, or those of one model on several devices. */
function columnsOf(series: readonly Series[], panels: number): number {
  const devices = distinct(series.map(({ device }) => device)).length;
  return panels > 3 && devices > 1 && devices <= 3 ? devices : Math.min(3, panels);
}

const lengthsOf = (profiles: readonly Profile[]): number[] =>
  distinct(profiles.map(({ length }) => length)).sort((a, b) => a - b);

/** The devices of profiles, for titles. */
export function whereOf(profiles: readonly Profile[]): string {
  const devices = distinct(profiles.map(({ device }) => device)).filter(Boolean);
  return profiles.length === 0 ? "no rows" : listOf(devices.map(deviceName)) || "device not stated";
}

// Choosing what to draw.

/** The models to draw, a series for each device; one without profiles where a model has no rows. */
function seriesOf(
  all: readonly Profile[],
  source: Source,
  printed: Printed,
  wanted: readonly string[] | undefined,
): Series[] {
  const profiles = all.filter(
    (profile) =>
      profile.source === source && (source === "measured" || printed.devices.includes(profile.device)),
  );
  const models = wanted ?? (source === "paper" ? printed.models : ownModels(profiles, printed));
  return models.flatMap((model) => {
    const ofModel = profiles.filter((profile) => profile.model === model);
    const devices = distinct(ofModel.map(({ device }) => device));
    return (devices.length > 0 ? devices : [""]).map((device) => ({
      source,
      model,
      device,
      profiles: ofModel.filter((profile) => profile.device === device),
    }));
  });
}

/** The paper's models where rows have any of them, else the models of the same families. */
function ownModels(profiles: readonly Profile[], { models, families }: Printed): readonly string[] {
  const present = distinct(profiles.map(({ model }) => model));
  if (present.some((model) => models.includes(model))) return models;
  const similar = distinct(
    profiles.filter(({ rows }) => families.includes(rows[0]?.family ?? "")).map(({ model }) => model),
  );
  return similar.length > 0 ? similar : models;
}

/** The panels, row by row: what each is a share of. Only the paper's own data have both shares side by side. */
function basesOf(series: readonly Series[], given: readonly Source[], form: FigureForm) {
  const each = (of: readonly Series[], basis: TimeBasis): { of: Series; basis: TimeBasis }[] =>
    of.map((one) => ({ of: one, basis }));
  if (form === "faithful") return each(series, "published");
  if (!given.includes("measured")) return [...each(series, "device"), ...each(series, "host+device")];
  return each(series, "device");
}

// Panels.

const titleOf = ({ source, device }: Series, name: string, both: boolean): string =>
  [name, device && deviceName(device), both && SOURCE_WORDS[source]].filter(Boolean).join(", ");

/** The stack of a profile, or why there is none. */
export function barOf(profile: Profile | undefined, basis: TimeBasis, at: number | string): Bar {
  const shares = profile ? sharesOf(profile, basis) : null;
  if (shares) return { at, shares, ...(profile?.doubtful ? { above: "?" } : {}) };
  if (profile && profile.status !== "ok") {
    const reason = profile.status === "oom" ? "out of memory" : profile.status;
    return { at, shares: [], absence: { mark: ["✕"], reason } };
  }
  const reason = profile ? "no shares" : NO_ROWS;
  return { at, shares: [], absence: { mark: reason.split(" "), reason } };
}

/** SSM scan at the bottom, GEMM, then the rest by their mean share, or by their share at the shortest length. */
export function inPrintedOrder(bars: readonly Bar[], by: Printed["restOrder"]): Bar[] {
  const counted = (by === "first" ? bars.slice(0, 1) : bars).flatMap(({ shares }) => shares);
  const size = (op_class: string): number =>
    op_class === "ssm_scan"
      ? Infinity
      : op_class === "gemm"
        ? Number.MAX_VALUE
        : counted.filter((share) => share.op_class === op_class).reduce((sum, { value }) => sum + value, 0);
  const order = (a: Share, b: Share): number => size(b.op_class) - size(a.op_class);
  return bars.map((bar) => ({ ...bar, shares: [...bar.shares].sort(order) }));
}
