import { resolve } from "node:path";
import { UserError } from "../../errors.js";
import { planSweep } from "../../run/index.js";
import { count } from "../../run/plan.js";
import { readPlan } from "../sweep/read-plan.js";

/** A sweep that is dealt out to the tasks of a cluster's job. */
export interface ShardedSweep {
  /** Its file, from the root. */
  readonly plan: string;
  readonly cells: number;
  readonly tasks: number;
  /** Whether its cells need a GPU. */
  readonly gpu: boolean;
}

/**
 * A plan read here, so that what is wrong with it is said now and not by every task in the morning.
 *
 * @param wanted how many tasks; undefined: 4, or fewer where the plan has not so many parts
 */
export async function shardedSweep(file: string, wanted: number | undefined): Promise<ShardedSweep> {
  const plan = await readPlan(file);
  const { cells } = planSweep(plan);
  const hasPart = (tasks: number): boolean =>
    planSweep(plan, { shard: { index: tasks - 1, count: tasks } }).cells.length > 0;
  const tasks = wanted === undefined ? 4 : count("the number of tasks", wanted);
  let most = Math.min(tasks, cells.length);
  while (!hasPart(most)) most--;
  if (wanted !== undefined && most < wanted)
    throw new UserError(
      `${file} has parts for ${most} ${most === 1 ? "task" : "tasks"}, not for ${wanted}; give --tasks ${most} or less`,
    );
  return {
    plan: resolve(file),
    cells: cells.length,
    tasks: most,
    gpu: cells.some(({ ep }) => ep === "cuda"),
  };
}

/** The command line of this program, as a task starts it. */
export function ownCommand(): string[] {
  const program = process.argv[1];
  if (program === undefined) throw new UserError("the program's own file is not known; run it as ssm-scope");
  return [process.execPath, resolve(program)];
}

/** A word as a POSIX shell reads it. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
