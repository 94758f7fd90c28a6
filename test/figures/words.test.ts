import assert from "node:assert/strict";
import { test } from "node:test";
import { displayName, displayNames, formatNumber, listOf, stack, wrap } from "../../src/figures/format.js";
import { describeSamples, describeSettings } from "../../src/figures/settings.js";
import { familyShape, modelColor, modelColors } from "../../src/figures/theme.js";

test("numbers keep three significant digits", () => {
  const printed = [0, 0.000123, 0.01382, 12, 999.4, 999.6, 1300.32, -26.006].map(formatNumber);
  assert.deepEqual(printed, ["0", "1.23e-4", "0.0138", "12.0", "999", "1,000", "1,300", "-26.0"]);
});

test("models are written as their makers write them", () => {
  // Labels of the paper's figures.
  const written: Record<string, string> = {
    "qwen2.5-0.5b-instruct": "Qwen2.5-0.5B",
    "llama-3.2-1b-instruct": "Llama-3.2-1B",
    "mamba2-780m": "Mamba2-780m",
    "falcon-h1-0.5b-base": "Falcon-H1-0.5B",
    "zamba2-1.2b-instruct-v2": "Zamba2-1.2B",
    "hymba-1.5b-instruct": "Hymba-1.5B",
    "tinyllama-1.1b-chat-v1.0": "TinyLlama-1.1B",
    "gpt-neo-125m": "GPT-Neo-125m",
    "my-own-model": "my-own-model",
  };
  for (const [model, name] of Object.entries(written)) assert.equal(displayName(model), name);
});

test("two models that would read alike keep their own names", () => {
  const names = displayNames(["falcon-h1-0.5b-base", "falcon-h1-0.5b-instruct", "mamba2-780m"]);
  assert.deepEqual([...names.values()], ["falcon-h1-0.5b-base", "falcon-h1-0.5b-instruct", "Mamba2-780m"]);
});

test("words and lines", () => {
  assert.equal(listOf(["a", "b", "c"]), "a, b and c");
  assert.equal(listOf([]), "");
  assert.deepEqual(wrap("one two three", 7), ["one two", "three"]);
  assert.deepEqual(stack("Falcon-H1-0.5B"), ["Falcon-H1", "0.5B"]);
});

test("settings: said once where models agree, by model where not, left out where unknown", () => {
  const rows = [
    { model: "qwen2.5-0.5b-instruct", prompt_tokens: 8, batch: 1, dtype: "bf16", threads: 2 },
    { model: "mamba2-780m", prompt_tokens: 8, batch: 1, dtype: "fp16", threads: 2, lowering: "fused" },
    { model: "mamba2-780m", prompt_tokens: 9, batch: 1, dtype: "fp16", threads: 4, lowering: "fused" },
  ];
  assert.equal(
    describeSettings(rows),
    "bf16 (Qwen2.5-0.5B) and fp16 (Mamba2-780m), batch 1, SSM lowering fused (Mamba2-780m), " +
      "2 threads (Qwen2.5-0.5B) and 2 threads or 4 threads (Mamba2-780m)",
  );
  const counted = [5, 7].map((n) => ({
    model: "m",
    prompt_tokens: n,
    ttft_ms: 1,
    ttft_ms_n: n,
    tpot_ms: null,
    tpot_ms_n: 0,
  }));
  assert.equal(describeSamples(counted, ["ttft_ms", "tpot_ms"]), "5 to 7 samples a point");
  assert.equal(describeSamples(counted, ["energy_j"]), "");
});

test("colours differ between the models of one figure of the paper, and between sizes of one line", () => {
  const figure5a = [
    "phi-3-mini-128k-instruct",
    "qwen2.5-0.5b-instruct",
    "llama-3.2-1b-instruct",
    "mamba-790m",
  ];
  const more = ["mamba2-780m", "falcon-h1-0.5b-base", "zamba2-1.2b-instruct-v2"];
  const sizes = ["mamba2-130m", "mamba2-1.3b", "mamba-130m", "qwen2.5-1.5b-instruct"];
  const colors = [...figure5a, ...more, ...sizes].map((model) => modelColor(model));
  assert.equal(new Set(colors).size, colors.length);
  for (const color of colors) assert.match(color, /^#[0-9a-f]{6}$/);
  assert.equal(modelColor("mamba2-780m"), "#0072b2");
  assert.equal(modelColor("nobody-knows", "hybrid"), "#009e73");
});

test("series of one model keep apart", () => {
  const colors = modelColors(
    ["mamba2-780m fused", "mamba2-780m ssd-matmul", "mamba2-780m fused"].map((model) => ({ model })),
  );
  assert.deepEqual(
    [...colors],
    [
      ["mamba2-780m fused", "#0072b2"],
      ["mamba2-780m ssd-matmul", "#00446b"],
    ],
  );
});

test("shapes say the family", () => {
  assert.deepEqual(["transformer", "ssm", "hybrid", null].map(familyShape), [
    "circle",
    "square",
    "diamond",
    "circle",
  ]);
});
