import assert from "node:assert/strict";
import { test } from "node:test";
import { HANDLE, Handle, Owner } from "../../src/ort/handle.js";
import { collectGarbage } from "../support/collect-garbage.js";

class Thing extends Owner {
  constructor(handle: Handle) {
    super("thing", handle);
  }
}

/** Handles that write down when they are released. */
function recorder() {
  const released: bigint[] = [];
  return {
    released,
    make: (pointer: bigint, needs: Handle[] = []) => new Handle(pointer, (p) => released.push(p), needs),
  };
}

test("a child keeps its parent, and the parent goes last", () => {
  const { released, make } = recorder();
  const parent = new Thing(make(1n));
  const child = new Thing(make(2n, [parent[HANDLE]]));
  parent[Symbol.dispose]();
  assert.deepEqual(released, []);
  child[Symbol.dispose]();
  assert.deepEqual(released, [2n, 1n]);
});

test("disposal is idempotent, `using` disposes, and later use throws", () => {
  const { released, make } = recorder();
  const outside = (() => {
    using thing = new Thing(make(1n));
    return thing;
  })();
  outside[Symbol.dispose]();
  assert.deepEqual(released, [1n]);
  assert.ok(outside.disposed);
  assert.throws(() => outside[HANDLE], {
    name: "UserError",
    message: "This thing was disposed; it cannot be used any more.",
  });
});

test("a run that holds a handle defers its release", () => {
  const { released, make } = recorder();
  const thing = new Thing(make(1n));
  const held = thing[HANDLE].hold();
  thing[Symbol.dispose]();
  assert.deepEqual(released, []);
  held.drop();
  assert.deepEqual(released, [1n]);
});

test("what was forgotten is released when the garbage collector finds it", async () => {
  const { released, make } = recorder();
  (() => {
    const parent = new Thing(make(1n));
    new Thing(make(2n, [parent[HANDLE]]));
  })();
  await collectGarbage();
  assert.deepEqual(released.sort(), [1n, 2n]);
});

test("disposed things are not released again by the garbage collector", async () => {
  const { released, make } = recorder();
  (() => {
    new Thing(make(1n))[Symbol.dispose]();
  })();
  await collectGarbage();
  assert.deepEqual(released, [1n]);
});
