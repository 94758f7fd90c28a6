import assert from "node:assert/strict";
import { test } from "node:test";
import vm from "node:vm";
import { UserError } from "../../src/errors.js";
import { cellError, joinErrors } from "../../src/notebook/cell-error.js";

/** What code throws when it runs as tslab runs a cell. */
function thrownBy(code: string): unknown {
  try {
    vm.runInThisContext(code);
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

test("a cause is kept", () => {
  const error = new Error("outer", { cause: new TypeError("inner") });
  assert.match(cellError([error]).traceback.join("\n"), /\[cause\]: TypeError: inner/);
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
