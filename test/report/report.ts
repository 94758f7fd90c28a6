import type { Report } from "../../src/cli/report/page.js";
import { reportFigure } from "../../src/cli/report/page.js";
import { figure1, scalingFigure, SCALES } from "../../src/figures/index.js";
import { CROSSOVERS, CURVES, MEASURED_POINTS, MEASURED_WITH_GAPS, PAPER_POINTS } from "../figures/points.js";

/** A report with everything a real one has: gaps, long names, a wide table, text that looks like markup. */
export async function madeReport(): Promise<Report> {
  return {
    title: "From which context length is Mamba2-130m faster than Qwen2.5-0.5B?",
    subtitle: "campaign quick on node-1 <test>, 2026-02-03, ssm-scope 0.1.0",
    crossovers: [
      "On this machine Mamba2-130m has the shorter TTFT from 1,240 prompt tokens on (95% interval 1,100 to 1,390).",
      "In the paper's data the models change places between 24,576 and 32,768 tokens, not at the 8,192 that its text names.",
    ],
    figures: await Promise.all([
      reportFigure((layout) => figure1(PAPER_POINTS, { source: "paper", layout })),
      reportFigure((layout) =>
        figure1(MEASURED_WITH_GAPS, { source: "measured", lengths: [128, 4096], layout }),
      ),
      reportFigure(
        (layout, scale) =>
          scalingFigure(MEASURED_WITH_GAPS, CURVES, {
            crossovers: CROSSOVERS,
            layout,
            scale: scale ?? "log",
          }),
        SCALES,
      ),
      reportFigure((layout) => scalingFigure(MEASURED_POINTS, [], { metric: "tpot_ms", layout })),
    ]),
    measurements: {
      name: "measurements",
      caption: "Medians of 7 samples with 95% bootstrap intervals",
      columns: [
        { label: "model" },
        { label: "prompt tokens", numeric: true },
        { label: "TTFT (ms)", numeric: true },
        { label: "95% interval", numeric: true },
        { label: "TPOT (ms)", numeric: true },
        { label: "samples", numeric: true },
        { label: "status" },
        { label: "verdict" },
      ],
      rows: MEASURED_WITH_GAPS.map((row) => [
        row.model,
        row.prompt_tokens,
        row.ttft_ms ?? null,
        row.status === "oom" ? null : `${row.ttft_ms_lo!.toFixed(1)} to ${row.ttft_ms_hi!.toFixed(1)}`,
        row.tpot_ms ?? null,
        row.ttft_ms_n ?? null,
        row.status ?? null,
        row.verdict ?? "ok",
      ]),
    },
    crossings: {
      name: "crossovers",
      caption: "Where the two change places",
      columns: [{ label: "model" }, { label: "prompt tokens", numeric: true }],
      rows: [],
    },
    claims: {
      name: "claims",
      caption: "Claims of the paper",
      columns: [{ label: "claim" }, { label: "verdict" }, { label: "sentence" }],
      rows: [["H001", "reproduced", 'At "57K" tokens, it is 1.9 times faster.']],
    },
    fits: {
      name: "fits",
      caption: "TTFT = a + b n + c n²",
      columns: [
        { label: "model" },
        { label: "a (ms)", numeric: true },
        { label: "b (ms/token)", numeric: true },
      ],
      rows: [
        ["qwen2.5-0.5b", 40.0123, 1.9],
        ["mamba2-130m", 120, 3.2],
      ],
    },
    machine: {
      device: "AMD EPYC 9B14",
      "logical CPUs": 2,
      "operating system": "Linux 6.1.0-13-cloud-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 x86_64",
      "git commit": "0123456789abcdef0123456789abcdef01234567+",
      GPU: null,
    },
    settings: { batch: 1, prefill: "chunked", "segment tokens": 512, logits: "last", seed: 1 },
    notes: [
      "<script>alert('x')</script> & \"quotes\" are text.",
      "Random weights: speed does not depend on them.",
    ],
  };
}
