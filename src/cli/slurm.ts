import { basename, join, resolve } from "node:path";
import { Command } from "commander";
import { collectOption, parseCount } from "./parse.js";

interface Flags {
  out: string;
  tasks?: number;
  partition?: string;
  time?: string;
  gres?: string;
  sbatch?: Record<string, string>;
  setup?: string[];
}

const HELP = `
Each task measures one shard of the plan (sweep PLAN --shard i/n --resume) on one GPU; its rows land in OUT/shard-i-of-n, which all nodes
must see. A task that runs out of time or is queued again leaves whole rows and goes on with them; one alone is run again by
"sbatch --array=2 OUT/sweep.sbatch". When all are done, merge makes one campaign of them, and names what is missing.

Examples:
  ssm-scope slurm plan.json -o /shared/night --tasks 8 --partition gpu --time 4:00:00
  ssm-scope slurm plan.json -o /shared/night --gres gpu:h100:1 --sbatch account=lab --setup "module load cuda/13"
  sbatch /shared/night/sweep.sbatch && ssm-scope merge /shared/night -o /shared/night/all      (after the last task)`;

const gather = (text: string, earlier: string[] = []): string[] => [...earlier, text];

export function slurmCommand(): Command {
  return new Command("slurm")
    .description("write a plan's sweep as a job array for Slurm, one GPU a task")
    .argument("<plan>", "a plan of `sweep`")
    .requiredOption("-o, --out <folder>", "shared folder of the campaign; the script is OUT/sweep.sbatch")
    .option("--tasks <count>", "parts of the sweep (default: 4, or as many as it has cells)", parseCount)
    .option("--partition <name>", "partition of the cluster")
    .option("--time <limit>", "longest time of a task, as Slurm writes it, e.g. 4:00:00")
    .option("--gres <list>", "resources of a task (default: gpu:1 for a plan on a GPU)")
    .option(
      "--sbatch <name=value>",
      "another directive of sbatch, e.g. account=lab; repeatable",
      collectOption,
    )
    .option("--setup <line>", 'a line of shell before the sweep, e.g. "module load cuda"; repeatable', gather)
    .addHelpText("after", HELP)
    .action(writeScript);
}

async function writeScript(file: string, { out, tasks, sbatch, setup = [], ...own }: Flags): Promise<void> {
  const [{ ownCommand, shardedSweep, shellWord }, { slurmScript }, { writeWhole }] = await Promise.all([
    import("./cluster/shards.js"),
    import("./cluster/slurm-script.js"),
    import("../record/whole-file.js"),
  ]);
  const sweep = await shardedSweep(file, tasks);
  const folder = resolve(out);
  const script = join(folder, "sweep.sbatch");
  const gres = own.gres ?? (sweep.gpu ? "gpu:1" : undefined);
  const named = Object.entries({ partition: own.partition, time: own.time, gres }).filter(
    ([, value]) => value !== undefined,
  );
  await writeWhole(
    script,
    slurmScript(sweep, {
      name: `ssm-scope-${basename(folder)}`,
      out: folder,
      folder: process.cwd(),
      command: ownCommand(),
      directives: { ...(Object.fromEntries(named) as Record<string, string>), ...sbatch },
      setup,
    }),
  );
  console.log(
    `${sweep.cells} cells in ${sweep.tasks} tasks. Start them, and when all are done make one campaign of them:`,
  );
  console.log(`  sbatch ${shellWord(script)}`);
  console.log(`  ssm-scope merge ${shellWord(folder)} -o ${shellWord(join(folder, "all"))}`);
}
