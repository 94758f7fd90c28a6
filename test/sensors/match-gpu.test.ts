import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/errors.js";
import { gpusOfMatches, gpusOfSession } from "../../src/sensors/chosen-gpus.js";
import {
  matchGpu,
  visibleGpus,
  type CudaEnvironment,
  type CudaSession,
  type KnownGpu,
} from "../../src/sensors/match-gpu.js";

const A = "GPU-aaaa1111-0000-0000-0000-000000000001";
const B = "GPU-aaaa2222-0000-0000-0000-000000000002";
const CUT = "GPU-cccc3333-0000-0000-0000-000000000003";
const M1 = "MIG-dddd1111-0000-0000-0000-000000000001";
const M2 = "MIG-dddd2222-0000-0000-0000-000000000002";
const GPUS: KnownGpu[] = [
  { uuid: A, pciBusId: "00000000:1B:00.0", migUuids: null },
  { uuid: B, pciBusId: "00000000:3A:00.0", migUuids: null },
  { uuid: CUT, pciBusId: "00010000:3A:00.0", migUuids: [M1, M2] },
];

const match = (
  deviceId: number,
  visible?: string,
  rest: { session?: Partial<CudaSession>; order?: string; gpus?: KnownGpu[] } = {},
) => {
  const environment: CudaEnvironment = { CUDA_VISIBLE_DEVICES: visible, CUDA_DEVICE_ORDER: rest.order };
  return matchGpu({ deviceId, ...rest.session }, rest.gpus ?? GPUS, environment);
};

test("by what CUDA tells of the device, whatever its number is", () => {
  const session = { uuid: B.toUpperCase() };
  assert.deepEqual(match(0, "0", { session }), { uuid: B, migUuid: null, reason: null });
  const instance = { uuid: M2.replace("MIG", "GPU") };
  assert.deepEqual(match(0, undefined, { session: instance }), { uuid: CUT, migUuid: M2, reason: null });
  assert.equal(match(5, undefined, { session: { pciBusId: "0000:3a:00.0" } }).uuid, B);
  assert.equal(match(5, undefined, { session: { pciBusId: "10000:3a:00.0" } }).uuid, CUT);
});

test("a device whose UUID NVML does not list is not taken for another by its number", () => {
  const session = { uuid: "GPU-ffff4444-0000-0000-0000-000000000004" };
  assert.match(match(0, "0", { session, order: "PCI_BUS_ID" }).reason!, /GPU-ffff4444.* is not among/);
});

test("by the list of visible devices: UUIDs, their beginnings, MIG instances", () => {
  assert.equal(match(1, `${B},${A}`).uuid, A);
  assert.equal(match(0, "gpu-AAAA2").uuid, B);
  assert.deepEqual(match(0, M1), { uuid: CUT, migUuid: M1, reason: null });
  assert.deepEqual(match(0, `MIG-${CUT}/2/0`), { uuid: CUT, migUuid: `MIG-${CUT}/2/0`, reason: null });
  assert.match(match(0, "GPU-aaaa").reason!, /2 GPUs of NVML begin with GPU-aaaa/);
  assert.match(match(0, "GPU-ffff").reason!, /0 GPUs of NVML/);
  assert.match(match(0, "MIG-ffff").reason!, /is not among those/);
});

test("numbers mean something only in the order of the bus, or where there is one GPU", () => {
  const order = "PCI_BUS_ID";
  assert.equal(match(1, undefined, { order }).uuid, B);
  assert.equal(match(0, "1", { order }).uuid, B);
  assert.equal(match(1, "1,0", { order }).uuid, A);
  assert.equal(match(0, undefined, { gpus: GPUS.slice(1, 2) }).uuid, B);
  const guess = match(0, undefined);
  assert.equal(guess.uuid, null);
  assert.match(
    guess.reason!,
    /^Which of 3 GPUs CUDA device 0 is, is unknown: CUDA_VISIBLE_DEVICES is not set.*PCI_BUS_ID/,
  );
  assert.equal(match(0, "1", { order: "FASTEST_FIRST" }).uuid, null);
  const cut = match(2, undefined, { order });
  assert.equal(cut.uuid, CUT);
  assert.match(cut.reason!, /MIG instances/);
});

test("devices that are not there", () => {
  for (const visible of ["", "-1", "0,-1,1", "0,x,1", "0,,1"])
    assert.match(
      match(visible.startsWith("0") ? 2 : 0, visible).reason!,
      /is not there: CUDA_VISIBLE_DEVICES="/,
    );
  assert.match(match(1, "0", { order: "PCI_BUS_ID" }).reason!, /device 1 is not there/);
  assert.match(match(7, undefined, { order: "PCI_BUS_ID" }).reason!, /not among the 3 GPUs of NVML/);
  assert.match(match(0, undefined, { gpus: [] }).reason!, /not among the 0 GPUs/);
});

test("all that is shown to a program, up to the first entry that CUDA does not know", () => {
  const shown = (visible: string | undefined, order = "PCI_BUS_ID") =>
    visibleGpus(GPUS, { CUDA_VISIBLE_DEVICES: visible, CUDA_DEVICE_ORDER: order })?.map(({ uuid }) => uuid);
  assert.equal(shown(undefined), undefined);
  assert.deepEqual(shown("1,0"), [B, A]);
  assert.deepEqual(shown(` ${B} , ${M1},-1,0`), [B, CUT]);
  assert.deepEqual(shown("0,7,1"), [A]);
  assert.deepEqual(shown(""), []);
  assert.deepEqual(shown("1", "FASTEST_FIRST"), [null]);
});

test("what is read for a session: its GPU, whole where it has a slice, or none with the reason", () => {
  const session = (uuid: string | null) => gpusOfSession({ deviceId: 0, uuid }, () => GPUS);
  assert.deepEqual(session(B), { uuids: [B], doubt: null, reason: null });
  assert.deepEqual(session(M2.replace("MIG", "GPU")), {
    uuids: [CUT],
    doubt: `the energy is of the whole GPU ${CUT}, of which the MIG slice ${M2} is a part`,
    reason: null,
  });
  const foreign = session("GPU-ffff4444-0000-0000-0000-000000000004");
  assert.deepEqual([foreign.uuids, foreign.doubt], [[], null]);
  assert.match(foreign.reason!, /is not among the GPUs that NVML lists\.$/);
  const noNvml = (): never => {
    throw new UserError("Could not load NVML.");
  };
  assert.deepEqual(gpusOfSession({ deviceId: 0, uuid: A }, noNvml).uuids, [A]);
  assert.equal(gpusOfSession({ deviceId: 0 }, noNvml).uuids, null);
  const twice = gpusOfMatches([match(0, M1), match(0, M2), match(0, A)]);
  assert.deepEqual(twice.uuids, [CUT, A]);
  assert.match(twice.doubt!, /MIG-dddd1111\S* is a part; the energy is .* MIG-dddd2222/);
});
