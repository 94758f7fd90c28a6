import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { lowerings, RandomWeights, REGISTRY, type Model } from "../../src/models/index.js";
import { openRuntime } from "../../src/ort/index.js";
import { Generator, plan, positionsFor, WeightStore, type Cell } from "../../src/run/index.js";
import { relativeError } from "../support/generate.js";

/**
 * The real models at their real size: whatever way the prompt goes in, the same logits and tokens come out. The prompt is
 * longer than an SSD chunk (64) and no multiple of it; GPT-Neo's window is crossed in transformers.test.ts.
 */
const TOKENS = 150;
const NEW_TOKENS = 3;
/** Float32 sums taken in another order, over up to 24 layers. */
const TOLERANCE = 2e-4;

interface Outcome {
  logits: Float32Array;
  tokens: bigint[];
}

const prompt = (model: Model): BigInt64Array =>
  BigInt64Array.from({ length: TOKENS }, (_, i) => BigInt((i * 7919 + 13) % model.config.vocab_size));

/** The first token's logits and the greedy tokens, after `feed` has put the prompt in. */
async function outcome(generator: Generator, feed: () => Promise<bigint[]>): Promise<Outcome> {
  let next = await feed();
  const logits = generator.logits!.slice();
  const tokens = [...next];
  for (let i = 1; i < NEW_TOKENS; i++) {
    next = await generator.step();
    tokens.push(...next);
  }
  return { logits, tokens };
}

for (const model of REGISTRY)
  suite(`${model.name}: chunked, monolithic and token by token agree`, () => {
    test("all ways, every lowering", async () => {
      const runtime = openRuntime();
      const ways = (lowerings(model).length > 0 ? lowerings(model) : ["auto" as const]).flatMap(
        (lowering) => [
          { lowering, segmentTokens: TOKENS },
          { lowering, segmentTokens: 16 },
        ],
      );
      const cells = ways.map(
        (way) => plan({ models: [model.name], promptTokens: [TOKENS], newTokens: NEW_TOKENS, ...way })[0]!,
      );
      using weights = new WeightStore(runtime, new RandomWeights(1));
      using prepacked = runtime.createPrepackedWeights();
      const shared = { runtime, weights, prepacked, positions: positionsFor(cells), keepLogits: true };
      const ids = prompt(model);

      const withCell = async (
        cell: Cell,
        feed: (generator: Generator) => Promise<bigint[]>,
      ): Promise<Outcome> => {
        using generator = new Generator(cell, shared);
        return await outcome(generator, () => feed(generator));
      };
      const [monolithic, ...others] = await sequentially(
        cells.map((cell) => () => withCell(cell, (generator) => generator.prefill(ids))),
      );
      others.push(
        await withCell(cells[0]!, async (generator) => {
          let next = await generator.prefill(ids.subarray(0, 1));
          for (const id of ids.subarray(1)) next = await generator.step([id]);
          return next;
        }),
      );
      assert.ok(monolithic!.logits.every(Number.isFinite), "logits are finite");
      for (const { logits, tokens } of others) {
        const error = relativeError(logits, monolithic!.logits);
        assert.ok(error < TOLERANCE, `error ${error}`);
        assert.deepEqual(tokens, monolithic!.tokens);
      }
    });
  });

async function sequentially<T>(tasks: (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  for (const task of tasks) results.push(await task());
  return results;
}
