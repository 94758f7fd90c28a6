import assert from "node:assert/strict";
import { test } from "node:test";
import vm from "node:vm";
import { UserError } from "../../src/errors.js";
import { cellError, joinErrors } from "../../src/notebook/cell-error.js";
import { quantile, sortSamples } from "../../src/stats/index.js";

/** What code throws when it runs as tslab runs a cell. */
const thrownBy = (code: string): unknown => caught(() => vm.runInThisContext(code) as unknown);

function caught(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return assert.fail("the code threw nothing");
}

test("an error's frames end where the cell ends", () => {
  const { ename, evalue, traceback } = cellError([
    thrownBy("function f() { throw new RangeError('no'); }\nf();"),
  ]);
  assert.equal(ename, "RangeError");
  assert.equal(evalue, "no");
  assert.ok(traceback.includes("    at compiled cell:2:1"), traceback.join("\n"));
  assert.ok(!traceback.some((line) => line.includes("node:vm")), traceback.join("\n"));
});

test("frames of Node, of packages and of this library are left out, with Node's own lines of source", () => {
  const ofNode = cellError([thrownBy("process.getBuiltinModule('fs').readFileSync('/no/such/file')")]);
  assert.match(ofNode.traceback[0]!, /^Error: ENOENT.*'\/no\/such\/file'$/);
  assert.match(ofNode.traceback[1]!, /^ {4}at compiled cell:1:/);
  assert.ok(!ofNode.traceback.some((line) => line.includes("node:")), ofNode.traceback.join("\n"));
  const ofOurs = cellError([caught(() => quantile(sortSamples([1]), 3))]);
  assert.match(ofOurs.traceback[0]!, /^RangeError: /);
  assert.ok(!ofOurs.traceback.some((line) => /src[\\/]stats/.test(line)), ofOurs.traceback.join("\n"));
  assert.ok(
    ofOurs.traceback.some((line) => line.includes("cell-error.test.ts")),
    "a reader's own file stays",
  );
});

test("a cause is kept, and so are the errors that one stands for", () => {
  const cause = cellError([new Error("outer", { cause: new TypeError("inner") })]);
  assert.match(cause.traceback.join("\n"), /^Error: outer\n[^]*^ {2}\[cause\]: TypeError: inner$/m);
  const many = cellError([new AggregateError([new Error("one"), "two"], "all")]).traceback;
  assert.deepEqual(
    many.filter((line) => !/^ +at /.test(line)),
    ["AggregateError: all", "  [error]: Error: one", "  [error]: 'two'"],
  );
});

test("the caller's own mistake is one sentence", () => {
  const { traceback } = cellError([new UserError("model x is not known: one of a, b")]);
  assert.deepEqual(traceback, ["UserError: model x is not known: one of a, b"]);
});

test("a value that is no error is shown as it is", () => {
  assert.deepEqual(cellError(["gone"]).traceback, ["Thrown: gone"]);
  assert.deepEqual(cellError([{ code: 3 }]).evalue, "{ code: 3 }");
  assert.deepEqual(cellError([undefined]).evalue, "undefined");
});

test("both of tslab's ways to stop a cell are an interrupt", () => {
  const busy = Object.assign(new Error("Script execution was interrupted by `SIGINT`"), {
    code: "ERR_SCRIPT_EXECUTION_INTERRUPTED",
  });
  assert.equal(cellError([busy]).ename, "Interrupted");
  assert.equal(cellError([new Error("Interrupted asynchronously")]).ename, "Interrupted");
});

test("compiler messages are one error, with a hint where ssm-scope is not found", () => {
  const diagnostic = (text: string) => cellError(["%s%d:%d - %s", "", 1, 7, text]);
  const first = diagnostic("Type 'number' is not assignable to type 'string'.");
  const second = diagnostic("Cannot find module 'ssm-scope/run' or its corresponding type declarations.");
  const joined = joinErrors([first, second]);
  assert.equal(joined?.ename, "TypeScriptError");
  assert.equal(joined.evalue, "1:7 - Type 'number' is not assignable to type 'string'.");
  assert.equal(joined.traceback.length, 3);
  assert.match(joined.traceback[2]!, /npm install ssm-scope/);
  assert.equal(joinErrors([]), null);
});
