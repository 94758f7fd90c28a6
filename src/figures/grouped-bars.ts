import type { Domain } from "./axis.js";
import type { JsonObject } from "./figure.js";

/** A piece of a bar, in the unit of the axis; of a stack `level` says which from below, 0 to 2. */
export interface BarPiece {
  readonly group: string;
  readonly series: string;
  readonly from: number;
  readonly to: number;
  readonly level?: number;
}

export interface BarScale {
  readonly title: string;
  readonly scale: JsonObject & { readonly domain: Domain };
  readonly axis: JsonObject;
}

/** Bars side by side in evenly spaced groups: how the paper draws what it has over prompt lengths and models. */
export interface GroupedBars {
  readonly groups: readonly string[];
  readonly series: readonly { readonly name: string; readonly color: string }[];
  readonly pieces: readonly BarPiece[];
  readonly x: string;
  readonly y: BarScale;
  readonly width: number;
  readonly height: number;
  readonly legendColumns: number;
  /** Printed on top of a bar, and turned where bars are narrow. */
  readonly text?: (piece: BarPiece) => string;
  readonly turned?: boolean;
  /** A red line across. */
  readonly limit?: { readonly at: number; readonly label: string };
}

/** Of the levels of a stack, from below: paler at the bottom, where all bars have much the same. */
const OPACITY = [0.35, 0.7, 1] as const;

export function groupedBars(bars: GroupedBars): JsonObject {
  const { groups, series, pieces, x, y, width, height, limit } = bars;
  const place: JsonObject = {
    x: {
      field: "group",
      type: "nominal",
      title: x,
      scale: { domain: groups, paddingInner: 0.15, paddingOuter: 0.1 },
      axis: { labelAngle: groups.length > 12 ? -45 : 0, ticks: false, grid: false },
    },
    xOffset: {
      field: "series",
      type: "nominal",
      scale: { domain: series.map(({ name }) => name), paddingInner: 0.05 },
    },
  };
  const at = (field: string): JsonObject => ({
    field,
    type: "quantitative",
    title: y.title,
    scale: y.scale,
    axis: y.axis,
  });
  // That of a logarithmic axis is not 0.
  const [foot] = y.scale.domain;
  const levels = [...new Set(pieces.map(({ level }) => level))];
  const { text } = bars;
  return {
    width,
    height,
    layer: [
      ...levels.map((level) => ({
        data: {
          values: pieces
            .filter((piece) => piece.level === level)
            .map(({ group, series: name, from, to }) => ({
              group,
              series: name,
              from: Math.max(foot, from),
              to,
            })),
        },
        mark: { type: "bar", opacity: level === undefined ? 1 : OPACITY[level]! },
        encoding: {
          ...place,
          y: at("from"),
          y2: { field: "to" },
          color: {
            field: "series",
            type: "nominal",
            scale: { domain: series.map(({ name }) => name), range: series.map(({ color }) => color) },
            legend: { orient: "bottom", title: null, columns: bars.legendColumns, symbolOpacity: 1 },
          },
        },
      })),
      ...(text
        ? [
            {
              data: {
                values: pieces.map((piece) => ({
                  group: piece.group,
                  series: piece.series,
                  to: piece.to,
                  text: text(piece),
                })),
              },
              mark: {
                type: "text",
                fontSize: 9,
                ...(bars.turned
                  ? { angle: 270, align: "left", baseline: "middle", dx: 4 }
                  : { baseline: "bottom", dy: -2 }),
              },
              encoding: { ...place, y: at("to"), text: { field: "text" } },
            },
          ]
        : []),
      ...(limit
        ? [
            {
              data: { values: [{ limit: limit.at }] },
              mark: { type: "rule", color: "#cc0000", strokeWidth: 1.5 },
              encoding: { y: at("limit") },
            },
            {
              data: { values: [{ limit: limit.at, text: limit.label }] },
              mark: { type: "text", align: "left", baseline: "bottom", dy: -2, color: "#cc0000" },
              encoding: { x: { value: 4 }, y: at("limit"), text: { field: "text" } },
            },
          ]
        : []),
    ],
  };
}
