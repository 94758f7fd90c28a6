import assert from "node:assert/strict";
import { test } from "node:test";
import {
  claims,
  defineClaim,
  expectClaim,
  judgeClaims,
  measure,
  type ClaimResult,
} from "../../src/claims/index.js";
import { UserError } from "../../src/errors.js";
import { hasMemoryOf, isDevice } from "../../src/claims/setting.js";
import { DEVICES, loadPaper, rowsToTable, tableToRows, type Row } from "../../src/record/index.js";
import { samples, SETTING, tableOf } from "./rows.js";

const QWEN = "qwen2.5-0.5b";
const MAMBA2 = "mamba2-780m";

const judged = (id: string, ...rows: Row[][]): ClaimResult =>
  judgeClaims(tableOf(...rows), { only: [id] })[0]!;
/** Both at 32768 tokens, the Transformer this many times slower; setting of both. */
const pair = (ratio: number, setting: Row = {}): Row[] => [
  ...samples(QWEN, "ttft_ms", { 32768: 100 * ratio }, setting),
  ...samples(MAMBA2, "ttft_ms", { 32768: 100 }, setting),
];

test("a ratio on another device is compared within 25 %, with its interval", () => {
  const { verdict, here, recomputed, reason } = judged("H003", pair(2.4));
  assert.equal(verdict, "reproduced");
  assert.ok(Math.abs((here!.value as number) - 2.4) < 1e-9);
  const [lo, hi] = here!.interval!;
  assert.ok(lo < 2.4 && hi > 2.4 && lo > 2.38 && hi < 2.42, `${lo} to ${hi}`);
  assert.equal(here!.samples, 10);
  assert.equal(here!.device, "NVIDIA H200");
  assert.equal((recomputed!.value as number).toFixed(4), "2.6483");
  assert.match(
    reason,
    /^Published rows \(Figure 1\) give 2\.648x, ttft_ms of qwen2\.5-0\.5b over that of mamba2-780m at 32768 tokens\. But Figure 6b, the same setting: 1\.723x\. On NVIDIA H200, fp16: 2\.4x \(95 % interval/,
  );
  assert.match(reason, /which agrees \(on another device 2\.12 to 3\.313x does\)\.$/);
});

test("on the paper's device it is compared within 10 %", () => {
  const device = "NVIDIA GeForce RTX 4090";
  assert.equal(judged("H003", pair(2.45, { device })).verdict, "reproduced");
  assert.equal(judged("H003", pair(2.3, { device })).verdict, "not-reproduced-here");
  assert.equal(
    judged("H003", pair(2.3, { device: "NVIDIA GeForce RTX 4090 Laptop GPU" })).verdict,
    "reproduced",
  );
});

test("a ratio that is not reproduced says whether its direction is", () => {
  const smaller = judged("H003", pair(1.5));
  assert.equal(smaller.verdict, "not-reproduced-here");
  assert.match(smaller.reason, /the direction is the same/);
  const reversed = judged("H003", pair(0.4));
  assert.equal(reversed.verdict, "not-reproduced-here");
  assert.match(reversed.reason, /the direction is reversed/);
});

test("a ratio near 1 does not agree with its reverse, nor a reduction with an increase", () => {
  const near = (stated: number, reduced: boolean) =>
    defineClaim({
      id: "near",
      claim: "a little more",
      stated,
      unit: reduced ? "%" : "x",
      device: "rtx4090",
      measure: (reduced ? measure.reduction : measure.ratio)("ttft_ms", QWEN, MAMBA2, 32768),
    });
  const verdictOf = (stated: number, ratio: number, reduced = false): string =>
    expectClaim(near(stated, reduced), tableOf(pair(ratio))).result.verdict;
  // Published rows give 2.3 to 2.6x or −134 to −165 %, so both are contradicted there; here is what is asked.
  const agrees = (stated: number, ratio: number, reduced = false): boolean | null =>
    expectClaim(near(stated, reduced), tableOf(pair(ratio))).result.here!.agrees;
  assert.equal(verdictOf(1.1, 1.2), "contradicted-by-own-data");
  assert.equal(agrees(1.1, 1.2), true);
  assert.equal(agrees(1.1, 0.95), false);
  assert.equal(agrees(0.9, 1.05), false);
  assert.equal(agrees(20, 0.8, true), true);
  assert.equal(agrees(20, 1.05, true), false);
});

test("a number of one or two digits was rounded; of three it may have been cut", () => {
  // 1492 is 1492.62 J, cut.
  expectClaim("H032").reproduced();
  const cut = defineClaim({
    id: "cut",
    claim: "4x, of 4.0283 in the paper's rows, is 4 but not 3.4 or 4.6",
    stated: 4,
    unit: "x",
    figure: "6a",
    measure: measure.ratio("energy_j", QWEN, MAMBA2, 57344),
  });
  expectClaim(cut).reproduced();
  expectClaim(defineClaim({ ...cut, stated: 3 })).contradictedByOwnData();
  expectClaim(defineClaim({ ...cut, stated: 3.9 })).contradictedByOwnData();
  expectClaim(defineClaim({ ...cut, stated: 4.02 })).reproduced();
  expectClaim(defineClaim({ ...cut, stated: 4.03 })).reproduced();
  expectClaim(defineClaim({ ...cut, stated: 4.04 })).contradictedByOwnData();
});

test("an interval that reaches beyond what agrees decides nothing", () => {
  const wide = samples(QWEN, "ttft_ms", { 32768: 215 }).map((row, i) => ({
    ...row,
    ttft_ms: row.ttft_ms! * (i % 2 ? 1.2 : 0.8),
  }));
  const { verdict, here, reason } = judged("H003", wide, samples(MAMBA2, "ttft_ms", { 32768: 100 }));
  assert.equal(verdict, "no-data");
  assert.equal(here!.agrees, null);
  assert.match(reason, /does not tell: more samples are needed/);
});

test("one sample a side is judged, and said to have no interval", () => {
  const { verdict, here, reason } = judged("H003", [pair(2.65)[0]!, pair(2.65)[10]!]);
  assert.equal(verdict, "reproduced");
  assert.equal(here!.interval, null);
  assert.match(reason, /2\.65x from 1 sample, too few for an interval/);
});

test("absolute numbers of the paper's device are not held against another's", () => {
  const seconds = judged("H011", samples("qwen2.5-1.5b", "ttft_ms", { 57344: 1200 }));
  assert.equal(seconds.verdict, "no-data");
  assert.ok(Math.abs((seconds.here!.value as number) - 1.2) < 1e-9, "shown all the same, in s");
  assert.match(
    seconds.reason,
    /8\.24 s is an absolute number of the RTX 4090, which another device does not test/,
  );
  const device = "NVIDIA GeForce RTX 4090";
  const own = (ms: number) => samples("qwen2.5-1.5b", "ttft_ms", { 57344: ms }, { device });
  assert.equal(judged("H011", own(8500)).verdict, "reproduced");
  assert.equal(judged("H011", own(1200)).verdict, "not-reproduced-here");
});

test("settings unlike the paper's are judged and named; like ones are preferred", () => {
  const chunked: Row = { prefill: "chunked", segment_tokens: 8192, logits: "last" };
  const alone = judged("H003", pair(0.4, chunked));
  assert.equal(alone.verdict, "not-reproduced-here");
  assert.match(
    alone.reason,
    /Settings differ from the paper's: prefill chunked \(monolithic\), logits last \(all\)\./,
  );
  const both = judged("H003", pair(0.4, chunked), pair(2.6));
  assert.equal(both.verdict, "reproduced");
  assert.match(both.reason, /1 more of the settings in your rows could judge/);
});

test("models of two settings are not compared, nor rejected or failed samples", () => {
  const other = samples(MAMBA2, "ttft_ms", { 32768: 100 }, { device: "AMD EPYC", ep: "cpu" });
  const apart = judged("H003", samples(QWEN, "ttft_ms", { 32768: 265 }), other);
  assert.equal(apart.verdict, "no-data");
  assert.match(apart.reason, /Your rows have no ttft_ms of mamba2-780m at 32768 tokens\.$/);
  const rejected = pair(0.1, { verdict: "rejected" });
  assert.equal(judged("H003", pair(2.65), rejected).verdict, "reproduced");
  assert.equal(judged("H003", rejected).verdict, "no-data");
  const batched = judged("H003", pair(2.65, { batch: 8 }));
  assert.match(batched.reason, /no row of qwen2\.5-0\.5b or mamba2-780m at batch 1/);
});

test("of several forms of a model the fused one is judged, as the paper measured fused kernels", () => {
  const { verdict, reason } = judged(
    "H003",
    samples(QWEN, "ttft_ms", { 32768: 265 }),
    samples(MAMBA2, "ttft_ms", { 32768: 900, 1024: 1 }, { lowering: "ssd-matmul" }),
    samples(MAMBA2, "ttft_ms", { 32768: 100 }, { lowering: "fused" }),
  );
  assert.equal(verdict, "reproduced");
  assert.match(reason, /lowering fused/);
});

test("a claim that the paper's own rows contradict stays so; here tells what the device does", () => {
  const { verdict, here } = judged(
    "H006",
    samples(QWEN, "ttft_ms", { 4096: 10, 8192: 20, 16384: 90 }),
    samples(MAMBA2, "ttft_ms", { 4096: 20, 8192: 40, 16384: 80 }),
  );
  assert.equal(verdict, "contradicted-by-own-data");
  assert.deepEqual(here!.value, [8192, 16384]);
  assert.equal(here!.agrees, true);
});

test("an energy crossover: where it is, not there, not reached, and known too roughly", () => {
  const energy = (model: string, values: Record<number, number>): Row[] =>
    samples(model, "energy_j", values, { kind: "energy", phase: "prefill" });
  const cross = (qwen: Record<number, number>, mamba: Record<number, number>): ClaimResult =>
    judged("H038", energy(QWEN, qwen), energy(MAMBA2, mamba));
  const at = cross({ 8192: 1, 16384: 2, 24576: 4 }, { 8192: 2, 16384: 3, 24576: 3 });
  assert.deepEqual([at.verdict, at.here!.value], ["reproduced", [16384, 24576]]);
  const early = cross({ 1024: 1, 2048: 3 }, { 1024: 2, 2048: 2 });
  assert.deepEqual([early.verdict, early.here!.value], ["not-reproduced-here", [1024, 2048]]);
  const never = cross({ 8192: 1, 65536: 2 }, { 8192: 2, 65536: 3 });
  assert.deepEqual([never.verdict, never.here!.value], ["not-reproduced-here", [65536, Infinity]]);
  assert.match(never.reason, /no lead up to the longest length, 65536 tokens/);
  const short = cross({ 1024: 1, 8192: 2 }, { 1024: 2, 8192: 3 });
  assert.deepEqual([short.verdict, short.here!.value], ["no-data", [8192, Infinity]]);
  const rough = cross({ 4096: 1, 65536: 4 }, { 4096: 2, 65536: 3 });
  assert.deepEqual([rough.verdict, rough.here!.value], ["no-data", [4096, 65536]]);
  assert.match(rough.reason, /lengths around 13107 to 20480 tokens are needed/);
});

test("lengths where the samples overlap widen a crossing", () => {
  const { here } = judged(
    "H006",
    samples(QWEN, "ttft_ms", { 4096: 10, 8192: 20, 16384: 90 }),
    samples(MAMBA2, "ttft_ms", { 4096: 20, 8192: 20.01, 16384: 80 }),
  );
  assert.deepEqual(here!.value, [4096, 16384]);
  assert.equal(here!.agrees, null);
});

test("a longest prompt is for the memory it was found in", () => {
  const limit = { memory_limit_bytes: 24 * 2 ** 30 };
  const oom = (tokens: number, setting: Row): Row => ({
    ...SETTING,
    ...setting,
    status: "oom",
    model: QWEN,
    prompt_tokens: tokens,
  });
  const ran = (tokens: number, setting: Row): Row[] => samples(QWEN, "ttft_ms", { [tokens]: 1 }, setting);
  assert.equal(judged("H024", ran(57344, limit), [oom(65536, limit)]).verdict, "reproduced");
  assert.equal(judged("H024", ran(131072, limit)).verdict, "not-reproduced-here");
  assert.equal(judged("H024", ran(8192, limit), [oom(16384, limit)]).verdict, "not-reproduced-here");
  const untried = judged("H024", ran(8192, limit));
  assert.equal(untried.verdict, "no-data");
  assert.match(
    untried.reason,
    /8192 tokens at least, which does not tell: nothing longer was seen to run out of memory/,
  );
  const other = judged("H024", ran(57344, {}), [oom(65536, {})]);
  assert.equal(other.verdict, "no-data");
  assert.match(other.reason, /57344 tokens, with none at 65536 tokens; .* set a memory limit of its size/);
});

test("that memory runs out takes a failure, and one near enough", () => {
  const device = "NVIDIA GeForce RTX 4090";
  const upTo = (model: string, ran: number, failed?: number): Row[] => [
    ...samples(model, "ttft_ms", { [ran]: 1 }, { device }),
    ...(failed ? [{ ...SETTING, device, model, status: "oom", prompt_tokens: failed }] : []),
  ];
  const verdictOf = (id: string, ...rows: Row[][]): string => judged(id, ...rows).verdict;
  assert.equal(verdictOf("H024", upTo(QWEN, 57344)), "no-data");
  assert.equal(verdictOf("H024", upTo(QWEN, 1024, 65536)), "no-data");
  assert.equal(verdictOf("H024", upTo(QWEN, 57344, 32768)), "no-data");
  assert.equal(verdictOf("H024", upTo(QWEN, 57344, 65536)), "reproduced");
  // 57344 itself ran out of memory.
  assert.equal(verdictOf("H024", upTo(QWEN, 49152, 57344)), "no-data");
  const ratio = (qwen: number[], mamba: number[]): string =>
    verdictOf("H022", upTo(QWEN, qwen[0]!, qwen[1]), upTo(MAMBA2, mamba[0]!, mamba[1]));
  assert.equal(ratio([1024, 65536], [4096, 262144]), "no-data");
  assert.equal(ratio([57344, 65536], [220000]), "no-data");
  assert.equal(ratio([57344, 65536], [229376, 245760]), "reproduced");
  assert.equal(ratio([57344, 65536], [65536, 73728]), "not-reproduced-here");
});

test("a longest prompt that is long enough needs no failure, and one that failed there refutes", () => {
  const device = "jetson_orin_nano";
  const upTo = (ran: number, failed: number): Row[] =>
    ["mamba-790m", "falcon-h1-0.5b"].flatMap((model) => [
      ...samples(model, "ttft_ms", { [ran]: 1 }, { device }),
      { ...SETTING, device, model, status: "oom", prompt_tokens: failed },
    ]);
  assert.equal(judged("H031", upTo(32768, 65536)).verdict, "reproduced");
  assert.equal(judged("H031", upTo(16384, 32768)).verdict, "not-reproduced-here");
  assert.equal(judged("H031", upTo(16384, 49152)).verdict, "no-data");
});

test("a device is itself, not one of a like name, and its memory may be given as sold or as CUDA finds it", () => {
  const setting = (device: string, memory_limit_bytes: number | null = null): Row => ({
    device,
    memory_limit_bytes,
  });
  const has = (bytes: number, device: "rtx4090" | "jetson_orin_nano"): boolean =>
    hasMemoryOf(setting("NVIDIA H200", bytes), device);
  for (const bytes of [24 * 2 ** 30, 24e9, DEVICES.rtx4090!.memoryBytes!])
    assert.ok(has(bytes, "rtx4090"), String(bytes));
  for (const bytes of [8 * 2 ** 30, 8e9, DEVICES["orin-nano"]!.memoryBytes!])
    assert.ok(has(bytes, "jetson_orin_nano"), String(bytes));
  assert.ok(!has(16e9, "rtx4090") && !has(7e9, "jetson_orin_nano") && !has(24e9, "jetson_orin_nano"));
  for (const name of ["rtx4090", "NVIDIA GeForce RTX 4090"]) assert.ok(isDevice(name, "rtx4090"), name);
  for (const name of ["RTX 4090 D", "RTX 4090D", "RTX 4090 Laptop GPU", "RTX 4080"])
    assert.ok(!isDevice(name, "rtx4090"), name);
  assert.ok(isDevice("jetson_orin_nano", "jetson_orin_nano"));
});

test("a budget like the Jetson's tests what is said of its memory", () => {
  const like: Row = { memory_limit_bytes: DEVICES["orin-nano"]!.memoryBytes };
  const ran = (model: string, tokens: number): Row[] => samples(model, "ttft_ms", { [tokens]: 1 }, like);
  const oom: Row[] = [{ ...SETTING, ...like, model: QWEN, status: "oom", prompt_tokens: 24576 }];
  assert.equal(judged("H030", ran(QWEN, 16384), oom).verdict, "reproduced");
  assert.equal(judged("H031", ran("mamba-790m", 32768), ran("falcon-h1-0.5b", 32768)).verdict, "reproduced");
});

test("up to so many times is of the lengths that were measured, which are said", () => {
  const at = (tokens: number, ratio: number): Row[] => [
    ...samples(QWEN, "ttft_ms", { [tokens]: 10 }),
    ...samples(MAMBA2, "ttft_ms", { [tokens]: 10 * ratio }),
  ];
  const { verdict, reason } = judged("H001", at(1024, 1.9));
  assert.equal(verdict, "reproduced");
  assert.match(reason, /Lengths measured: 1024\.$/);
  const more = judged("H001", at(1024, 1.9), at(2048, 3), at(8192, 1.9));
  assert.equal(more.verdict, "not-reproduced-here");
  assert.match(more.reason, /Lengths measured: 1024, 2048\.$/);
});

test("of rows that say what ran and rows that also say what did not, the latter judge", () => {
  const published = rowsToTable([...tableToRows(loadPaper("memory")), ...tableToRows(loadPaper("limit"))]);
  for (const result of judgeClaims(published, { only: ["H024", "H025", "H026", "H030", "H031"] }))
    assert.equal(result.verdict, "reproduced", result.reason);
});

test("limits of one's own name a length that failed", () => {
  const limit = (model: string, max_prompt_tokens: number, next_prompt_tokens: number): Row[] => [
    { ...SETTING, device: "RTX 4090", kind: "limit", model, max_prompt_tokens, next_prompt_tokens },
  ];
  assert.equal(judged("H024", limit(QWEN, 57344, 57345)).verdict, "reproduced");
});

test("what is said of every length, or of five tasks, is not judged by some", () => {
  const share = (pct: Record<number, number>, op_class = "ssm_scan"): Row[] =>
    Object.entries(pct).map(([tokens, op_share_pct]) => ({
      kind: "operators",
      model: "mamba-130m",
      prompt_tokens: Number(tokens),
      breakdown: "fine",
      op_class,
      op_share_pct,
    }));
  assert.equal(judged("H043", share({ 1024: 60 })).verdict, "no-data");
  assert.equal(
    judged("H043", share({ 256: 60, 1024: 60, 4096: 60, 16384: 60, 32768: 60 })).verdict,
    "reproduced",
  );
  assert.equal(judged("H045", share({ 64: 50, 128: 50 })).verdict, "no-data");
  const gemm = (last: number) =>
    share({ 256: 50, 1024: 50, 4096: 50, 16384: 50, 65536: 50, 131072: last }, "gemm");
  assert.equal(judged("H047", gemm(50.01)).verdict, "not-reproduced-here");
  assert.equal(judged("H047", gemm(80)).verdict, "reproduced");
  const score = (model: string, ...tasks: string[]): Row[] =>
    tasks.map((task) => ({ kind: "accuracy", model, task, accuracy_pct: task === "mmlu" ? 50 : 75 }));
  const all = ["mmlu", "hellaswag", "winogrande", "arc_c", "truthfulqa"];
  const [falcon, qwen] = ["falcon-h1-1.5b", "qwen2.5-1.5b"];
  assert.equal(judged("H019", score(falcon, "hellaswag"), score(qwen, "mmlu")).verdict, "no-data");
  assert.equal(judged("H019", score(falcon, ...all), score(qwen, ...all)).verdict, "reproduced");
});

test("the paper's second reading of a number is in the reason where it is another", () => {
  const reasonOf = (id: string): string => judgeClaims(null, { only: [id] })[0]!.reason;
  assert.match(reasonOf("H001"), /But Figure 6b, the same setting, has more lengths, and up to: 2\.01\dx\.$/);
  assert.match(reasonOf("H003"), /But Figure 6b, the same setting: 1\.723x\.$/);
  assert.doesNotMatch(reasonOf("H004"), /But/, "2.83x is 3x, rounded");
});

test("the audit's findings bear on a device too: a cliff that is not here, logits that are", () => {
  assert.equal(
    judged("W5", samples(QWEN, "ttft_ms", { 24576: 100, 32768: 150 })).verdict,
    "not-reproduced-here",
  );
  const bytes = (tokens: number): number => 1e8 + tokens * 0.2915 * 2 ** 20;
  const activations = { 1024: bytes(1024), 8192: bytes(8192), 32768: bytes(32768) };
  assert.equal(judged("W8", samples(QWEN, "peak_activation_bytes", activations)).verdict, "reproduced");
  const last = judged("W8", samples(QWEN, "peak_activation_bytes", activations, { logits: "last" }));
  assert.equal(last.verdict, "no-data");
  assert.match(last.reason, /no row of qwen2\.5-0\.5b at batch 1 with logits all/);
});

test("what is said about the paper is judged by its rows, whatever else is given", () => {
  const table = tableOf(pair(1));
  assert.equal(judgeClaims(table, { only: ["H009"] })[0]!.verdict, "reproduced");
  assert.equal(judgeClaims(table, { only: ["H052"] })[0]!.verdict, "no-data");
});

test("the paper's rows, handed in as a user's, reproduce what they were published for", () => {
  const ids = ["H032", "H035", "H036", "H038"];
  for (const { id, verdict, reason } of judgeClaims(loadPaper("energy"), { only: ids }))
    assert.equal(verdict, "reproduced", `${id}: ${reason}`);
});

test("tolerances are the caller's to set", () => {
  const table = tableOf(pair(1.5));
  const verdictAt = (elsewhere: number): string =>
    judgeClaims(table, { only: ["H003"], tolerance: { elsewhere } })[0]!.verdict;
  assert.equal(verdictAt(0.25), "not-reproduced-here");
  assert.equal(verdictAt(1), "reproduced");
  assert.throws(() => verdictAt(-1), {
    name: "UserError",
    message: /tolerance elsewhere is -1: it must be 0 or more/,
  });
});

test("claims gives a table: a row a claim, numbers as numbers, ranges by their ends", () => {
  const table = claims(tableOf(pair(2.4)), { only: ["H003", "H006"] });
  assert.equal(table.numRows(), 2);
  const [h003, h006] = table.objects() as Record<string, unknown>[];
  assert.equal(h003!.verdict, "reproduced");
  assert.equal(typeof h003!.here, "number");
  assert.ok((h003!.here_lo as number) < (h003!.here_hi as number));
  assert.deepEqual([h006!.recomputed, h006!.recomputed_lo, h006!.recomputed_hi], [null, 24576, 32768]);
  assert.deepEqual([h006!.here, h006!.here_n], [null, null]);
  assert.equal(claims(null, { verdict: ["contradicted-by-own-data"] }).numRows(), 7);
});

test("ends of intervals at or below 0 are numbers, an open end is none", () => {
  const total = (model: string, bytes: number) => samples(model, "total_bytes", { 57344: bytes });
  const table = tableOf(total(MAMBA2, 1.44e9), total(QWEN, 1e9));
  const [reduction] = claims(table, { only: ["H023"] }).objects() as Record<string, number>[];
  assert.ok(reduction!.here_lo! < -43 && reduction!.here_hi! < -43, String(reduction!.here_lo));
  const early = tableOf(
    samples(QWEN, "ttft_ms", { 1024: 2, 2048: 4 }),
    samples(MAMBA2, "ttft_ms", { 1024: 1, 2048: 2 }),
  );
  const [crossing] = claims(early, { only: ["H006"] }).objects() as Record<string, unknown>[];
  assert.deepEqual([crossing!.here_lo, crossing!.here_hi], [null, 1024]);
  const [result] = judgeClaims(early, { only: ["H006"] });
  assert.deepEqual((JSON.parse(JSON.stringify(result)) as ClaimResult).here!.value, [null, 1024]);
  const limits = claims(loadPaper("limit"), { only: ["H024", "H031"] }).objects() as Record<
    string,
    unknown
  >[];
  assert.deepEqual([limits[0]!.recomputed_lo, limits[0]!.recomputed_hi], [57344, 65536]);
  assert.deepEqual(
    [limits[1]!.recomputed_lo, limits[1]!.recomputed_hi],
    [32768, null],
    "40960 was not tried",
  );
});

test("a crossing agrees if the stated length is in its bracket, or the bracket in what agrees", () => {
  const cross = (from: number, to: number): string =>
    judged(
      "H038",
      samples(QWEN, "energy_j", { [from]: 1, [to]: 4 }),
      samples(MAMBA2, "energy_j", { [from]: 2, [to]: 3 }),
    ).verdict;
  assert.equal(cross(12288, 14000), "no-data", "it may be at 12500, which 13107 to 20480 does not hold");
  assert.equal(cross(14000, 16000), "reproduced");
  assert.equal(cross(12288, 20480), "reproduced");
});

test("doubts are told of the rows that were read, whether they have reasons or not", () => {
  const drift: Row = { verdict: "suspect", verdict_reasons: ["drift"] };
  const suspect = (tokens: number, setting: Row): string =>
    judged("H003", pair(2.6), samples(QWEN, "ttft_ms", { [tokens]: 260 }, setting)).reason;
  assert.match(suspect(32768, drift), /Some of these rows are suspect: drift\.$/);
  assert.match(suspect(32768, { verdict: "suspect" }), /Some of these rows are suspect\.$/);
  assert.doesNotMatch(suspect(1024, drift), /suspect/);
});

test("versions of the runtime are not pooled, and 32 bits do not test what 16 take", () => {
  const apart = judged(
    "H003",
    samples(QWEN, "ttft_ms", { 32768: 265 }, { ort_version: "1.28.0" }),
    samples(MAMBA2, "ttft_ms", { 32768: 100 }, { ort_version: "1.29.0" }),
  );
  assert.equal(apart.verdict, "no-data");
  const fp32 = samples(QWEN, "peak_activation_bytes", { 1024: 1e9, 8192: 9e9 }, { dtype: "fp32" });
  const { verdict, reason } = judged("W8", fp32);
  assert.equal(verdict, "no-data");
  assert.match(reason, /with logits all, dtype fp16 or bf16\./);
});

test("a result says what it compares, what agrees and by whose rows", () => {
  const [h003] = judgeClaims(tableOf(pair(2.4)), { only: ["H003"] });
  assert.deepEqual(h003!.models, [QWEN, MAMBA2]);
  assert.equal(h003!.measured, "ttft_ms of qwen2.5-0.5b over that of mamba2-780m at 32768 tokens");
  assert.deepEqual([h003!.judgedBy, h003!.here!.tolerance], ["here", 0.25]);
  assert.deepEqual(h003!.here!.accepted, [2.12, 3.3125]);
  assert.deepEqual(
    [h003!.recomputed!.accepted!.map((x) => x.toFixed(3)), h003!.recomputed!.tolerance],
    [["2.645", "2.660"], 0],
  );
  assert.equal(judgeClaims(tableOf(pair(2.4)), { only: ["H009"] })[0]!.judgedBy, "published");
});

test("unknown ids and verdicts are refused", () => {
  assert.throws(
    () => judgeClaims(null, { only: ["H999"] }),
    (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /there is no claim "H999"; there are H001, H002, H003 to W19/);
      return true;
    },
  );
  assert.throws(
    () => judgeClaims(null, { verdict: ["true" as "no-data"] }),
    /verdict is true: it must be one of/,
  );
});

test("an empty table is no rows of anything", () => {
  assert.equal(expectClaim("H003", rowsToTable([])).result.verdict, "no-data");
});

test("claims of energy are of prefills, whatever else was measured", () => {
  const energies = (phase: string, factor: number): Row[] => {
    const setting = { kind: "energy", phase, method: "energy_counter_window" };
    return [
      ...samples(QWEN, "energy_j", { 57344: 400 * factor }, setting),
      ...samples(MAMBA2, "energy_j", { 57344: 100 }, setting),
    ];
  };
  const { verdict, here } = judged(
    "H036",
    energies("prefill", 1),
    energies("decode", 9),
    energies("both", 3),
  );
  assert.ok(Math.abs((here!.value as number) - 4) < 1e-9);
  assert.equal(here!.samples, 10);
  assert.equal(verdict, "reproduced");
});
