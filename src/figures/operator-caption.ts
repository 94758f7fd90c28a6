import { differences } from "./differences.js";
import type { FigureForm } from "./figure.js";
import { formatTokens, listOf } from "./format.js";
import { classesOf, UNCLASSIFIED } from "./operator-class.js";
import { sharesOf, type Profile, type TimeBasis } from "./operator-profile.js";
import { distinct, finite } from "./point.js";
import { describeSettings, deviceName } from "./settings.js";
import type { Source } from "./sources.js";
import type { Bar } from "./stacked-shares.js";

/** What the paper's figure shows; ours says where it differs. */
export interface Printed {
  readonly number: string;
  readonly models: readonly string[];
  /** Whose models stand in for the paper's where own rows have none of them. */
  readonly families: readonly string[];
  readonly devices: readonly string[];
  readonly lengths: readonly number[];
  /** How the original stacks the classes above SSM scan and GEMM. */
  readonly restOrder: "mean" | "first";
  /** What is doubtful in the published figure or in what the paper says of it. */
  readonly notes: readonly string[];
}

/** "44.3 to 52.5%", or one number where both ends print alike. */
function range(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(1));
  return low === high ? `${low!}%` : `${low!} to ${high!}%`;
}

/** The two largest classes of a panel and how far they range, the host's part, and the bars that are missing. */
export function findingOf(bars: readonly Bar[]): string {
  const drawn = bars.filter(({ shares }) => shares.length > 0);
  const at = (op_class: string): number[] =>
    drawn.map(({ shares }) => shares.find((share) => share.op_class === op_class)?.value ?? 0);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const largest = classesOf(drawn.flatMap(({ shares }) => shares.map(({ op_class }) => op_class)))
    .map(({ op_class, label }) => ({ label, values: at(op_class) }))
    .sort((a, b) => sum(b.values) - sum(a.values))
    .slice(0, 2)
    .map(({ label, values }) => `${label} ${range(values)}`);
  const host = drawn.map(({ shares }) => sum(shares.map((share) => share.host)));
  const said = largest.length > 0 ? [largest.join(", ")] : [];
  if (host.some((value) => value > 0)) said.push(`host time (pale) ${range(host)}`);
  return [...said, ...absences(bars)].join("; ");
}

export const NO_ROWS = "no rows";

/** "no rows at 512 and 1,024", "out of memory at 32,768"; names where bars stand over names. */
function absences(bars: readonly Bar[]): string[] {
  const missing = bars.filter(({ absence }) => absence);
  if (missing.length === bars.length && missing.every(({ absence }) => absence?.reason === NO_ROWS))
    return [`${NO_ROWS} of kind operators`];
  return distinct(missing.map(({ absence }) => absence?.reason)).map((reason) => {
    const places = missing.filter((bar) => bar.absence?.reason === reason);
    return `${reason} ${typeof places[0]!.at === "number" ? "at" : "for"} ${listOf(distinct(places.map(placeOf)))}`;
  });
}

const placeOf = ({ at, above }: Bar): string =>
  typeof at === "number"
    ? formatTokens(at)
    : [at.replaceAll("\n", "-"), above && `(${above})`].filter(Boolean).join(" ");

/** What 100 % are, of the profiles drawn. */
export const yTitleOf = (basis: TimeBasis, drawn: readonly Profile[]): string =>
  drawn.some(({ ofPass }) => ofPass) && basis === "device"
    ? drawn.every(({ ofPass }) => ofPass)
      ? "share of the pass (%)"
      : "share of time (%)"
    : Y_TITLE[basis];

const Y_TITLE = {
  device: "share of device time (%)",
  "host+device": "share of host + device time (%)",
  published: "share of execution time (%)",
} as const satisfies Record<TimeBasis, string>;

export interface CaptionInput {
  /** Null for a figure that the paper does not have. */
  readonly printed: Printed | null;
  /** What the bars stand for, as the end of "Share of prefill time by operator class ...". */
  readonly of: string;
  readonly drawn: readonly Profile[];
  /** Models without rows. */
  readonly missing: readonly { source: Source; names: readonly string[] }[];
  readonly bases: readonly TimeBasis[];
  readonly given: readonly Source[];
  readonly form: FigureForm;
}

/** The caption of an operator figure, plain sentences: what is shown, under which setting, and unlike the paper's how. */
export function operatorCaption(input: CaptionInput): string {
  const { of, drawn } = input;
  const head = `Share of prefill time by operator class ${of}`;
  const sentences =
    drawn.length === 0
      ? [head, "There are no rows to draw: these are rows of kind operators with breakdown class or fine"]
      : [
          head,
          ...missingNotes(input),
          ...basisNotes(input),
          ...settingNotes(input),
          ...unclassifiedNotes(input),
          ...paperNotes(input),
          ...ownNotes(input),
        ];
  return sentences.map((sentence) => `${sentence}.`).join(" ");
}

const ofSource = (source: Source): string => (source === "paper" ? "the paper's rows" : "our rows");

const missingNotes = ({ missing, given }: CaptionInput): string[] =>
  missing
    .filter(({ names }) => names.length > 0)
    .map(
      ({ source, names }) =>
        `No rows for ${listOf(names)}${given.length > 1 ? ` among ${ofSource(source)}` : ""}`,
    );

function basisNotes({ bases, drawn, form }: CaptionInput): string[] {
  if (form === "faithful")
    return ["As printed: host and device time added, each profile by the classifier it was summarized with"];
  const notes: string[] = [];
  const [passes, others] = [drawn.filter(({ ofPass }) => ofPass), drawn.filter(({ ofPass }) => !ofPass)];
  if (bases.includes("device") && (others.length > 0 || passes.length === 0))
    notes.push(`Share of device time: ${timeOf(others)}`);
  if (passes.length > 0) notes.push(passNote(passes));
  if (bases.includes("host+device"))
    notes.push(
      "Share of host + device time: the paper's definition, with the host's part pale; the two overlap, so it weights kernels with their launch and with waiting",
    );
  return notes;
}

/** Our own profiles: what 100% are, and by how much longer these passes took. */
function passNote(passes: readonly Profile[]): string {
  const times = passes.flatMap(({ rows }) => {
    const { profiled_ms, unprofiled_ms } = rows[0]!;
    return profiled_ms && unprofiled_ms ? [profiled_ms / unprofiled_ms] : [];
  });
  const [least, most] = [Math.min(...times), Math.max(...times)].map((ratio) => ratio.toFixed(2));
  const longer =
    times.length === 0
      ? ""
      : `, which took ${least === most ? least! : `${least!} to ${most!}`} times as long as one that is not profiled`;
  return `Share of the profiled pass: time of operators, launches on a GPU waiting for their kernels, and of the gaps between them${longer}`;
}

/** Rows of a CPU have no time of a device beside the host. */
function timeOf(drawn: readonly Profile[]): string {
  const onCpu = ({ classes }: Profile): boolean =>
    !classes.some((row) => finite(row.op_device_share_pct) !== null);
  const ran = drawn.filter(({ classes }) => classes.length > 0);
  if (!ran.some(onCpu)) return "time of kernels only";
  return ran.every(onCpu)
    ? "time of the operators on the CPU"
    : "time of kernels, or of the operators on a CPU";
}

function settingNotes({ drawn, given }: CaptionInput): string[] {
  const settings = given.flatMap((source) => {
    const rows = drawn.filter((profile) => profile.source === source).flatMap((profile) => profile.rows);
    if (rows.length === 0) return [];
    const passes = distinct(rows.map(({ op_passes }) => op_passes)).sort((a, b) => a - b);
    const phrases = [
      describeSettings(rows),
      ...(passes.length > 0
        ? [`${passes.join(" or ")} profiled ${passes.join() === "1" ? "pass" : "passes"}`]
        : []),
    ];
    const said = phrases.filter(Boolean).join(", ") || "the rows state none";
    return [`Setting${given.length > 1 ? ` of ${ofSource(source)}` : ""}: ${said}`];
  });
  return [
    ...settings,
    "One profile of each, so no interval",
    ...(drawn.some(({ doubtful }) => doubtful) ? ["?: the measurement is marked as doubtful"] : []),
  ];
}

function unclassifiedNotes({ bases, drawn, form }: CaptionInput): string[] {
  if (form === "faithful") return ["Shares are of the time in a class; what is in none is left out"];
  const most = bases.map((basis) =>
    Math.max(
      ...drawn.map(
        (profile) => sharesOf(profile, basis)?.find(({ op_class }) => op_class === UNCLASSIFIED)?.value ?? 0,
      ),
    ),
  );
  const value = Math.max(...most);
  return [value > 0 ? `Unclassified: at most ${value.toFixed(1)}%` : "Nothing is unclassified"];
}

function paperNotes({ printed, given, form }: CaptionInput): string[] {
  if (!given.includes("paper")) return [];
  if (!printed)
    return [
      "Published profiles: arXiv 2507.12442, Figures 7, 8, 9a and 9b, one classifier for all",
      "SSM scan of the Mamba models is a fused kernel, which also does projections (GEMM work) and normalization; attention counts as GEMM, but Hymba's compiled attention as other",
    ];
  return [
    `Published profiles: arXiv 2507.12442, Figure ${printed.number}`,
    ...(form === "improved"
      ? [
          `Not as printed: one classifier for every profile, a fixed order of classes${printed.lengths.length > 1 ? ", lengths on a logarithmic axis" : ""}`,
        ]
      : []),
    ...printed.notes,
  ];
}

function ownNotes({ printed, drawn }: CaptionInput): string[] {
  const own = drawn.filter(({ source }) => source === "measured");
  if (!printed || own.length === 0) return [];
  const there = printed.devices.map(deviceName);
  const here = distinct(own.map(({ device }) => deviceName(device)));
  const found = differences(
    // Of several devices of the paper's the one that the rows share, or all of them.
    { models: printed.models, device: there.find((device) => here.includes(device)) ?? listOf(there) },
    {
      drawn: own.flatMap((profile) => profile.rows),
      models: distinct(own.map(({ model }) => model)),
      lengths: [],
    },
  );
  if (own.some(({ length }) => !printed.lengths.includes(length)))
    found.push(`other prompt lengths (there ${lengthRange(printed.lengths)})`);
  return found.length > 0 ? [`Unlike the paper's figure: ${found.join("; ")}`] : [];
}

const lengthRange = (lengths: readonly number[]): string =>
  distinct([lengths[0]!, lengths.at(-1)!])
    .map(formatTokens)
    .join(" to ");
