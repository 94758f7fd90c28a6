import { basename, extname } from "node:path";
import { Command } from "commander";
import { parseCount } from "./parse.js";

interface Flags {
  image: string;
  claim: string;
  tasks?: number;
  name?: string;
  mount: string;
}

const HELP = `
Prints an indexed Job: each index measures one shard of the plan (sweep PLAN --shard "$((JOB_COMPLETION_INDEX + 1))/n" --resume) on one
GPU. The plan lies at the root of the claim's volume, which all pods share (ReadWriteMany); rows land beside it, in shard-i-of-n, and
merge makes one campaign of them. The image has ssm-scope on its PATH, and CUDA's libraries.

Example:
  ssm-scope kubernetes plan.json --image registry.lab/ssm-scope:0.1 --claim campaigns --tasks 8 | kubectl apply -f -`;

export function kubernetesCommand(): Command {
  return new Command("kubernetes")
    .description("print a plan's sweep as an indexed Job for Kubernetes, one GPU a pod")
    .argument("<plan>", "a plan of `sweep`")
    .requiredOption("--image <name>", "container image with ssm-scope")
    .requiredOption("--claim <name>", "volume claim that the pods share; the plan lies in it, rows go there")
    .option("--tasks <count>", "parts of the sweep (default: 4, or as many as it has cells)", parseCount)
    .option("--name <name>", "name of the Job (default: from the plan's)")
    .option("--mount <path>", "where pods see the volume", "/campaign")
    .addHelpText("after", HELP)
    .action(async (file: string, { tasks, name, ...options }: Flags) => {
      const [{ shardedSweep }, { kubernetesJob }] = await Promise.all([
        import("./cluster/shards.js"),
        import("./cluster/kubernetes-job.js"),
      ]);
      const job = kubernetesJob(await shardedSweep(file, tasks), {
        name:
          name ??
          `ssm-scope-${basename(file, extname(file))
            .toLowerCase()
            .replaceAll(/[^a-z0-9-]/g, "-")}`,
        ...options,
      });
      console.log(JSON.stringify(job, null, 2));
    });
}
