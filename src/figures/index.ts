/** Figures: prepared points in, Vega-Lite out. Numbers come in ready; nothing here fits, bins or averages. */
import type { Figure } from "./figure.js";
import { figure3 } from "./accuracy-ttft.js";
import { claimsFigure, type ClaimsFigureOptions, type JudgedClaim } from "./claims-table.js";
import { crossoverMatrixFigure, type ComparedPair, type CrossoverMatrixOptions } from "./crossover-matrix.js";
import { energyPerTokenFigure, type EnergyOfPhase, type EnergyPerTokenOptions } from "./energy-per-token.js";
import {
  latencyDistributionFigure,
  type LatencyDistributionOptions,
  type LatencySample,
} from "./latency-distribution.js";
import type { Listed } from "./listed.js";
import { memoryPartsFigure, type MemoryPartsOptions, type MemoryRun } from "./memory-parts.js";
import { operatorShareFigure } from "./operator-share.js";
import { ownFigure } from "./own-figure.js";
import { residualFigure, type ResidualOptions, type ResidualPoint } from "./residuals.js";
import { rooflineFigure, type RooflineOptions, type UseOfDevice } from "./roofline.js";
import { scalingFigure, type ScalingOptions } from "./scaling.js";
import type { CurvePoint } from "./scaling-spec.js";
import type { Points } from "./point.js";
import { eachSource, type DrawOptions, type Sources } from "./sources.js";
import { figure6a, figure6b } from "./against-length.js";
import { figure5a, figure5b } from "./memory-footprint.js";
import { figure1 } from "./ttft-tpot.js";
import { figure7, figure8, figure9a } from "./operator-breakdown.js";
import { figure9b } from "./operator-devices.js";

export type { Figure, FigureForm, Json, JsonObject, Layout, VegaLiteSpec } from "./figure.js";
export type { Listed } from "./listed.js";
export type { Fact, MemoryPart, Metric, Point, Points } from "./point.js";
export { eachSource, type Both, type DrawOptions, type Source, type Sources } from "./sources.js";
export { figure3 } from "./accuracy-ttft.js";
export { figure5a, figure5b } from "./memory-footprint.js";
export { figure6a, figure6b } from "./against-length.js";
export { figure1, type TtftTpotOptions } from "./ttft-tpot.js";
export { figure7, figure8, figure9a, type OperatorOptions } from "./operator-breakdown.js";
export { figure9b, type OperatorDevicesOptions } from "./operator-devices.js";
export { operatorShareFigure, type OperatorShareOptions } from "./operator-share.js";
export { SCALES, type Scale } from "./axis.js";
export { scalingFigure, type ScalingOptions } from "./scaling.js";
export { crossoverMatrixFigure, type ComparedPair, type CrossoverMatrixOptions } from "./crossover-matrix.js";
export { memoryPartsFigure, type MemoryPartsOptions, type MemoryRun } from "./memory-parts.js";
export { energyPerTokenFigure, type EnergyOfPhase, type EnergyPerTokenOptions } from "./energy-per-token.js";
export { rooflineFigure, type RooflineOptions, type UseOfDevice } from "./roofline.js";
export {
  latencyDistributionFigure,
  type LatencyDistributionOptions,
  type LatencySample,
} from "./latency-distribution.js";
export { claimsFigure, type ClaimsFigureOptions, type JudgedClaim } from "./claims-table.js";
export type { Missing } from "./own-figure.js";
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
  readonly crossing?: "energy_j" | "e2e_ms" | "total_bytes";
  /** Draws what it is given: the paper's points, one's own, or both. */
  readonly draw: (sources: Sources, options?: DrawOptions) => Figure;
}

/** A figure of the paper: fig and its number there. */
export type PaperFigureName =
  "fig1" | "fig3" | "fig5a" | "fig5b" | "fig6a" | "fig6b" | "fig7" | "fig8" | "fig9a" | "fig9b";

/** The figures of the paper by their names. */
export const PAPER_FIGURES: Readonly<Record<PaperFigureName, PaperFigure>> = {
  fig1: {
    number: "1",
    title: "TTFT and TPOT of a Transformer and an SSM at a short and a long prompt",
    file: "ttft-tpot.ts",
    draw: eachSource<Points, DrawOptions>(figure1),
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
    crossing: "total_bytes",
    draw: figure5a,
  },
  fig5b: {
    number: "5b",
    title: "Memory of a prefill against its length, Jetson Orin Nano",
    file: "memory-footprint.ts",
    crossing: "total_bytes",
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
};

/** What a scaling figure is drawn from: points, and what was fitted to them. */
export interface ScalingData extends Pick<ScalingOptions, "metric" | "crossovers"> {
  readonly points: Points;
  readonly curves?: readonly CurvePoint[];
}

/** What a crossover matrix is drawn from: pairs, and the points compared for its caption. */
export interface CrossoverMatrixData extends Pick<CrossoverMatrixOptions, "points"> {
  readonly pairs: Listed<ComparedPair>;
}

/** What a figure of energy is drawn from: what a token takes, and what ran out of memory or met. */
export interface EnergyData extends Pick<EnergyPerTokenOptions, "points" | "crossovers"> {
  readonly rows: Listed<EnergyOfPhase>;
}

/** A figure that the paper has not. */
export interface OwnFigure<Draw> {
  readonly title: string;
  /** Of the source that draws it. */
  readonly file: string;
  /** What its sources are, by how they are made. */
  readonly takes: string;
  /** Draws the paper's, one's own, or both. */
  readonly draw: Draw;
}

const listedFigure = <Draw>(figure: OwnFigure<Draw>): OwnFigure<Draw> => figure;

/**
 * Figures that the paper has not. Each is drawn of either source or of both; of a source without the rows that it takes
 * it says which are missing. What is to be fitted, compared or judged comes in ready, as the table named in `takes`.
 */
export const OWN_FIGURES = {
  scaling: listedFigure({
    title: "A metric against prompt length, fitted, with bands and crossovers",
    file: "scaling.ts",
    takes: "figurePoints(rows), predictionBands(fits) and crossings",
    draw: ownFigure<ScalingData, Pick<ScalingOptions, "layout">>(
      "scaling",
      "Scaling with the prompt length",
      ({ points, curves = [], ...fitted }, options) =>
        scalingFigure(points, curves, { ...fitted, ...options }),
    ),
  }),
  "crossover-matrix": listedFigure({
    title: "Which of two models is lower from which length on, every pair",
    file: "crossover-matrix.ts",
    takes: "crossoverMatrix(rows) and figurePoints(rows)",
    draw: ownFigure<CrossoverMatrixData, Pick<CrossoverMatrixOptions, "layout">>(
      "crossover-matrix",
      "Crossovers, every pair",
      ({ pairs, ...data }, options) => crossoverMatrixFigure(pairs, { ...data, ...options }),
    ),
  }),
  "memory-parts": listedFigure({
    title: "What the measured memory went to, in parts that add up",
    file: "memory-parts.ts",
    takes: "rows",
    draw: ownFigure<Listed<MemoryRun>, MemoryPartsOptions>(
      "memory-parts",
      "Where the memory goes",
      memoryPartsFigure,
    ),
  }),
  energy: listedFigure({
    title: "Energy of a token against prompt length, with intervals",
    file: "energy-per-token.ts",
    takes: "efficiency(rows), figurePoints(rows) and crossings",
    draw: ownFigure<EnergyData, Pick<EnergyPerTokenOptions, "layout">>(
      "energy",
      "Energy of a token",
      ({ rows, ...data }, options) => energyPerTokenFigure(rows, { ...data, ...options }),
    ),
  }),
  roofline: listedFigure({
    title: "FLOP a second against FLOP a byte, under what the device can do",
    file: "roofline.ts",
    takes: "efficiency(rows)",
    draw: ownFigure<Listed<UseOfDevice>, RooflineOptions>(
      "roofline",
      "Roofline: how far a device is used",
      rooflineFigure,
    ),
  }),
  claims: listedFigure({
    title: "The paper's claims, what its rows give and what yours give",
    file: "claims-table.ts",
    takes: "claims(rows)",
    draw: ownFigure<Listed<JudgedClaim>, ClaimsFigureOptions>("claims", "Claims of the paper", claimsFigure),
  }),
  "operator-share": listedFigure({
    title: "Share of each operator class against prompt length",
    file: "operator-share.ts",
    takes: "rows of kind operators",
    draw: operatorShareFigure,
  }),
  residuals: listedFigure({
    title: "How far samples lie off their fitted curves",
    file: "residuals.ts",
    takes: "residualTable(fits)",
    draw: ownFigure<Listed<ResidualPoint>, ResidualOptions>("residuals", "Residuals", residualFigure),
  }),
  "latency-distribution": listedFigure({
    title: "How long single prompts and single tokens take",
    file: "latency-distribution.ts",
    takes: "rows",
    draw: ownFigure<Listed<LatencySample>, LatencyDistributionOptions>(
      "latency-distribution",
      "Distribution of latencies",
      latencyDistributionFigure,
    ),
  }),
};

/** Every figure by its name, the paper's first. */
export const FIGURES: Readonly<
  Record<PaperFigureName | keyof typeof OWN_FIGURES, Pick<PaperFigure, "title" | "file">>
> = { ...PAPER_FIGURES, ...OWN_FIGURES };
