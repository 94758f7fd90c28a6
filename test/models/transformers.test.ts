import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { buildModel } from "../../src/models/index.js";
import { cellOf, variants } from "../support/checkpoint-cell.js";
import { architectures } from "../../src/run/gate/architectures.js";
import { loadCheckpoint, type Checkpoint } from "../support/checkpoint.js";
import { relativeError, withGenerator } from "../support/generate.js";

/** Of the largest logit; transformers and a float64 twin differ by 2e-6. */
const TOLERANCE = 1e-4;
const LENGTHS = [1, 7, 64, 130];

function idsOf({ expected }: Checkpoint, name: string): BigInt64Array {
  const tensor = expected.get(name);
  assert.equal(tensor?.dtype, "I64", `${name} is missing`);
  return tensor.data;
}

function logitsOf({ expected }: Checkpoint, name: string, row = 0): Float32Array {
  const tensor = expected.get(name);
  assert.equal(tensor?.dtype, "F32", `${name} is missing`);
  const width = tensor.shape.at(-1)!;
  return tensor.data.subarray(row * width, (row + 1) * width);
}

/** Whose logits a folder holds: Hymba is in no release of transformers. */
const oracleOf = (folder: string): string => (folder === "hymba" ? "its float64 twin" : "transformers");

for (const folder of architectures()) {
  const checkpoint = loadCheckpoint(folder);
  const { weights } = buildModel(checkpoint.model, {
    dtype: "float32",
    lowering: "linear-attention",
    logits: "last",
    positions: 64,
    tokensMultipleOf: 1,
    separateProducts: false,
  });
  for (const lowering of variants(checkpoint))
    suite(`${folder} gives the logits of ${oracleOf(folder)}${lowering ? ` by ${lowering}` : ""}`, () => {
      for (const length of LENGTHS)
        for (const segmentTokens of new Set([length, 5, 64].filter((size) => size <= length)))
          test(`prefill of ${length} tokens in segments of ${segmentTokens}`, async () => {
            const logits = await withGenerator(
              cellOf(checkpoint, length, { lowering, segmentTokens }),
              checkpoint.source,
              async (generator) => {
                await generator.prefill(idsOf(checkpoint, `ids.${length}`));
                return generator.logits!;
              },
            );
            const error = relativeError(logits, logitsOf(checkpoint, `logits.${length}`));
            assert.ok(error < TOLERANCE, `error ${error}`);
          });

      test("16 greedy tokens after 64, one at a time", async () => {
        const expected = [...idsOf(checkpoint, "greedy.ids")];
        await withGenerator(cellOf(checkpoint, 64, { lowering }), checkpoint.source, async (generator) => {
          let next = await generator.prefill(idsOf(checkpoint, "ids.64"));
          for (const [step, token] of expected.entries()) {
            const error = relativeError(generator.logits!, logitsOf(checkpoint, "greedy.logits", step));
            assert.ok(error < TOLERANCE, `error ${error} at token ${step}`);
            assert.deepEqual(next, [token]);
            if (step + 1 < expected.length) next = await generator.step();
          }
        });
      });

      test("two sequences of a batch do not touch each other", async () => {
        const ids = idsOf(checkpoint, "ids.64");
        const both = new BigInt64Array(128);
        both.set(ids.toReversed());
        both.set(ids, 64);
        const cell = cellOf(checkpoint, 64, { lowering, batch: 2, segmentTokens: 24 });
        await withGenerator(cell, checkpoint.source, async (generator) => {
          await generator.prefill(both);
          const width = checkpoint.model.config.vocab_size;
          let error = relativeError(generator.logits!.subarray(width), logitsOf(checkpoint, "logits.64"));
          assert.ok(error < TOLERANCE, `error ${error}`);
          await generator.step();
          error = relativeError(generator.logits!.subarray(width), logitsOf(checkpoint, "greedy.logits", 1));
          assert.ok(error < TOLERANCE, `error ${error} after a step`);
        });
      });
    });

  test(`${folder}: every tensor of the checkpoint is used, and no other`, () => {
    const used = weights.flatMap((weight) =>
      weight.role === "parameter" ? weight.parts.map(({ name }) => name) : [],
    );
    assert.deepEqual(used.sort(), [...checkpoint.tensorNames].sort());
  });
}

test("gpt_neo runs beyond its learned positions, and within them that changes nothing", async () => {
  const checkpoint = loadCheckpoint("gpt_neo");
  const ids = BigInt64Array.from({ length: 300 }, (_, i) => BigInt(i % 160));
  ids.set(idsOf(checkpoint, "ids.130"));
  await withGenerator(cellOf(checkpoint, 300), checkpoint.source, async (generator) => {
    await generator.prefill(ids);
    assert.ok(generator.logits!.every(Number.isFinite));
    await generator.prefill(ids.subarray(0, 130));
    const error = relativeError(generator.logits!, logitsOf(checkpoint, "logits.130"));
    assert.ok(error < TOLERANCE, `error ${error}`);
  });
});

test("phi3: a sequence that is to outgrow the original positions is turned for its whole length from the start", async () => {
  const checkpoint = loadCheckpoint("phi3");
  const cell = cellOf(checkpoint, 64, { newTokens: 80 }); // 144 positions; the original ones are 96
  await withGenerator(cell, checkpoint.source, async (generator) => {
    const ids = idsOf(checkpoint, "ids.130");
    await generator.prefill(ids.subarray(0, 64));
    for (const id of ids.subarray(64)) await generator.step([id]);
    const error = relativeError(generator.logits!, logitsOf(checkpoint, "logits.130"));
    assert.ok(error < TOLERANCE, `error ${error}`);
    // transformers turns a prompt of 64 by the short list, whatever will follow.
    await generator.prefill(idsOf(checkpoint, "ids.64"));
    const before = relativeError(generator.logits!, logitsOf(checkpoint, "logits.64"));
    assert.ok(before > 10 * TOLERANCE, `error ${before}`);
  });
});
