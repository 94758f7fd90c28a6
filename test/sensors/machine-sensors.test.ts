import assert from "node:assert/strict";
import { test } from "node:test";
import { firstAnswering } from "../../src/sensors/machine-sensors.js";
import type { Sensor } from "../../src/sensors/sensor.js";
import { constant, synthetic } from "../../src/sensors/synthetic.js";
import { tegrastats } from "../../src/sensors/tegrastats.js";

const device = synthetic({ signal: constant(5) });
const command = ["sh", `${import.meta.dirname}/fake-tegrastats.sh`, "silent"];

test("a program that runs and prints nothing is passed over, and ended", async () => {
  const { sensor, opened } = await firstAnswering(
    [tegrastats({ command }), device],
    () => true,
    "power",
    undefined,
    300,
  );
  await opened?.close();
  assert.equal(sensor, device);
  const { reason } = await firstAnswering([tegrastats({ command })], () => true, "power", undefined, 300);
  assert.equal(reason, "The sensor tegrastats told nothing of power within 300 ms.");
});

test("a sensor that fails once it is open is closed", async () => {
  let closed = 0;
  const close = (): Promise<void> => {
    closed++;
    return Promise.resolve();
  };
  const failing: Sensor = {
    source: "failing",
    discover: () => device.discover(),
    open: async () => ({
      ...(await device.open()),
      sample: () => Promise.reject(new Error("It broke.")),
      close,
    }),
  };
  assert.equal((await firstAnswering([failing], () => true, "power")).reason, "It broke.");
  assert.equal(closed, 1);
});
