import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { randomPrompt } from "../../src/models/index.js";
import { randomIndex } from "../../src/stats/index.js";
import { cellOf, variants } from "../support/checkpoint-cell.js";
import { columns } from "../../src/run/generator.js";
import { architectures } from "../../src/run/gate/architectures.js";
import { loadCheckpoint } from "../support/checkpoint.js";
import { everyLogits } from "../support/every-logits.js";
import { relativeError, withGenerator } from "../support/generate.js";

const TOLERANCE = 1e-4;
/** Longer than every chunk and window of the checkpoints, and a multiple of none. */
const TOKENS = 97;
const SPLITS = 3;

for (const folder of architectures()) {
  const checkpoint = loadCheckpoint(folder);
  const { model, source, expected } = checkpoint;
  const vocabulary = model.config.vocab_size;
  for (const lowering of variants(checkpoint))
    suite(`${folder}${lowering ? ` by ${lowering}` : ""}`, () => {
      const index = randomIndex(TOKENS);

      for (const batch of [1, 4])
        test(`a prompt in pieces of any size, or token by token, gives the same: batch ${batch}`, async () => {
          const prompt = randomPrompt(TOKENS, batch, vocabulary, 7);
          const cell = cellOf(checkpoint, TOKENS, { lowering, batch });
          const whole = await withGenerator(cell, source, async (generator) => {
            await generator.prefill(prompt);
            return generator.logits!;
          });
          for (let split = 0; split < SPLITS; split++) {
            const segmentTokens = 1 + index(TOKENS - 1);
            const given = 1 + index(TOKENS - 1);
            const setting = `segments of ${segmentTokens}, ${TOKENS - given} tokens one by one`;
            await withGenerator({ ...cell, segmentTokens }, source, async (generator) => {
              await generator.prefill(prompt);
              const pieces = relativeError(generator.logits!, whole);
              assert.ok(pieces < TOLERANCE, `${setting}: error ${pieces}`);
              await generator.prefill(columns(prompt, batch, 0, given));
              for (let at = given; at < TOKENS; at++)
                await generator.step([...columns(prompt, batch, at, at + 1)]);
              const steps = relativeError(generator.logits!, whole);
              assert.ok(steps < TOLERANCE, `${setting}: error ${steps}`);
            });
          }
        });

      test("logits of every position are transformers', and of no later token", async () => {
        const ids = expected.get("ids.64")!.data as BigInt64Array;
        const every = expected.get("logits.64.all")!.data as Float32Array;
        const cell = cellOf(checkpoint, 64, { lowering });
        const logits = await everyLogits(cell, source, ids);
        const error = relativeError(logits, every);
        assert.ok(error < TOLERANCE, `error ${error}`);
        const changed = 1 + index(62);
        const other = ids.with(changed, (ids[changed]! + 1n) % BigInt(vocabulary));
        const after = await everyLogits(cell, source, other);
        const [before, from] = [changed * vocabulary, (changed + 1) * vocabulary];
        const past = relativeError(after.subarray(0, before), logits.subarray(0, before));
        assert.ok(past < 1e-6, `token ${changed} moved logits before it by ${past}`);
        assert.ok(relativeError(after.subarray(before, from), logits.subarray(before, from)) > 1e-3);
      });
    });
}
