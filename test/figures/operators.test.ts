import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/errors.js";
import {
  figure7,
  figure8,
  figure9a,
  figure9b,
  operatorShareFigure,
  PAPER_FIGURES,
  type Figure,
  type JsonObject,
} from "../../src/figures/index.js";
import { classesOf, UNCLASSIFIED } from "../../src/figures/operator-class.js";
import { loadPaper, loadSuperseded, tableToRows, type Row } from "../../src/record/index.js";
import { deepFreeze } from "../support/freeze.js";
import { CLASS_PROFILES, CPU_PROFILE, OWN_PROFILES, profile } from "./operator-rows.js";
import { rowsWith } from "./spec.js";

const table = loadPaper("operators");
const published = tableToRows(table);
const paper = deepFreeze(published) as never;

interface Segment {
  readonly at: number | string;
  readonly part?: string;
  readonly label: string;
  readonly from: number;
  readonly to: number;
}
interface Panel {
  readonly title: string;
  readonly finding: string;
  readonly spec: JsonObject;
  readonly segments: readonly Segment[];
}

const panelsOf = (figure: Figure): Panel[] =>
  (figure.spec.concat as readonly JsonObject[]).map((spec) => {
    const { text, subtitle } = spec.title as { text: string; subtitle: string[] };
    return {
      title: text,
      finding: subtitle.filter((line) => line !== "\u200b").join(" "),
      spec,
      segments: rowsWith(spec, "from") as unknown as Segment[],
    };
  });

const barOf = ({ at, part }: Segment): string => `${at} ${part ?? ""}`;
const barsOf = ({ segments }: Panel): Segment[][] =>
  [...new Set(segments.map(barOf))].map((bar) => segments.filter((one) => barOf(one) === bar));

const figures: readonly Figure[] = [
  figure7({ paper }),
  figure8({ paper }),
  figure9a({ paper }),
  figure9b({ paper }),
  figure7({ paper }, { form: "faithful" }),
  figure9b({ paper }, { form: "faithful" }),
  figure7({ paper, rows: OWN_PROFILES }),
  figure9b({ rows: CPU_PROFILE }),
  figure7({ rows: CLASS_PROFILES }),
  figure9a({ rows: CLASS_PROFILES }),
  figure9b({ paper, rows: CLASS_PROFILES }),
];

test("every stack reaches 100 % without a gap or an overlap", () => {
  for (const figure of figures)
    for (const panel of panelsOf(figure))
      for (const bar of barsOf(panel)) {
        const sorted = [...bar].sort((a, b) => a.from - b.from);
        assert.equal(sorted[0]!.from, 0);
        sorted.forEach(({ to }, i) => {
          const next = sorted[i + 1]?.from ?? 100;
          // Classes below 0.005 % are left out, and published shares have four decimals.
          assert.ok(
            Math.abs(next - to) < 0.01,
            `${figure.name} ${panel.title} ${barOf(bar[0]!)}: ${to}, ${next}`,
          );
        });
      }
});

test("the ranges are those derived from the profiles", () => {
  // reference/figures.md, Figures 7, 8 and 9a: device time only, then host + device time.
  const findings = (figure: Figure): string[] => panelsOf(figure).map(({ finding }) => finding);
  const seven = findings(figure7({ paper }));
  assert.match(seven[0]!, /^SSM scan 44\.3 to 52\.5%/);
  assert.match(seven[1]!, /^SSM scan 44\.3 to 60\.1%/);
  assert.match(seven[2]!, /^SSM scan 45\.9 to 52\.1%, GEMM 8\.9 to 38\.7%; host time/);
  assert.match(seven[3]!, /^SSM scan 55\.6 to 74\.4%/);
  const nineA = findings(figure9a({ paper }));
  assert.match(nineA[0]!, /^SSM scan 54\.1 to 63\.2%/);
  assert.match(nineA[1]!, /^SSM scan 50\.1 to 56\.3%/);
  assert.match(nineA[2]!, /^SSM scan 55\.5 to 62\.9%/);
  assert.match(nineA[3]!, /^SSM scan 52\.8 to 70\.8%/);
  const eight = findings(figure8({ paper }));
  assert.match(eight[2]!, /^arithmetic [\d.]+ to 51\.1%/);
  assert.match(eight[3]!, /^memory [\d.]+ to 48\.7%/);
});

test("the host's part of a class is its host time over all time", () => {
  // Mamba2-130m at 256 tokens on the RTX 4090, from the profile's times: no uniform classifier involved.
  const rows = published.filter(
    (row) =>
      row.model === "mamba2-130m" &&
      row.device === "rtx4090" &&
      row.prompt_tokens === 256 &&
      row.breakdown === "fine",
  );
  const all = rows.reduce((sum, row) => sum + row.op_cpu_us! + row.op_device_us!, 0);
  const bar = panelsOf(figure7({ paper }))[3]!.segments.filter(({ at }) => at === 256);
  for (const [op_class, label] of [
    ["ssm_scan", "SSM scan"],
    ["gemm", "GEMM"],
    ["memory", "memory"],
  ] as const) {
    const row = rows.find((one) => one.op_class === op_class)!;
    const [device, host] = bar.filter((one) => one.label === label).map(({ from, to }) => to - from);
    assert.ok(Math.abs(device! - (100 * row.op_device_us!) / all) < 0.01, label);
    assert.ok(Math.abs(host! - (100 * row.op_cpu_us!) / all) < 0.01, label);
  }
});

test("what is in no class is drawn and said, unless the figure is as printed", () => {
  const hymba = (figure: Figure): Segment[] =>
    panelsOf(figure).flatMap(({ segments }) =>
      segments.filter(({ at, label }) => label === UNCLASSIFIED && String(at).startsWith("Hymba")),
    );
  const size = (segments: readonly Segment[]): number =>
    segments.reduce((sum, { from, to }) => sum + to - from, 0);
  const [device, ...both] = hymba(figure9b({ paper }));
  // Times of the row of unclassified operators over those of the profile: 593627/11417630 and 769947/23107939 us.
  assert.ok(Math.abs(size([device!]) - 5.199) < 0.01);
  assert.ok(Math.abs(size(both) - 3.933) < 0.01);
  assert.match(figure9b({ paper }).caption, /Unclassified: at most 5\.2%/);
  const printed = figure9b({ paper }, { form: "faithful" });
  assert.equal(hymba(printed).length, 0);
  assert.match(printed.caption, /what is in none is left out/);
});

test("classes keep order and colour in every figure; as printed, the rest follows its share", () => {
  const orders = [figure7({ paper }), figure8({ paper })].map(({ spec }) => domains(spec)[0]!);
  for (const order of orders)
    assert.deepEqual(
      order,
      [...order].sort((a, b) => ALL.indexOf(a) - ALL.indexOf(b)),
    );
  const [mamba] = panelsOf(figure7({ paper }, { form: "faithful" }));
  assert.deepEqual(
    mamba!.segments.filter(({ at }) => at === 256).map(({ label }) => label),
    ["SSM scan", "GEMM", "normalization", "memory", "arithmetic", "embedding"],
  );
});

const FINE = published.filter(({ breakdown }) => breakdown === "fine").map(({ op_class }) => op_class!);
const ALL = classesOf(FINE).map(({ label }) => label);

const domains = (spec: JsonObject): string[][] =>
  (spec.concat as readonly { layer: { encoding: { color: { scale: { domain: string[] } } } }[] }[]).map(
    ({ layer }) => layer[0]!.encoding.color.scale.domain,
  );

test("as printed, the shares are the published ones, whatever classifier they are from", () => {
  const zamba = panelsOf(figure8({ paper }, { form: "faithful" }))[0]!;
  const scan = zamba.segments.filter(({ label }) => label === "SSM scan");
  // W4: three lengths with the convolution in GEMM; the default has one classifier.
  const at = (segments: readonly Segment[], length: number): string =>
    segments
      .filter((one) => one.at === length)
      .reduce((sum, { from, to }) => sum + to - from, 0)
      .toPrecision(3);
  assert.deepEqual(
    [256, 8192, 32768].map((length) => at(scan, length)),
    ["32.6", "4.70", "2.23"],
  );
  const uniform = panelsOf(figure8({ paper }))[2]!.segments.filter(({ label }) => label === "SSM scan");
  assert.deepEqual(
    [256, 8192, 32768].map((length) => at(uniform, length)),
    ["34.1", "5.41", "2.74"],
  );
});

test("lengths stand on a logarithmic axis, and equally spaced only as printed", () => {
  const x = (figure: Figure): JsonObject =>
    (panelsOf(figure)[0]!.spec.layer as readonly { encoding: { x: JsonObject } }[])[0]!.encoding.x;
  assert.equal((x(figure7({ paper })).scale as JsonObject).type, "log");
  assert.equal(x(figure7({ paper }, { form: "faithful" })).type, "ordinal");
});

test("captions say device, setting, basis and what is doubtful", () => {
  const said: readonly [Figure, readonly string[]][] = [
    [
      figure7({ paper }),
      ["RTX 4090", "fp16", "batch 1", "10 profiled passes", "host's part pale", "fused kernel"],
    ],
    [figure8({ paper }), ["32.6, 4.70 and 2.23%", "34.1, 5.41 and 2.74%", "is_nonzero and index_put_"]],
    [
      figure9a({ paper }),
      ["Jetson Orin Nano", "above 55%", "52.8% at 32,768", "50.1 to 56.3% of device time"],
    ],
    [figure9b({ paper }), ["D: RTX 4090; J: Jetson Orin Nano", "3.9% of host + device time"]],
  ];
  for (const [{ name, caption }, words] of said)
    for (const word of words) assert.ok(caption.includes(word), `${name}: ${word}`);
});

test("the withdrawn shares differ from the profiles as the captions say", () => {
  const key = ({ model, device, prompt_tokens, op_class }: Row): string =>
    [model, device, prompt_tokens, op_class].join();
  const profiles = new Map(
    published.filter(({ breakdown }) => breakdown === "fine").map((row) => [key(row), row.op_share_pct!]),
  );
  const points = tableToRows(loadSuperseded()).flatMap((row) => {
    const share = profiles.get(key(row));
    return share === undefined ? [] : [Math.abs(row.op_share_pct! - share)];
  });
  const mean = points.reduce((sum, value) => sum + value, 0) / points.length;
  assert.equal(`${mean.toFixed(1)} ${Math.max(...points).toFixed(0)}`, "8.4 56");
  assert.match(figure7({ paper }).caption, /by 8\.4 points on average and by up to 56/);
});

test("missing, failed and doubtful profiles are said, never drawn as a bar of height 0", () => {
  const figure = figure7({ rows: OWN_PROFILES });
  const [mamba, mamba2] = panelsOf(figure);
  assert.equal(barsOf(mamba!).length, 4);
  assert.equal(barsOf(mamba2!).length, 2);
  assert.match(mamba2!.finding, /no rows at 1,000; out of memory at 16,384$/);
  assert.ok(rowsWith(mamba2!.spec, "text").some(({ text }) => text === "?"));
  for (const word of ["marked as doubtful", "another device (there RTX 4090)", "(there 256 to 131,072)"])
    assert.ok(figure.caption.includes(word), word);
});

test("without rows a figure names the models and the kind of rows it lacks", () => {
  const other = [{ model: "mamba-130m", prompt_tokens: 256, ttft_ms: 3 }];
  for (const draw of [figure7, figure8, figure9a, figure9b]) {
    const { spec, caption } = draw({ rows: other });
    assert.ok(rowsWith(spec, "text").length > 0);
    assert.match(
      caption,
      /There are no rows to draw: these are rows of kind operators with breakdown class or fine/,
    );
  }
  assert.match(
    figure8({ paper, rows: other }).caption,
    /No rows for Zamba2-1\.2B and Hymba-1\.5B among our rows/,
  );
  assert.equal(rowsWith(operatorShareFigure({ rows: other }).spec, "text").length, 1);
});

test("a CPU's profile has no device but itself", () => {
  const figure = figure9b({ rows: CPU_PROFILE });
  const [{ segments }] = panelsOf(figure) as [Panel];
  assert.deepEqual(
    segments.map(({ label, from, to }) => [label, from, to]),
    [
      ["SSM scan", 0, 50],
      ["GEMM", 50, 90],
      ["unclassified", 90, 100],
    ],
  );
  assert.match(figure.caption, /time of the operators on the CPU/);
});

test("a profile without shares is not taken for missing rows", () => {
  const rows = CPU_PROFILE.map((row) => ({ ...row, op_share_pct: null }));
  assert.equal(panelsOf(figure9b({ rows }))[0]!.finding, "no shares for Mamba2-130m (A)");
});

test("our own classes are drawn of the pass, two models, three lengths and two devices", () => {
  const figure = figure7({ rows: CLASS_PROFILES });
  const panels = panelsOf(figure);
  assert.deepEqual(
    panels.map(({ title }) => title),
    [
      "Mamba-130m, NVIDIA H200",
      "Mamba-130m, AMD EPYC 9B14",
      "Mamba2-130m, NVIDIA H200",
      "Mamba2-130m, AMD EPYC 9B14",
    ],
  );
  assert.ok(panels.every((panel) => barsOf(panel).length === 3));
  // Of 100 and not of the 99 that the classes of a pass hold here.
  const [first] = CLASS_PROFILES;
  const scan = panels[0]!.segments.find(({ at, label }) => at === 1024 && label === "SSM scan")!;
  assert.ok(Math.abs(scan.to - scan.from - first!.op_share_pct! / 0.99) < 1e-9);
  const order = domains(figure.spec)[0]!;
  assert.deepEqual(order.slice(0, 3), ["SSM scan", "convolution", "GEMM"]);
  assert.equal(order.at(-1), "gap between operators");
  for (const word of [
    "Share of the profiled pass: ",
    "1.05 to 1.40 times as long",
    "Nothing is unclassified",
  ])
    assert.ok(figure.caption.includes(word), word);
  assert.ok(!figure.caption.includes("Share of device time"));
  const both = figure9b({ paper, rows: CLASS_PROFILES }).caption;
  for (const word of ["Share of device time: time of kernels only", "Share of the profiled pass"])
    assert.ok(both.includes(word), word);
});

test("classes of a pass that are far from the whole are refused", () => {
  const half = CLASS_PROFILES.filter(({ op_class }) => op_class !== "gemm" && op_class !== "ssm_scan");
  assert.throws(
    () => figure7({ rows: half }),
    /shares of mamba-130m at 1024 tokens sum to \d+\.\d%: they must sum/,
  );
});

test("own models of the same family stand in for the paper's", () => {
  const rows = profile(
    { model: "mamba2-780m", family: "ssm", device: "GPU", prompt_tokens: 64 },
    { gemm: 100 },
  );
  const others = profile(
    { model: "qwen2.5-0.5b", family: "transformer", device: "GPU", prompt_tokens: 64 },
    { gemm: 100 },
  );
  assert.deepEqual(
    panelsOf(figure7({ rows: [...rows, ...others] })).map(({ title }) => title),
    ["Mamba2-780m, GPU"],
  );
  assert.deepEqual(
    panelsOf(figure9b({ rows: [...rows, ...others] })).map(({ title }) => title),
    ["Transformer", "SSM"],
  );
});

test("operator share: a line for each model and device with two lengths, a panel for each class worth one", () => {
  const { spec } = operatorShareFigure({ paper });
  const dots = rowsWith(spec, "share");
  assert.deepEqual(
    [...new Set(dots.map(({ label }) => label))],
    [
      "Mamba-130m, RTX 4090",
      "Mamba2-130m, RTX 4090",
      "Zamba2-1.2B, RTX 4090",
      "Hymba-1.5B, RTX 4090",
      "Mamba-130m, Jetson Orin Nano",
      "Mamba2-130m, Jetson Orin Nano",
    ],
  );
  const titles = (spec.concat as readonly { title: { text: string } }[]).map(({ title }) => title.text);
  assert.deepEqual(titles, ["SSM scan", "GEMM", "normalization", "arithmetic", "memory", "other"]);
  const hymba = published.find(
    (row) => row.model === "hymba-1.5b" && row.prompt_tokens === 16384 && row.op_class === "arithmetic",
  )!;
  assert.ok(dots.some(({ share }) => share === hymba.op_uniform_device_share_pct));
});

test("shares that cannot be are refused", () => {
  const at = { model: "m", family: "ssm", device: "GPU", prompt_tokens: 8 };
  assert.throws(
    () => figure7({ rows: profile(at, { gemm: 80, ssm_scan: 40 }) }),
    (error) =>
      error instanceof UserError &&
      /shares of m at 8 tokens sum to 120\.0%: they must not exceed/.test(error.message),
  );
  const twice = [...profile(at, { gemm: 50 }), ...profile({ ...at, dtype: "fp32" }, { gemm: 60 })];
  assert.throws(
    () => figure7({ rows: twice }),
    (error) =>
      error instanceof UserError &&
      /m at 8 tokens has 2 rows for 1 operator classes: filter the rows to one/.test(error.message),
  );
  assert.throws(() => figure7({}), UserError);
});

test("the registry draws them, with rows filtered to the figure as without", () => {
  const only = published.filter(({ figure }) => figure?.split(" ").includes("9b")) as never;
  assert.deepEqual(PAPER_FIGURES.fig9b.draw({ paper: only }), figure9b({ paper: table }));
});

test("classes keep apart for readers with a colour vision deficiency", () => {
  // The three left out have no time in any published profile.
  const own = CLASS_PROFILES.map(({ op_class }) => op_class!);
  const colors = classesOf([...FINE, ...own, UNCLASSIFIED])
    .filter(({ label }) => !["pooling", "interpolation", "region of interest"].includes(label))
    .map(({ color }) => color);
  for (const matrix of Object.values(DEFICIENCIES)) {
    const seen = colors.map((color) => lab(color, matrix));
    seen.forEach((a, i) => {
      seen.slice(i + 1).forEach((b, j) => {
        const distance = Math.hypot(...a.map((value, k) => value - b[k]!));
        assert.ok(distance > 14, `${colors[i]!} and ${colors[i + 1 + j]!}: ${distance.toFixed(1)}`);
      });
    });
  }
});

/** Full deficiencies in linear RGB: Machado, Oliveira and Fernandes 2009, https://doi.org/10.1109/TVCG.2009.113 */
const DEFICIENCIES = {
  protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritan: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
} as const;

/** CIELAB of a colour as the deficiency shows it, white D65. */
function lab(color: string, matrix: readonly number[]): number[] {
  const rgb = [1, 3, 5].map((at) => (Number.parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2);
  const times = (m: readonly number[], v: readonly number[]): number[] =>
    [0, 3, 6].map((row) => v.reduce((sum, value, i) => sum + m[row + i]! * value, 0));
  const seen = times(matrix, rgb).map((value) => Math.min(1, Math.max(0, value)));
  const xyz = times([0.4124, 0.3576, 0.1805, 0.2126, 0.7152, 0.0722, 0.0193, 0.1192, 0.9505], seen);
  const [x, y, z] = xyz.map((value, i) => Math.cbrt(Math.max(value / [0.9505, 1, 1.089][i]!, 0.0089)));
  return [116 * y! - 16, 500 * (x! - y!), 200 * (y! - z!)];
}
