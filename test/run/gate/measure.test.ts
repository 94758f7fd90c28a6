import assert from "node:assert/strict";
import { test } from "node:test";
import { askCandidate, askReference, checksOf, type Answers } from "../../../src/run/gate/measure.js";

/**
 * A model that says: after n tokens, the token n mod 4, and logits written to the same memory each time, as a device does.
 * What it was fed is kept, undefined where it fed itself.
 */
class Counter implements Answers {
  readonly fed: (bigint | undefined)[] = [];
  readonly logits = new Float32Array(4);
  #tokens = 0;

  /** @param wrongAt the token that it picks wrongly, counted from the prompt's */
  constructor(readonly wrongAt = -1) {}

  #answer(): Promise<bigint[]> {
    const wrong = this.#tokens === this.wrongAt;
    const next = (this.#tokens + (wrong ? 1 : 0)) % 4;
    this.logits.fill(0);
    this.logits[next] = 1;
    return Promise.resolve([BigInt(next)]);
  }

  prefill(prompt: BigInt64Array): Promise<bigint[]> {
    this.#tokens = prompt.length;
    return this.#answer();
  }

  step(tokens?: readonly bigint[]): Promise<bigint[]> {
    this.fed.push(tokens?.[0]);
    this.#tokens += 1;
    return this.#answer();
  }

  [Symbol.dispose](): void {
    this.fed.length = 0;
  }
}

const prompt = new BigInt64Array(5);
const TOLERANCE = { max: 0.1, mean: 0.1 };

test("the reference goes on with what it picks, or with the text given", async () => {
  const own = await askReference(new Counter(), prompt, 3, null);
  assert.deepEqual(own.fed, [1n, 2n, 3n]);
  assert.deepEqual(
    own.logits.map((logits) => logits.indexOf(1)),
    [1, 2, 3, 0],
    "each position's logits are kept, though all are written to one memory",
  );
  const told = await askReference(new Counter(), prompt, 2, BigInt64Array.of(3n, 3n));
  assert.deepEqual(told.fed, [3n, 3n]);
  assert.equal(told.logits.length, 3);
});

test("a candidate feeds itself as long as it picks the next token, and is set right where it does not", async () => {
  const run = await askReference(new Counter(), prompt, 4, null);
  const candidate = new Counter(7);
  const differences = await askCandidate(candidate, run, 4);
  assert.deepEqual(candidate.fed, [undefined, undefined, 3n, undefined]);
  assert.deepEqual(
    differences.map(({ agrees }) => agrees),
    [true, true, false, true, true],
  );
  const [prefill, decode] = checksOf(differences, { promptTokens: 5, segmentTokens: null }, TOLERANCE);
  assert.deepEqual([prefill!.phase, prefill!.positions, prefill!.disagreeing], ["prefill", 1, 0]);
  assert.deepEqual([decode!.phase, decode!.positions, decode!.disagreeing], ["decode", 4, 1]);
  assert.equal(decode!.maxError, 1);
});

test("a candidate may be asked for fewer tokens than the reference gave", async () => {
  const run = await askReference(new Counter(), prompt, 4, null);
  assert.equal((await askCandidate(new Counter(), run, 2)).length, 3);
});

test("stops between tokens", async () => {
  const controller = new AbortController();
  const run = await askReference(new Counter(), prompt, 4, null);
  const candidate = new Counter();
  const asking = askCandidate(candidate, run, 4, controller.signal);
  controller.abort();
  await assert.rejects(asking, { name: "AbortError" });
  assert.equal(candidate.fed.length, 0);
});
