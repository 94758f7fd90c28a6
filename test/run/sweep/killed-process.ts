/** A sweep over a made-up engine for kills.test.ts to kill: `killed-process FOLDER`. It goes on where it is, to the end. */
import { setTimeout as wait } from "node:timers/promises";
import { openCampaign } from "../../../src/run/campaign.js";
import { fakeSweep } from "./fake-engine.js";
import { killCells } from "./kill-cells.js";

using campaign = openCampaign(process.argv[2]!, true, { onWarning: () => undefined });
await fakeSweep(killCells(), campaign, async () => {
  await wait(1);
  // Long enough for a kill to hit the middle of a write.
  return { ttft_ms: 1, itl_ms: Array.from({ length: 4000 }, (_, i) => i / 7) };
});
