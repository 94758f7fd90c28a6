import type { Score, Time } from "./accuracy-ttft.js";
import { linearTicks } from "./axis.js";
import type { JsonObject } from "./figure.js";
import { stack } from "./format.js";
import { distinct } from "./point.js";
import { INK } from "./theme.js";

/** Okabe and Ito's, one a task. */
const COLORS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442"] as const;

/** The paper's left axis, in %. */
const ACCURACY = [20, 85] as const;

/** Figure 3 as the paper drew it: bars of accuracy, a group a model, and TTFT as a dashed line on a second axis. */
export function accuracyBars(
  {
    times,
    scores,
    names,
  }: { times: readonly Time[]; scores: readonly Score[]; names: ReadonlyMap<string, string> },
  { width, height }: { width: number; height: number },
): JsonObject {
  const named = (name: string): string => stack(name).join("\n");
  const tasks = distinct(scores.map(({ task }) => task));
  const models = [...names.keys()].flatMap((model) => times.find((time) => time.model === model) ?? []);
  const x: JsonObject = {
    field: "model",
    type: "nominal",
    title: null,
    scale: { domain: models.map(({ name }) => named(name)), paddingInner: 0.2, paddingOuter: 0.1 },
    axis: { labelAngle: 0, ticks: false, grid: false, labelExpr: "split(datum.label, '\\n')" },
  };
  const seconds = models.map(({ name, ttftMs }) => ({ model: named(name), seconds: ttftMs / 1000 }));
  const top = 1.3 * Math.max(...seconds.map((one) => one.seconds)) + 1;
  const line = {
    x,
    y: {
      field: "seconds",
      type: "quantitative",
      title: "TTFT (s)",
      scale: { domain: [0, top], nice: false },
      axis: { orient: "right", grid: false, values: linearTicks([0, top], 6) },
    },
  };
  return {
    width,
    height,
    resolve: { scale: { y: "independent" } },
    layer: [
      {
        data: {
          values: scores.map(({ name, task, accuracyPct }) => ({ model: named(name), task, accuracyPct })),
        },
        mark: { type: "bar", clip: true },
        encoding: {
          x,
          xOffset: { field: "task", type: "nominal", scale: { domain: tasks } },
          y: {
            field: "accuracyPct",
            type: "quantitative",
            title: "accuracy (%)",
            scale: { domain: ACCURACY, nice: false, zero: false },
            axis: { values: [20, 30, 40, 50, 60, 70, 80] },
            stack: null,
          },
          color: {
            field: "task",
            type: "nominal",
            scale: { domain: tasks, range: tasks.map((_, i) => COLORS[i % COLORS.length]!) },
            legend: { orient: "bottom", title: null },
          },
        },
      },
      {
        layer: [
          {
            data: { values: seconds },
            mark: {
              type: "line",
              strokeDash: [5, 4],
              color: INK,
              point: { filled: true, color: INK, size: 60 },
            },
            encoding: line,
          },
          // Twice: a white edge first, so that bars do not run through the digits.
          ...[{ stroke: "#ffffff", strokeWidth: 4 }, {}].map((edge) => ({
            data: { values: seconds.map((one) => ({ ...one, text: `${one.seconds.toFixed(2)} s` })) },
            mark: { type: "text", baseline: "bottom", dy: -8, fontWeight: "bold", ...edge },
            encoding: { ...line, text: { field: "text" } },
          })),
        ],
      },
    ],
  };
}
