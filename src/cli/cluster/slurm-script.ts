import { join } from "node:path";
import { UserError } from "../../errors.js";
import { shellWord, type ShardedSweep } from "./shards.js";

/** What of the job is the cluster's. */
export interface SlurmJob {
  readonly name: string;
  /** The shared folder of the campaign, from the root. */
  readonly out: string;
  /** Where tasks run, from the root. */
  readonly folder: string;
  /** The program and its first arguments. */
  readonly command: readonly string[];
  /** Directives of sbatch by their long names, e.g. partition, time, gres. */
  readonly directives: Readonly<Record<string, string>>;
  /** Lines of shell that come first, e.g. `module load cuda`. */
  readonly setup: readonly string[];
}

/**
 * A job array, one shard a task. A task that is stopped before its time, or taken from its node and queued again, leaves whole rows
 * and goes on with them.
 */
export function slurmScript({ plan, tasks }: ShardedSweep, job: SlurmJob): string {
  const directives = {
    "job-name": job.name,
    array: `1-${tasks}`,
    output: join(job.out, "slurm-%A_%a.log").replace(job.out, job.out.replaceAll("%", "%%")),
    "open-mode": "append",
    signal: "B:TERM@60",
    requeue: null,
    ...job.directives,
  };
  const shardFolder = `${shellWord(job.out)}/shard-"$shard"-of-${tasks}`;
  return `${[
    "#!/bin/bash",
    ...Object.entries(directives).map(([name, value]) => directive(name, value)),
    "set -euo pipefail",
    `cd ${shellWord(job.folder)}`,
    ...job.setup.map((line) => oneLine("--setup", line)),
    `# Of ${tasks}, whatever SLURM_ARRAY_TASK_COUNT says: a task that is run again alone (sbatch --array=2) stays the same shard.`,
    "shard=$SLURM_ARRAY_TASK_ID",
    "# Queued again after its node was lost: the process that held the folder is gone, but another node cannot see that.",
    `if [ "\${SLURM_RESTART_COUNT:-0}" -gt 0 ]; then rm -f ${shardFolder}/lock-*; fi`,
    `exec ${[...job.command, "sweep", plan, "-o", job.out].map(shellWord).join(" ")} --shard "$shard/${tasks}" --resume`,
  ].join("\n")}\n`;
}

function directive(name: string, value: string | null): string {
  const text = value === null ? "" : `=${/\s/.test(value) ? `"${value}"` : value}`;
  return `#SBATCH --${oneLine("--sbatch", `${name}${text}`)}`;
}

function oneLine(option: string, text: string): string {
  if (!/[\r\n]/.test(text)) return text;
  throw new UserError(`${option} is ${JSON.stringify(text)}; it must be one line`);
}
