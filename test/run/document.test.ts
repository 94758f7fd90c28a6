import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { UserError } from "../../src/errors.js";
import { randomPrompt } from "../../src/models/index.js";
import { plan, readDocument } from "../../src/run/index.js";
import { promptOf } from "../../src/run/prompt.js";

const FIXTURES = new URL("../fixtures/tokenizer/", import.meta.url).pathname;
const tokenizer = (name: string): string => join(FIXTURES, name, "tokenizer.json");
const DOCUMENT = join(FIXTURES, "document.txt");

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "ssm-scope-document-"));
});
after(() => {
  rmSync(folder, { recursive: true });
});

function written(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

for (const name of ["byte-level", "byte-fallback"])
  suite(`${name}: the ids of Hugging Face's tokenizers`, () => {
    const expected = JSON.parse(readFileSync(join(FIXTURES, name, "expected.json"), "utf8")) as Record<
      string,
      { text: string; ids: number[] }
    >;
    for (const [what, { text, ids }] of Object.entries(expected))
      if (text !== "")
        test(what, async () => {
          const document = await readDocument(written("text.txt", text), tokenizer(name));
          assert.deepEqual(document.ids, ids);
        });
  });

test("a document is named by its file and the start of its SHA-256; a byte order mark is no text", async () => {
  const hash = createHash("sha256").update(readFileSync(DOCUMENT)).digest("hex");
  const { name, ids } = await readDocument(DOCUMENT, tokenizer("byte-level"));
  assert.equal(name, `document.txt ${hash.slice(0, 12)}`);
  const marked = written("marked.txt", `\u{feff}${readFileSync(DOCUMENT, "utf8")}`);
  assert.deepEqual((await readDocument(marked, tokenizer("byte-level"))).ids, ids);
});

suite("what cannot be read is refused in a sentence", () => {
  const REFUSED: [string, () => [string, string], RegExp][] = [
    ["no text", () => [written("a.txt", ""), tokenizer("byte-level")], /a\.txt is empty/],
    [
      "other bytes",
      () => [written("a.txt", Uint8Array.of(0xff, 0xfe, 0x41, 0)), tokenizer("byte-level")],
      /a\.txt is not UTF-8 text/,
    ],
    ["a folder", () => [folder, tokenizer("byte-level")], /is no file/],
    [
      "a tokenizer that is none",
      () => [DOCUMENT, written("t.json", "{}")],
      /t\.json is not a tokenizer\.json that can be read: /,
    ],
    [
      "a tokenizer that is not JSON",
      () => [DOCUMENT, written("t.json", "{")],
      /t\.json is not a tokenizer\.json that can be read: /,
    ],
  ];
  for (const [what, paths, message] of REFUSED)
    test(what, async () => {
      await assert.rejects(readDocument(...paths()), (error: unknown) => {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.message, message);
        return true;
      });
    });
});

suite("cells take their prompts from a document", () => {
  const document = { name: "essay.txt 0123", ids: [5, 4, 3, 2, 1] };
  const models = ["gpt-neo-125m"];

  test("its first tokens, the same for every row of a batch; all of it without a length", () => {
    const [three] = plan({ models, promptTokens: [3], batch: 2, prefill: "monolithic", document });
    assert.deepEqual(promptOf(three!), BigInt64Array.of(5n, 4n, 3n, 5n, 4n, 3n));
    const cells = plan({ models, document });
    assert.deepEqual(
      cells.map(({ promptTokens }) => promptTokens),
      [5],
    );
    assert.deepEqual(promptOf(cells[0]!), BigInt64Array.of(5n, 4n, 3n, 2n, 1n));
  });

  test("without one they are seeded, and a document is another cell", () => {
    const [seeded] = plan({ models, promptTokens: [3], seed: 7 });
    assert.deepEqual(promptOf(seeded!), randomPrompt(3, 1, 50257, 7));
    const keys = [
      seeded!,
      ...[
        [5, 4, 3],
        [5, 4, 2],
      ].map((ids) => withIds(ids)),
    ].map(({ key }) => key);
    assert.equal(new Set(keys).size, 3);
  });

  const withIds = (ids: readonly number[]) => plan({ models, document: { ...document, ids } })[0]!;

  test("too short a document and tokens of another vocabulary are refused", () => {
    assert.throws(
      () => plan({ models, promptTokens: [2, 6], document }),
      /^UserError: the prompt length is 6, but essay\.txt 0123 has 5 tokens; choose at most as many$/,
    );
    assert.throws(
      () => withIds([1, 50257]),
      /essay\.txt 0123 has token 50257, but the vocabulary of gpt-neo-125m ends at 50256; give the model's own tokenizer\.json/,
    );
    assert.throws(() => plan({ models }), /no prompt length given; give at least one/);
  });
});
