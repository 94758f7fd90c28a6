/** Figures: prepared points in, Vega-Lite out. Numbers come in ready; nothing here fits, bins or averages. */
import type { Figure } from "./figure.js";
import { figure3 } from "./accuracy-ttft.js";
import { eachSource, type DrawOptions, type Sources } from "./sources.js";
import { figure6a, figure6b } from "./against-length.js";
import { figure5a, figure5b } from "./memory-footprint.js";
import { figure1 } from "./ttft-tpot.js";
import { figure7, figure8, figure9a } from "./operator-breakdown.js";
import { figure9b } from "./operator-devices.js";

export type { Figure, Json, JsonObject, Layout, VegaLiteSpec } from "./figure.js";
export type { Fact, MemoryPart, Metric, Point, Points } from "./point.js";
export { eachSource, type DrawOptions, type Source, type Sources } from "./sources.js";
export { figure3 } from "./accuracy-ttft.js";
export { figure5a, figure5b } from "./memory-footprint.js";
export { figure6a, figure6b } from "./against-length.js";
export { figure1, type TtftTpotOptions } from "./ttft-tpot.js";
export { figure7, figure8, figure9a, type OperatorOptions } from "./operator-breakdown.js";
export { figure9b, type OperatorDevicesOptions } from "./operator-devices.js";
export { operatorShareFigure, type OperatorShareOptions } from "./operator-share.js";
export { scalingFigure, type ScalingOptions } from "./scaling.js";
export { residualFigure, type ResidualOptions, type ResidualPoint } from "./residuals.js";
export type { CrossoverMark, CurvePoint } from "./scaling-spec.js";
export { FONT, modelColor } from "./theme.js";
export { displayName } from "./format.js";

/** A figure of the paper, by its number there; the file that draws it is named for what it shows. */
export interface PaperFigure {
  readonly number: string;
  readonly title: string;
  readonly file: string;
  /** Whose crossings it marks; that of a rate is that of its time, which is lower where the rate is higher. */
  readonly crossing?: "energy_j" | "e2e_ms";
  /** Draws what it is given: the paper's points, one's own, or both. */
  readonly draw: (sources: Sources, options?: DrawOptions) => Figure;
}

export const PAPER_FIGURES = {
  fig1: {
    number: "1",
    title: "TTFT and TPOT of a Transformer and an SSM at a short and a long prompt",
    file: "ttft-tpot.ts",
    draw: eachSource(figure1),
  },
  fig3: {
    number: "3",
    title: "Accuracy and TTFT of models of about 1.5 billion parameters",
    file: "accuracy-ttft.ts",
    draw: figure3,
  },
  fig5a: {
    number: "5a",
    title: "Memory of a prefill against its length, RTX 4090",
    file: "memory-footprint.ts",
    draw: figure5a,
  },
  fig5b: {
    number: "5b",
    title: "Memory of a prefill against its length, Jetson Orin Nano",
    file: "memory-footprint.ts",
    draw: figure5b,
  },
  fig6a: {
    number: "6a",
    title: "Energy of a prefill against its length",
    file: "against-length.ts",
    crossing: "energy_j",
    draw: figure6a,
  },
  fig6b: {
    number: "6b",
    title: "Throughput of a whole generation against the length of its prompt",
    file: "against-length.ts",
    crossing: "e2e_ms",
    draw: figure6b,
  },
  fig7: {
    number: "7",
    title: "Operator classes of two SSMs against prompt length",
    file: "operator-breakdown.ts",
    draw: figure7,
  },
  fig8: {
    number: "8",
    title: "Operator classes of two hybrids against prompt length",
    file: "operator-breakdown.ts",
    draw: figure8,
  },
  fig9a: {
    number: "9a",
    title: "Operator classes of two SSMs against prompt length on a Jetson",
    file: "operator-breakdown.ts",
    draw: figure9a,
  },
  fig9b: {
    number: "9b",
    title: "Operator classes of nine models on two devices",
    file: "operator-devices.ts",
    draw: figure9b,
  },
} satisfies Readonly<Record<string, PaperFigure>>;
