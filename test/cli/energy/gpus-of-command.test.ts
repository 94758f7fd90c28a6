import assert from "node:assert/strict";
import { test } from "node:test";
import { gpusOfCommand, type GpuLists } from "../../../src/cli/energy/gpus-of-command.js";
import { UserError } from "../../../src/errors.js";
import type { CudaEnvironment } from "../../../src/sensors/index.js";

const A = "GPU-aaaa1111-0000-0000-0000-000000000001";
const B = "GPU-bbbb2222-0000-0000-0000-000000000002";
const MIG = "MIG-cccc3333-0000-0000-0000-000000000003";
const ALL = { uuids: null, doubt: null, reason: null };
const nothing = (library: string) => (): never => {
  throw new UserError(`There is no ${library} on this machine.`);
};
/** CUDA counts the second one first. */
const LISTS: GpuLists = {
  all: () => [
    { uuid: A, pciBusId: null, migUuids: null },
    { uuid: B, pciBusId: null, migUuids: [MIG] },
  ],
  cuda: () => [B],
};

const chosen = (flag?: string, environment: CudaEnvironment = {}, lists: Partial<GpuLists> = {}) =>
  gpusOfCommand(flag, environment, { ...LISTS, ...lists });
const shown = (visible: string, order?: string, lists: Partial<GpuLists> = {}) =>
  chosen(undefined, { CUDA_VISIBLE_DEVICES: visible, CUDA_DEVICE_ORDER: order }, lists);

test("by the flag: numbers as nvidia-smi counts, UUIDs or their beginnings, a slice's GPU", () => {
  assert.deepEqual(chosen("1, 0").uuids, [B, A]);
  assert.deepEqual(chosen("1"), { uuids: [B], doubt: null, reason: null }, "it is meant whole");
  assert.deepEqual(chosen("GPU-bb,gpu-aaaa").uuids, [B, A]);
  assert.match(chosen(MIG).doubt!, /^the energy is of the whole GPU GPU-bbbb/);
  assert.deepEqual(chosen("all", { CUDA_VISIBLE_DEVICES: "0" }), ALL);
  for (const wrong of ["2", "-1", "", "GPU-", "0,x"])
    assert.throws(() => chosen(wrong), {
      name: "UserError",
      message: /^--gpu names ".*", which is no GPU here, or more than one; NVML lists 0 \(GPU-aaaa/,
    });
  assert.throws(() => chosen("0", {}, { all: nothing("NVML") }), /There is no NVML/);
});

test("by CUDA_VISIBLE_DEVICES, as its order says, which CUDA's driver tells where it is CUDA's own", () => {
  assert.deepEqual(chosen(), ALL);
  assert.deepEqual(shown("0", "PCI_BUS_ID").uuids, [A]);
  assert.deepEqual(shown("0").uuids, [B], "the fastest");
  assert.deepEqual(shown(`${A},1`, "PCI_BUS_ID").uuids, [A, B]);
  assert.match(shown(MIG).doubt!, /of which the MIG slice MIG-cccc3333/);
});

test("where nobody tells which are shown, all, with the doubt; where none is, none", () => {
  const guess = shown("0", undefined, { cuda: nothing("driver") });
  assert.equal(guess.uuids, null);
  assert.match(guess.doubt!, /^the energy is of all GPUs: Which of 2 GPUs CUDA device 0 is, is unknown/);
  const blind = shown("0", undefined, { all: nothing("NVML") });
  assert.deepEqual(blind, { ...ALL, doubt: "the energy is of all GPUs: There is no NVML on this machine" });
  for (const none of ["", "-1"])
    assert.deepEqual(shown(none), {
      uuids: [],
      doubt: null,
      reason: `CUDA_VISIBLE_DEVICES="${none}" shows no GPU.`,
    });
});
