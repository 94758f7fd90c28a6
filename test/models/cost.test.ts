import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { UserError } from "../../src/errors.js";
import { cost, memoryOf, roofline } from "../../src/models/cost.js";
import { countsOf } from "../../src/models/counts.js";
import { buildModel, findModel, lowerings, REGISTRY, type Model } from "../../src/models/index.js";
import { elements } from "../../src/graph/index.js";
import { need } from "../support/need.js";

const qwen = findModel("qwen2.5-0.5b");
const gptNeo = findModel("gpt-neo-125m");
/** Its hyper-parameters are those of state-spaces/mamba2-780m. */
const mamba2: Model = {
  name: "mamba2-780m",
  family: "ssm",
  arch: "mamba2",
  hfId: "state-spaces/mamba2-780m",
  parameters: 780_161_280,
  source: "test",
  config: {
    vocab_size: 50288,
    hidden_size: 1536,
    num_hidden_layers: 48,
    expand: 2,
    num_heads: 48,
    head_dim: 64,
    n_groups: 1,
    state_size: 128,
    conv_kernel: 4,
    layer_norm_epsilon: 1e-5,
  },
};

const prefill = (model: Model, promptTokens: number, logits: "last" | "all" = "last") =>
  cost(model, { phase: "prefill", batch: 1, promptTokens, dtype: "float16", logits });
/** The step that is fed the token at `position`, after as many others. */
const decode = (model: Model, position: number) =>
  cost(model, { phase: "decode", batch: 1, position, dtype: "float16", stateDtype: "float32" });

/** Both numbers to the decimals that the worked tables print. */
const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

const close = (actual: number, printed: number, decimals: number, what: string): void => {
  assert.ok(
    Math.abs(actual - printed) <= 0.5 * 10 ** -decimals + 1e-9,
    `${what}: ${actual}, the table has ${printed}`,
  );
};

for (const model of REGISTRY) {
  const options = {
    dtype: "float16",
    tokensMultipleOf: 1,
    separateProducts: false,
    lowering: lowerings(model)[0] ?? "linear-attention",
    logits: "last",
    positions: 16,
  } as const;
  const { graph, caches } = buildModel(model, options);
  const counts = countsOf(model);
  test(`${model.name}: the formula gives the published parameter count`, () => {
    assert.equal(counts.parameters, model.parameters);
  });
  test(`${model.name}: the products of the graph are the multiply-adds counted for a token`, () => {
    const shapes = new Map(graph.weights.map(({ value, shape }) => [value, shape]));
    const macs = (head: boolean): number =>
      sumOf(
        graph.nodes
          .filter(({ name, op }) => op === "FusedMatMul" && name.startsWith("/head/") === head)
          // A block used twice is held once, and multiplied twice.
          .flatMap(({ inputs }) => inputs.map((input) => shapes.get(input!)))
          .map((shape) => (shape ? elements(shape) : 0)),
      );
    assert.equal(macs(false), counts.linearMacs);
    assert.equal(macs(true), counts.headMacs);
  });
  test(`${model.name}: caches and states of the graph have the counted elements`, () => {
    const held = (...roles: string[]) =>
      caches
        .filter(({ role }) => roles.includes(role))
        .reduce((sum, { shape }) => sum + elements(shape(1, 1)), 0);
    // One token in the caches that grow, and all that the others hold.
    const { elements: each, tokens } = counts.boundedKv ?? { elements: 0, tokens: 0 };
    assert.equal(held("key", "value"), counts.kvElements + tokens * each);
    assert.equal(held("ssm"), counts.ssmElements);
    // A graph needs the k − 1 columns before the newest; transformers and mamba_ssm keep k.
    assert.equal(held("conv") * 4, counts.convElements * 3);
  });
}

test("Qwen2.5-0.5B as worked by hand from its shapes", () => {
  const worked = [
    { tokens: 1024, linear: 0.733, attention: 0.045, last: 0.778, step: 1.076, kv: 12.6, read: 1000.6 },
    { tokens: 32768, linear: 23.451, attention: 46.181, last: 69.632, step: 3.807, kv: 402.7, read: 1390.7 },
    {
      tokens: 57344,
      linear: 41.038,
      attention: 141.427,
      last: 182.466,
      step: 5.921,
      kv: 704.6,
      read: 1692.7,
    },
  ];
  for (const { tokens, linear, attention, last, step, kv, read } of worked) {
    const { flops, flopsBy } = prefill(qwen, tokens);
    close(flopsBy.linear / 1e12, linear, 3, "linears, TFLOP");
    close(flopsBy.attention / 1e12, attention, 3, "lower triangle, TFLOP");
    close(flops / 1e12, last, 3, "prefill, TFLOP");
    const next = decode(qwen, tokens);
    close(next.flops / 1e9, step, 3, "decode, GFLOP");
    const written = 12_288;
    close((next.bytesBy.weights + next.bytesBy.kvCache - written) / 1e6, read, 1, "bytes read by a step, MB");
    const memory = memoryOf(qwen, { batch: 1, tokens, dtype: "float16" });
    close(memory.kvCacheBytes / 1e6, kv, 1, "KV cache, MB");
    close(memory.weightsBytes / 1e6, 988.1, 1, "weights, MB");
  }
  // The worked table with the head on every token has the full square of attention: 1.102 − 0.090 + 0.045.
  close(prefill(qwen, 1024, "all").flops / 1e12, 1.057, 3, "head on all tokens, TFLOP");
  close(memoryOf(qwen, { batch: 1, tokens: 57344, dtype: "float16" }).activationBytes / 1e6, 1321.2, 1, "MB");
  assert.equal(prefill(qwen, 1024).bytesBy.logits, 151936 * 4);
});

test("Mamba2-780m as worked by hand from its shapes", () => {
  const worked = [
    { tokens: 1024, linear: 1.437, conv: 0.0013, scan: 0.159, last: 1.598, all: 1.756, alive: 26.3 },
    { tokens: 32768, linear: 45.999, conv: 0.0419, scan: 5.075, last: 51.116, all: 56.178, alive: 842.0 },
    { tokens: 57344, linear: 80.498, conv: 0.0733, scan: 8.881, last: 89.453, all: 98.312, alive: 1473.5 },
  ];
  for (const { tokens, linear, conv, scan, last, all, alive } of worked) {
    const { flops, flopsBy } = prefill(mamba2, tokens);
    close(flopsBy.linear / 1e12, linear, 3, "linears, TFLOP");
    close(flopsBy.convolution / 1e12, conv, 4, "convolution, TFLOP");
    close(flopsBy.scan / 1e12, scan, 3, "SSD in chunks of 256, TFLOP");
    close(flops / 1e12, last, 3, "prefill, TFLOP");
    close(prefill(mamba2, tokens, "all").flops / 1e12, all, 3, "head on all tokens, TFLOP");
    const memory = memoryOf(mamba2, { batch: 1, tokens, dtype: "float16", stateDtype: "float32" });
    close(memory.weightsBytes / 1e6, 1560.3, 1, "weights, MB");
    close(memory.ssmStateBytes / 1e6, 75.5, 1, "SSM state in float32, MB");
    close(memory.convStateBytes / 1e6, 1.28, 2, "convolution state, MB");
    close(memory.activationBytes / 1e6, alive, 1, "minimal activations, MB");
    assert.equal(memory.kvCacheBytes, 0);
    const { flops: step, bytesBy } = decode(mamba2, tokens);
    close(step / 1e9, 1.655, 3, "decode, GFLOP");
    close((bytesBy.weights + bytesBy.states) / 1e6, 1713.9, 1, "weights and states of a step, MB");
  }
  const chunked = cost(mamba2, { phase: "prefill", batch: 1, promptTokens: 1, dtype: "float16" });
  assert.equal(chunked.flopsBy.scan, 48 * 3_226_624);
});

test("Falcon-H1 as worked by hand from its shapes, in chunks of 128", () => {
  const worked = [
    { name: "falcon-h1-0.5b", macs: 453_869_568, head: 33_570_816, kv: 18_432, pair: 73_728, scan: 44.38 },
    { name: "falcon-h1-1.5b", macs: 1_285_816_320, head: 134_217_728, kv: 24_576, pair: 98_304, scan: 97.08 },
  ];
  for (const { name, macs, head, kv, pair, scan } of worked) {
    const model = findModel(name);
    const counts = countsOf(model);
    assert.equal(counts.linearMacs, macs);
    assert.equal(counts.headMacs, head);
    assert.equal(2 * counts.kvElements, kv);
    assert.equal(sumOf(counts.attention.map(({ flopsPerPair }) => flopsPerPair)), pair);
    close((counts.scan.chunkedFlops(128) + counts.convFlops) / 1e6, scan, 2, "scan, MFLOP a token");
  }
  const half = findModel("falcon-h1-0.5b");
  const flops = (promptTokens: number) =>
    cost(half, { phase: "prefill", batch: 1, promptTokens, dtype: "float16", chunk: 128 }).flops / 1e12;
  close(flops(1024), 1.01, 2, "prefill, TFLOP");
  close(flops(32768), 70.78, 2, "prefill, TFLOP");
});

test("Hymba as worked by hand from its shapes: memory tokens count, caches with a window are bounded", () => {
  const hymba = findModel("hymba-1.5b");
  const worked = [
    { tokens: 1024, kv: 37.6, last: 3.6 },
    { tokens: 32768, kv: 220.4, last: 123.01 },
    { tokens: 57344, kv: 362.0, last: 235.38 },
  ];
  for (const { tokens, kv, last } of worked) {
    close(prefill(hymba, tokens).flops / 1e12, last, 2, "prefill, TFLOP");
    close(memoryOf(hymba, { batch: 1, tokens, dtype: "float16" }).kvCacheBytes / 1e6, kv, 1, "KV cache, MB");
  }
  const counts = countsOf(hymba);
  assert.equal(counts.kvElements, 3 * 5 * (64 + 128));
  assert.deepEqual(counts.boundedKv, { elements: 14 * 5 * (64 + 128), tokens: 128 + 1024 });
  assert.equal(counts.activation.elements, 23_360);
  // Counted pair by pair, memory tokens at positions 0 to 127.
  let pairs = 0;
  for (let query = 0; query < 128 + 1200; query++) {
    pairs += 3 * (query + 1);
    for (let key = 0; key <= query; key++) if (query - key <= 1024 || key < 128) pairs += 29;
  }
  assert.equal(prefill(hymba, 1200).flopsBy.attention, pairs * 2 * 25 * (64 + 128));
  // A step reads 128 + 2000 keys and values in the caches that grow, and whole the others; one of each is written.
  assert.equal(decode(hymba, 2000).bytesBy.kvCache, 2 * 960 * (3 * 2128 + 14 * 1152 + 17));
});

test("windowed layers see no more than their window", () => {
  // 15.62 and 40.32 TFLOP for GPT-Neo-125M, half of whose layers see 256 keys.
  close(prefill(gptNeo, 1024).flops / 1e12, 0.19, 2, "prefill, TFLOP");
  close(prefill(gptNeo, 32768).flops / 1e12, 15.62, 2, "prefill, TFLOP");
  close(prefill(gptNeo, 57344).flops / 1e12, 40.32, 2, "prefill, TFLOP");
  // Counted pair by pair.
  let pairs = 0;
  for (let query = 0; query < 700; query++) pairs += 6 * (query + 1) + 6 * Math.min(query + 1, 256);
  assert.equal(prefill(gptNeo, 700).flopsBy.attention, pairs * 4 * 768);
  assert.equal(decode(gptNeo, 699).flopsBy.attention, (6 * 700 + 6 * 256) * 4 * 768);
  const { bytesBy } = decode(gptNeo, 699);
  // 699 and 255 keys and values of 768 elements are read in each layer, one of each is written.
  assert.equal(bytesBy.kvCache, 2 * 2 * 768 * (6 * 699 + 6 * 255 + 12));
  assert.equal(bytesBy.weights, 2 * (gptNeo.parameters - 2047 * 768), "one row of the positions is read");
});

test("a prompt costs what its tokens cost one by one, but for the weights", () => {
  for (const model of [qwen, gptNeo]) {
    let attention = 0;
    for (let at = 0; at < 300; at++) attention += decode(model, at).flopsBy.attention;
    assert.equal(prefill(model, 300).flopsBy.attention, attention);
  }
});

test("quantised weights cost their codes and scales, and as many FLOPs", () => {
  for (const model of [qwen, gptNeo, mamba2])
    for (const bits of [4, 8] as const)
      for (const block of [32, 128]) {
        const work = { phase: "decode", batch: 1, position: 9, dtype: "float16" } as const;
        const quantized = { bits, block };
        const [plain, less] = [cost(model, work), cost(model, { ...work, quantized })];
        // Every linear layer of these has rows of whole blocks; a scale is 2 bytes.
        const saved = countsOf(model).linearMacs * (2 - bits / 8 - 2 / block);
        assert.equal(plain.bytesBy.weights - less.bytesBy.weights, saved + floats32(model));
        assert.deepEqual(less.flopsBy, plain.flopsBy);
        assert.equal(less.bytesBy.kvCache, plain.bytesBy.kvCache);
        const held = memoryOf(model, { batch: 1, tokens: 10, dtype: "float16", quantized }).weightsBytes;
        assert.equal(held, less.bytesBy.weights + (model === gptNeo ? 2 * 2047 * 768 : 0));
      }
});

/** Minus the bytes of what the graph holds in float32 (norms of the residual stream, Δ bias, A), counted as 2 a number. */
const floats32 = (model: Model): number =>
  model.arch === "mamba2" ? -2 * (49 * model.config.hidden_size + 2 * 48 * model.config.num_heads) : 0;

test("the batch multiplies all but the weights", () => {
  const of = (batch: number) =>
    cost(mamba2, { phase: "prefill", batch, promptTokens: 512, dtype: "float16" });
  assert.equal(of(3).flops, 3 * of(1).flops);
  assert.equal(of(3).bytesBy.weights, of(1).bytesBy.weights);
  assert.equal(of(3).bytes - of(3).bytesBy.weights, 3 * (of(1).bytes - of(1).bytesBy.weights));
});

test("an untied embedding is looked up, its head is read", () => {
  assert.ok(qwen.arch === "qwen2");
  const untied: Model = { ...qwen, config: { ...qwen.config, tie_word_embeddings: false } };
  const embedding = 151936 * 896;
  assert.equal(countsOf(untied).parameters, qwen.parameters + embedding);
  assert.equal(decode(untied, 1).bytesBy.weights, decode(qwen, 1).bytesBy.weights + 2 * 896);
});

test("the roofline is the slower of computing and moving", () => {
  const ceilings = { flopsPerS: 100, bytesPerS: 10 };
  assert.deepEqual(roofline({ flops: 50, bytes: 4 }, ceilings), {
    lowerBoundMs: 500,
    computeMs: 500,
    memoryMs: 400,
    bound: "compute",
  });
  assert.equal(roofline({ flops: 50, bytes: 6 }, ceilings).lowerBoundMs, 600);
  assert.equal(roofline({ flops: 50, bytes: 6 }, ceilings).bound, "memory");
  const h200 = { flopsPerS: 790e12, bytesPerS: 4.3e12 };
  assert.equal(roofline(decode(qwen, 1024), h200).bound, "memory");
  assert.equal(roofline(prefill(qwen, 8192), h200).bound, "compute");
});

test("lengths that make no sense are refused with their value", () => {
  assert.throws(
    () => prefill(qwen, 0),
    (error: unknown) => error instanceof UserError && /prompt length is 0; .* 1 or more/.test(error.message),
  );
  assert.throws(
    () => cost(qwen, { phase: "decode", batch: 1, position: -1, dtype: "float16" }),
    /position is -1/,
  );
  assert.throws(() => memoryOf(qwen, { batch: 1.5, tokens: 8, dtype: "float16" }), /batch is 1.5/);
});

const published = new URL("../../../shared/reference/models.json", import.meta.url);

test(
  "every published model of these architectures has the counted parameters and layers",
  need("../shared", existsSync(published), "it holds the published configurations"),
  () => {
    const entries = JSON.parse(readFileSync(published, "utf8")) as {
      id: string;
      arch: string;
      config: Record<string, unknown>;
      params: { computed: number };
    }[];
    let checked = 0;
    for (const { id, arch, config, params } of entries) {
      if (!REGISTRY.some((model) => model.arch === arch)) continue;
      const names = { num_layers: config.num_hidden_layers, num_heads: config.num_heads, ...config };
      const counts = countsOf({ arch, config: names } as unknown as Model);
      assert.equal(counts.parameters, params.computed, id);
      checked += 1;
    }
    assert.ok(checked >= 17, `${checked} models`);
  },
);

const workedOut = new URL("../../../shared/reference/flops-memory.md", import.meta.url);

test(
  "every model has the counts and the prefill FLOPs of the worked tables",
  need("../shared", existsSync(workedOut), "it holds the worked tables"),
  () => {
    const rows = readFileSync(workedOut, "utf8")
      .split("\n")
      .map((line) => line.split("|").slice(1, -1))
      .map((cells) => cells.map((cell) => cell.trim().replace(/[,*]/g, "")));
    for (const model of REGISTRY) {
      const [held, worked] = rows
        .filter(([name]) => name === model.name)
        .map((cells) => cells.slice(1).map(parseFloat)); // Hymba's "5760 + capped" is 5760 and the caches that are bounded
      assert.ok(held?.length === 8 && worked?.length === 8, `${model.name} has a row in both tables`);
      const counts = countsOf(model);
      assert.deepEqual(
        [
          counts.linearMacs,
          counts.headMacs,
          2 * counts.kvElements,
          counts.ssmElements,
          counts.convElements,
          counts.attention.reduce((sum, layer) => sum + layer.flopsPerPair, 0),
        ],
        held.slice(1, 7),
        model.name,
      );
      close((2 * counts.parameters) / 1e6, held[0]!, 1, `${model.name}: weights, MB`);
      // As published: Falcon-H1 says 128, Mamba-2 256.
      const chunk = model.arch === "falcon_h1" ? 128 : 256;
      for (const [i, tokens] of [1024, 32768, 57344].entries())
        close(
          cost(model, { phase: "prefill", batch: 1, promptTokens: tokens, dtype: "float16", chunk }).flops /
            1e12,
          worked[5 + i]!,
          2,
          `${model.name}: prefill of ${tokens}, TFLOP`,
        );
    }
  },
);
