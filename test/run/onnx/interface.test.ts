import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { UserError } from "../../../src/errors.js";
import type { ValueInfo } from "../../../src/ort/index.js";
import { interfaceOf, type OnnxFacts } from "../../../src/run/onnx/interface.js";

const value = (name: string, dtype: ValueInfo["dtype"], ...shape: (number | string)[]): ValueInfo => ({
  name,
  dtype,
  shape,
});

const IDS = value("input_ids", "int64", "batch", "tokens");
const LOGITS = value("logits", "float32", "batch", "tokens", 100);
const KEY = value("past_key_values.0.key", "float32", "batch", 2, "past", 8);
const PRESENT = value("present.0.key", "float32", "batch", 2, "total", 8);

function facts({ inputs = [IDS, KEY], outputs = [LOGITS, PRESENT], ...rest }: Partial<OnnxFacts>): OnnxFacts {
  return { inputs, outputs, readers: new Map([[KEY.name, ["Concat"]]]), headSize: null, ...rest };
}

const readBy = (...ops: string[]): Partial<OnnxFacts> => ({ readers: new Map([[KEY.name, ops]]) });

suite("what is understood", () => {
  test("ids and caches alone are enough", () => {
    assert.deepEqual(interfaceOf(facts({})), {
      ids: "int64",
      mask: null,
      positions: null,
      logitsToKeep: null,
      logits: { dtype: "float32", vocabulary: 100, rank: 3, positions: "all" },
      caches: [
        {
          role: "key",
          past: KEY.name,
          present: PRESENT.name,
          dtype: "float32",
          carry: "growing",
          shape: ["batch", 2, "length", 8],
        },
      ],
      groupQuery: false,
      batch: null,
    });
  });

  test("masks and positions of 32 bits, a fixed batch, logits of chosen positions", () => {
    const inputs = [
      value("input_ids", "int32", 1, "tokens"),
      value("attention_mask", "int32", 1, "total"),
      value("position_ids", "int32", 1, "tokens"),
      value("num_logits_to_keep", "int64"),
      KEY,
    ];
    const { ids, mask, positions, logitsToKeep, logits, batch } = interfaceOf(facts({ inputs }));
    assert.deepEqual([ids, mask, positions], ["int32", "int32", "int32"]);
    assert.deepEqual([logitsToKeep, logits.positions, batch], [[], "chosen", 1]);
  });

  test("logits of the last position, with and without an axis for it", () => {
    const positions = (...shape: (number | string)[]) =>
      interfaceOf(facts({ outputs: [value("logits", "float16", ...shape), PRESENT] })).logits;
    assert.deepEqual(positions("b", 100), { dtype: "float16", vocabulary: 100, rank: 2, positions: "last" });
    assert.deepEqual(positions("b", 1, 100), {
      dtype: "float16",
      vocabulary: 100,
      rank: 3,
      positions: "last",
    });
  });

  test("a cache is one shared buffer only where GroupQueryAttention alone reads it", () => {
    const carry = (...ops: string[]): string => interfaceOf(facts(readBy(...ops))).caches[0]!.carry;
    assert.equal(carry("GroupQueryAttention"), "shared");
    assert.equal(carry("GroupQueryAttention", "Shape"), "growing");
    assert.equal(carry("Concat"), "growing");
    assert.equal(interfaceOf(facts(readBy("GroupQueryAttention", "Shape"))).groupQuery, true);
  });

  test("the axis of tokens is the free one, wherever it is and whatever its name", () => {
    const key = value(KEY.name, "float32", "s10", "s69", 2, 8);
    const present = value(PRESENT.name, "float32", "s10", "s69 + s70", 2, 8);
    const { caches } = interfaceOf(facts({ inputs: [IDS, key], outputs: [LOGITS, present] }));
    assert.deepEqual(caches[0]!.shape, ["batch", "length", 2, 8]);
  });

  test("sizes that the input has a name for come from the output, or the head size is given", () => {
    const key = value(KEY.name, "float32", "b", "heads", "past", "dim");
    const present = value(PRESENT.name, "float32", "b", 2, "total", "dim");
    const { caches } = interfaceOf(facts({ inputs: [IDS, key], outputs: [LOGITS, present], headSize: 16 }));
    assert.deepEqual(caches[0]!.shape, ["batch", 2, "length", 16]);
  });

  test("states under the names of transformers.js", () => {
    const states = ["past_conv.0", "past_ssm.0", "past_recurrent.1"];
    const inputs = [IDS, ...states.map((name) => value(name, "float32", "b", 6, 4))];
    const outputs = [
      LOGITS,
      ...states.map((name) => value(name.replace("past", "present"), "float32", "b", 6, 4)),
    ];
    const { caches } = interfaceOf(facts({ inputs, outputs }));
    assert.deepEqual(
      caches.map(({ role, present, carry, shape }) => [role, present, carry, shape.join()]),
      [
        ["conv", "present_conv.0", "fixed", "batch,6,4"],
        ["ssm", "present_ssm.0", "fixed", "batch,6,4"],
        ["ssm", "present_recurrent.1", "fixed", "batch,6,4"],
      ],
    );
  });
});

const key = (dtype: ValueInfo["dtype"], ...shape: (number | string)[]): Partial<OnnxFacts> => ({
  inputs: [IDS, value(KEY.name, dtype, ...shape)],
});

const REFUSED: [string, Partial<OnnxFacts>, RegExp][] = [
  [
    "no ids",
    { inputs: [value("inputs_embeds", "float32", "b", "t", 8), KEY] },
    /no input input_ids; it has inputs_embeds/,
  ],
  [
    "an unknown input",
    { inputs: [IDS, value("use_cache_branch", "bool", 1), KEY] },
    /^use_cache_branch \(bool \[1\]\) of the model is not known here; known are input_ids, attention_mask/,
  ],
  [
    "an encoder's cache",
    { inputs: [IDS, KEY, value("past_key_values.0.encoder.key", "float32", "b", 2, "s", 8)] },
    /^past_key_values\.0\.encoder\.key .* is not known here/,
  ],
  ["no cache", { inputs: [IDS] }, /takes no past_key_values.*export it with its cache/],
  [
    "no present",
    { outputs: [LOGITS] },
    /^past_key_values\.0\.key .* has no output present\.0\.key or present_key_values\.0\.key/,
  ],
  ["no logits", { outputs: [PRESENT] }, /no output logits/],
  [
    "logits without a vocabulary",
    { outputs: [value("logits", "float32", "b", "t", "v"), PRESENT] },
    /^logits .*the vocabulary a number/,
  ],
  [
    "logits of whole numbers",
    { outputs: [value("logits", "int64", "b", "t", 9), PRESENT] },
    /^logits .*must hold float32/,
  ],
  [
    "one token at a time",
    { inputs: [value("input_ids", "int64", "b", 1), KEY] },
    /^input_ids .*has 1 tokens fixed/,
  ],
  [
    "a mask of four axes",
    { inputs: [IDS, value("attention_mask", "int64", "b", 1, "t", "t"), KEY] },
    /^attention_mask .*must be \[batch, tokens\]/,
  ],
  [
    "a mask of floats",
    { inputs: [IDS, value("attention_mask", "float32", "b", "t"), KEY] },
    /^attention_mask .*must hold int32 or int64/,
  ],
  [
    "a quantized cache",
    key("int8", "b", 2, "past", 8),
    /^past_key_values\.0\.key \(int8 .*a type not known here/,
  ],
  [
    "a static cache",
    key("float32", "b", 2, 128, 8),
    /has a fixed length; export it with a length that grows/,
  ],
  ["a packed cache", key("float32", "b", "past", 16), /must be \[batch, heads, length, channels\]/],
  [
    "two free axes",
    {
      ...key("float32", "b", "heads", "past", 8),
      outputs: [LOGITS, value("present.0.key", "float32", "b", "h", "t", 8)],
    },
    /must have one axis whose length is free/,
  ],
  [
    "a head size that nobody says",
    {
      ...key("float32", "b", 2, "past", "dim"),
      outputs: [LOGITS, value("present.0.key", "float32", "b", 2, "t", "dim")],
    },
    /number of channels that its shape does not say; give the head size/,
  ],
  ["a head size that is another", { headSize: 64 }, /has 8 channels, but the head size is given as 64/],
  ["pages", readBy("PagedAttention"), /is read by PagedAttention, whose cache is laid out/],
  [
    "a state that grows",
    {
      inputs: [IDS, value("past_conv.0", "float32", "b", "n", 4)],
      outputs: [LOGITS, value("present_conv.0", "float32", "b", "n", 4)],
    },
    /^past_conv\.0 .*must have a fixed shape beside the batch, but "n" is free/,
  ],
];

suite("what is refused names the input and says why", () => {
  for (const [what, given, message] of REFUSED)
    test(what, () => {
      assert.throws(
        () => interfaceOf(facts(given)),
        (error: unknown) => {
          assert.ok(error instanceof UserError);
          assert.match(error.message, message);
          return true;
        },
      );
    });
});
