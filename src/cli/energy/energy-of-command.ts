import { writeFileSync } from "node:fs";
import { findEnergySource, measureEnergy, replay, type FoundSource } from "../../sensors/index.js";
import { UserError } from "../../errors.js";
import type { EnergyFlags } from "../energy.js";
import { ExitError } from "../exit.js";
import { gpusOfCommand } from "./gpus-of-command.js";
import { playBack } from "./play-back.js";
import { energyRecord, energyText } from "./report.js";
import { runCommand, type Ending } from "./run-command.js";

/** Runs the command between two idle windows, reports its energy, and gives its exit code. */
export async function energyOfCommand(
  command: readonly [string, ...string[]],
  { idle, json, output, ...recording }: EnergyFlags,
): Promise<number> {
  // A file that cannot be written is better known before the command than after it.
  if (output !== undefined) writeFileSync(output, "");
  const { source, sensor, reason } = await find(recording);
  let ending: Ending | undefined;
  const work = async (): Promise<void> => {
    ending = await runCommand(command);
    if (ending.problem === null) return;
    console.error(`ssm-scope: ${ending.problem}`);
    throw new ExitError(ending.code);
  };
  try {
    const where = source === null ? { source, reason } : { source };
    const windows = {
      windowMs: 0,
      idleMs: 1000 * idle,
      settleMs: idle === 0 ? 300 : Math.min(500, 1000 * idle),
    };
    const energy = await measureEnergy(work, { ...where, ...windows });
    const record = energyRecord(command, ending!, sensor, energy);
    const report = json ? `${JSON.stringify(record)}\n` : energyText(record);
    if (output === undefined) process.stderr.write(report);
    else writeFileSync(output, report);
    return ending!.code;
  } finally {
    await source?.close();
  }
}

async function find({
  from,
  interval,
  gpu,
}: Pick<EnergyFlags, "from" | "interval" | "gpu">): Promise<FoundSource> {
  const onWarning = (sentence: string): void => {
    console.error(`ssm-scope: ${sentence}`);
  };
  if (from === undefined) {
    // Whoever names a GPU wants no other sensor's joules.
    const of = gpu === undefined ? {} : ({ of: "gpu" } as const);
    return await findEnergySource({ ...of, gpus: gpusOfCommand(gpu) }, onWarning);
  }
  if (gpu !== undefined) throw new UserError("--gpu is of this machine's GPUs; leave it out with --from");
  const sensor = replay(from, { time: interval === undefined ? "recorded" : { intervalMs: interval } });
  return { sensor: from, source: await playBack(await sensor.open({ onWarning })), reason: null };
}
