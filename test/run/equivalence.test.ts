import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { lowerings, REGISTRY, type Model } from "../../src/models/index.js";
import { openRuntime } from "../../src/ort/index.js";
import { Generator, LoadedModel, plan, type Cell } from "../../src/run/index.js";
import { relativeError } from "../support/generate.js";
import { cpuOperators } from "../support/operators.js";

/**
 * The real models at their real size: whatever way the prompt goes in, the same logits and tokens come out. The prompt is
 * longer than an SSD chunk (64) and no multiple of it; GPT-Neo's window is crossed in transformers.test.ts.
 */
const TOKENS = 150;
const NEW_TOKENS = 3;
/** What comes before the tokens that are put in one by one, each of which reads all weights. */
const IN_ONE_PIECE = 130;
/** Float32 sums taken in another order, over up to 36 layers. */
const TOLERANCE = 2e-4;

/** Of one way of every model. */
const FUSED_PRODUCTS = { fusedProducts: "on" } as const;

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

/** The first of an architecture: its larger sizes are the same graph, and the CPU would be busy for minutes. */
const AT_REAL_SIZE = REGISTRY.filter(
  ({ arch, parameters }, i) => parameters < 4e8 && REGISTRY.findIndex((model) => model.arch === arch) === i,
);

for (const model of AT_REAL_SIZE)
  suite(`${model.name}: chunked, monolithic and token by token agree`, () => {
    test("all ways, every lowering", async () => {
      cpuOperators();
      const ways = (lowerings(model).length > 0 ? lowerings(model) : ["auto" as const]).flatMap(
        (lowering, i) => [
          { lowering, segmentTokens: TOKENS },
          { lowering, segmentTokens: 16, decodeLowering: lowering, ...(i === 0 && FUSED_PRODUCTS) },
        ],
      );
      const cells = ways.map(
        (way) => plan({ models: [model.name], promptTokens: [TOKENS], newTokens: NEW_TOKENS, ...way })[0]!,
      );
      using loaded = new LoadedModel(openRuntime(), cells);
      const ids = prompt(model);

      const withCell = async (
        cell: Cell,
        feed: (generator: Generator) => Promise<bigint[]>,
      ): Promise<Outcome> => {
        using generator = new Generator(cell, loaded, { keepLogits: true });
        return await outcome(generator, () => feed(generator));
      };
      const [monolithic, ...others] = await sequentially(
        cells.map((cell) => () => withCell(cell, (generator) => generator.prefill(ids))),
      );
      others.push(
        await withCell(cells[0]!, async (generator) => {
          let next = await generator.prefill(ids.subarray(0, IN_ONE_PIECE));
          for (const id of ids.subarray(IN_ONE_PIECE)) next = await generator.step([id]);
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
