import type { ColumnTable } from "arquero";
import { UserError } from "../../errors.js";
import { crossingMarks, fittedCurves, summarize, type FitMetricName } from "../../analyze/index.js";
import { figure1, scalingFigure, SCALES } from "../../figures/index.js";
import { loadPaper, rowsToTable, tableToRows, type Row } from "../../record/index.js";
import { compare, marked, sentencesOf, type Comparison } from "../compare.js";
import { doubtsOf } from "../doubts.js";
import { drawOwn, ofKind, type OwnName } from "../own-figures.js";
import { reportFigure, type Facts, type Report, type ReportFigure } from "./page.js";
import { claimsTable, crossingsTable, fitsTable, measurementsTable } from "./tables.js";

const METRICS = ["ttft_ms", "tpot_ms", "total_bytes"] as const satisfies readonly FitMetricName[];

/** Rows of Figure 1 as the paper published them. */
const paperFigure1Rows = (): ColumnTable => loadPaper("latency").filter((row: Row) => row.figure === "1");

/** Figures that rows of one's own make beside the paper's, if there is something to draw. */
const OWN: readonly { name: OwnName; needs: (rows: readonly Row[]) => boolean }[] = [
  { name: "crossover-matrix", needs: (rows) => new Set(rows.map(({ model }) => model)).size > 2 },
  { name: "memory-parts", needs: (rows) => rows.some((row) => row.peak_activation_bytes != null) },
  { name: "energy", needs: (rows) => rows.some((row) => row.energy_j != null) },
  { name: "latency-distribution", needs: (rows) => rows.some((row) => row.ttft_ms != null) },
];

/** Everything a report says, from rows of one campaign or of several. */
export async function campaignReport(given: ColumnTable, title: string): Promise<Report> {
  const repeated = isRepeated(given);
  const table = repeated ? namedByCampaign(given) : given;
  const rows = table.objects() as Row[];
  const latencies = ofKind(table, "ttft_ms");
  const points = summarize(latencies);
  const paper = summarize(paperFigure1Rows());
  const comparisons = METRICS.map((metric) => (repeated ? compareWithin : compare)(latencies, metric));
  const measured = comparisons.filter(({ fits }) => fits.length > 0);
  const undrawn: string[] = [];
  const figure = async (...how: Parameters<typeof reportFigure>): Promise<ReportFigure[]> => {
    try {
      return [await reportFigure(...how)];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      undrawn.push(`A figure is missing: ${error.message}.`);
      return [];
    }
  };
  const figures = await Promise.all([
    figure((layout) => ({ ...figure1(paper, { source: "paper", layout }), name: "fig1-paper" })),
    figure((layout) => ({ ...figure1(points, { source: "measured", layout }), name: "fig1-measured" })),
    ...measured.map((comparison) => {
      const { metric, fits } = comparison;
      const marks = crossingMarks(marked(comparison));
      const to = Math.max(...marks.map(({ prompt_tokens }) => prompt_tokens * 1.2), 0);
      const curves = fittedCurves(fits, to);
      return figure(
        (layout, scale = "log") =>
          scalingFigure(points, curves, { metric, crossovers: marks, source: "measured", layout, scale }),
        SCALES,
      );
    }),
    ...OWN.filter(({ needs }) => needs(rows)).map(({ name }) =>
      figure((layout) => drawOwn(name, { tables: { rows: table }, metric: "ttft_ms", layout })),
    ),
  ]);
  return {
    title,
    subtitle: subtitleOf(rows),
    crossovers: answersOf(comparisons.flatMap(sentencesOf)),
    figures: figures.flat(),
    measurements: measurementsTable(points.objects() as Record<string, number | string | null>[]),
    crossings: crossingsTable(measured),
    fits: fitsTable(measured.flatMap(({ fits }) => fits)),
    claims: claimsTable(given),
    machine: machineFactsOf(rows),
    settings: settingsOf(rows),
    notes: [...doubtsOf(rows), ...undrawn, ...notesOn(rows)],
  };
}

/** More sentences than this are a table's business. */
const MOST_SENTENCES = 12;

/** All, or of too many the first: to choose those that cross would hide the pairs that do not. */
function answersOf(sentences: readonly string[]): string[] {
  if (sentences.length <= MOST_SENTENCES) return [...sentences];
  const more = sentences.length - MOST_SENTENCES;
  return [
    ...sentences.slice(0, MOST_SENTENCES),
    `${more} more ${more === 1 ? "statement is" : "statements are"} in the table of crossovers.`,
  ];
}

// Several campaigns.

/** Whether a model is in several campaigns, so that its name alone does not say which rows are meant. */
function isRepeated(table: ColumnTable): boolean {
  const rows = tableToRows(table);
  const models = new Set(rows.map(({ model }) => model));
  return new Set(rows.map(({ model, campaign }) => JSON.stringify([model, campaign]))).size > models.size;
}

/** Models under their campaign's name too: `mamba2-130m (quick)`. */
const namedByCampaign = (table: ColumnTable): ColumnTable =>
  rowsToTable(
    tableToRows(table).map((row) => ({ ...row, model: `${row.model} (${row.campaign ?? "no campaign"})` })),
  );

/** Each campaign by itself: what ran at different hours is not compared where the same was run at one. */
function compareWithin<M extends FitMetricName>(table: ColumnTable, metric: M): Comparison<M> {
  const rows = tableToRows(table);
  const each = [...new Set(rows.map(({ campaign }) => campaign))].map((name) =>
    compare(rowsToTable(rows.filter(({ campaign }) => campaign === name)), metric),
  );
  return {
    metric,
    fits: each.flatMap(({ fits }) => fits),
    crossovers: each.flatMap(({ crossovers }) => crossovers),
    problem: each.every(({ problem }) => problem !== null) ? each[0]!.problem : null,
  };
}

/** What holds of these rows: their weights may be those of a checkpoint, or of an exported model. */
function notesOn(rows: readonly Row[]): string[] {
  const random = rows.filter(({ weights }) => weights?.startsWith("random"));
  return [
    "Intervals hold within one run. Models are measured one after the other, so a machine that slows down or is shared in between shifts one of them: repeat the run before believing a small difference.",
    ...(random.length > 0
      ? [
          `Weights${random.length < rows.length ? " (where they are not a checkpoint's or exported)" : ""} are seeded random numbers in the published architectures: speed and memory do not depend on their values.`,
        ]
      : []),
    "Time to first token ends when the first token id is on the host; the time per output token is (end to end − time to first token) / (new tokens − 1).",
    "Memory is what the model asks for: weights, tables, caches and states as held, and the peak of the runtime's allocator above its idle use. The process holds more: the CPU kernels' packed copy of the weights, and the slack of the allocator (reserved_bytes, process_rss_bytes in the rows).",
  ];
}

function subtitleOf(rows: readonly Row[]): string {
  const times = rows.flatMap(({ measured_at }) => measured_at ?? []).sort();
  return `${rows.length} samples, ${times[0]?.slice(0, 10) ?? "date unknown"}, ssm-scope ${distinct(rows, "ssm_scope_version")}`;
}

/** The values a column has, as one text. */
function distinct(rows: readonly Row[], column: keyof Row): string | null {
  const values = new Set(rows.flatMap((row) => row[column] ?? []));
  return values.size > 0 ? [...values].join(", ") : null;
}

function machineFactsOf(rows: readonly Row[]): Facts {
  const memory = rows.find(({ memory_bytes }) => memory_bytes)?.memory_bytes;
  return {
    "Measured on": distinct(rows, "device"),
    Processor: distinct(rows, "cpu_model"),
    "Logical CPUs": distinct(rows, "cpu_count"),
    Memory: memory ? `${(memory / 2 ** 30).toFixed(1)} GiB` : null,
    "Operating system": distinct(rows, "os"),
    "Node.js": distinct(rows, "node_version"),
    "ONNX Runtime": distinct(rows, "ort_version"),
    ...(rows.some(({ gpu_driver, cuda_version }) => gpu_driver ?? cuda_version) && {
      "CUDA of the driver": distinct(rows, "gpu_driver"),
      "CUDA runtime": distinct(rows, "cuda_version"),
    }),
    Commit: distinct(rows, "git_commit"),
  };
}

function settingsOf(rows: readonly Row[]): Facts {
  return {
    "Execution provider": distinct(rows, "ep"),
    "Data type": distinct(rows, "dtype"),
    Batch: distinct(rows, "batch"),
    "New tokens": distinct(rows, "new_tokens"),
    Prefill: distinct(rows, "prefill"),
    "Segment limit": distinct(rows, "segment_tokens"),
    Logits: distinct(rows, "logits"),
    Lowering: distinct(rows, "lowering"),
    Threads: distinct(rows, "threads") ?? "ONNX Runtime's default, one a physical core",
    Weights: distinct(rows, "weights"),
    "Warm-up runs": distinct(rows, "warmup_runs"),
    Verdicts: distinct(rows, "verdict"),
  };
}
