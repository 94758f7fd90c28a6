import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { before, test } from "node:test";
import { kubernetesJob } from "../../src/cli/cluster/kubernetes-job.js";
import { shardedSweep } from "../../src/cli/cluster/shards.js";
import { slurmScript } from "../../src/cli/cluster/slurm-script.js";
import { readJsonLines } from "../../src/record/index.js";
import { DIST, ensureDist } from "../support/dist.js";
import { needSlurm, startSlurm } from "../support/slurm.js";
import { temporaryFolder } from "../support/temporary.js";

before(ensureDist);

/** A model that takes milliseconds, at four lengths. */
const PLAN = `export default {
  models: [{
    name: "tiny-gpt-neo", family: "transformer", hfId: "none", parameters: 1, source: "made up", arch: "gpt_neo",
    config: { vocab_size: 64, hidden_size: 32, num_layers: 2, num_heads: 2, intermediate_size: null, max_position_embeddings: 64,
      window_size: 16, attention_layers: ["global", "local"], layer_norm_epsilon: 1e-5 },
  }],
  promptTokens: [4, 8, 16, 32], newTokens: 2, repeats: 2, threads: 1, warmUpRuns: 1, isolate: "none",
};`;

function planIn(folder: string): string {
  const file = join(folder, "plan.mjs");
  writeFileSync(file, PLAN);
  return file;
}

const cli = (args: readonly string[], env: NodeJS.ProcessEnv = process.env) =>
  spawnSync(process.execPath, [join(DIST, "cli/main.js"), ...args], { encoding: "utf8", env });

test(
  "a job array on two nodes of a real Slurm measures each cell once, and merges to one campaign",
  needSlurm,
  async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "slurm"));
    const cluster = await startSlurm(join(folder, "slurm"));
    try {
      // A space and a quote, as in the paths of some.
      const out = join(folder, "Ada's sweep");
      const written = cli([
        "slurm",
        planIn(folder),
        "-o",
        out,
        "--tasks",
        "2",
        "--gres",
        "gpu:1",
        "--setup",
        "echo node $SLURMD_NODENAME",
      ]);
      assert.equal(written.status, 0, written.stderr);
      assert.match(written.stdout, /^4 cells in 2 tasks/);
      const script = join(out, "sweep.sbatch");
      execFileSync("sbatch", ["--wait", script], { env: cluster.env, encoding: "utf8", timeout: 60_000 });
      const logs = readdirSync(out).filter((name) => name.endsWith(".log"));
      const log = logs.map((name) => readFileSync(join(out, name), "utf8")).join("\n");
      assert.deepEqual([...log.matchAll(/node (n\d)/g)].map(([, node]) => node).sort(), ["n1", "n2"], log);
      const shards = ["shard-1-of-2", "shard-2-of-2"].map(
        (name) => readJsonLines(join(out, name, "rows.jsonl")).rows,
      );
      assert.deepEqual(
        shards.map((rows) => rows.length),
        [4, 4],
        log,
      );
      assert.deepEqual(
        shards
          .flat()
          .map((row) => row.prompt_tokens)
          .sort((a, b) => a! - b!),
        [4, 4, 8, 8, 16, 16, 32, 32],
      );
      assert.ok(shards.flat().every(({ status }) => status === "ok"));
      const merged = cli(["merge", out, "-o", join(out, "all")]);
      assert.equal(merged.status, 0, merged.stderr);
      assert.equal(readJsonLines(join(out, "all", "rows.jsonl")).rows.length, 8);
    } finally {
      await cluster.stop();
    }
  },
);

test("the script is a shell's and says what it was told; a shard does not depend on how many tasks run", async () => {
  const folder = temporaryFolder();
  const sweep = await shardedSweep(planIn(folder), undefined);
  assert.deepEqual([sweep.cells, sweep.tasks, sweep.gpu], [4, 4, false]);
  const script = slurmScript(sweep, {
    name: "night",
    out: "/shared/Ada's 50%",
    folder: "/home/ada",
    command: ["echo", "ran"],
    directives: { partition: "gpu", time: "4:00:00", comment: "two words" },
    setup: ["true # module load cuda"],
  });
  for (const line of [
    "--array=1-4",
    "--partition=gpu",
    "--time=4:00:00",
    '--comment="two words"',
    '--output="/shared/Ada\'s 50%%/slurm-%A_%a.log"',
    "--requeue",
  ])
    assert.ok(script.includes(`\n#SBATCH ${line}\n`), `${line}\n${script}`);
  const run = (env: Record<string, string>) =>
    execFileSync("bash", ["--norc", "-c", script.replace("cd /home/ada", "cd /")], {
      env: { PATH: process.env.PATH, ...env },
      encoding: "utf8",
    }).trim();
  const words = `ran sweep ${resolve(folder, "plan.mjs")} -o /shared/Ada's 50%`;
  assert.equal(
    run({ SLURM_ARRAY_TASK_ID: "1", SLURM_ARRAY_TASK_COUNT: "4" }),
    `${words} --shard 1/4 --resume`,
  );
  assert.equal(
    run({ SLURM_ARRAY_TASK_ID: "3", SLURM_ARRAY_TASK_COUNT: "1" }),
    `${words} --shard 3/4 --resume`,
  );
});

test("queued again, a task frees its folder of the lock that a lost node left, and of no other", async () => {
  const folder = temporaryFolder();
  const out = join(folder, "out put");
  const script = slurmScript(await shardedSweep(planIn(folder), 2), {
    name: "x",
    out,
    folder,
    command: ["true"],
    directives: {},
    setup: [],
  });
  for (const shard of ["shard-1-of-2", "shard-2-of-2"]) {
    mkdirSync(join(out, shard), { recursive: true });
    for (const name of ["lock-7-9@lost", "rows.jsonl"]) writeFileSync(join(out, shard, name), "");
  }
  const run = (restarts: string) =>
    execFileSync("bash", ["--norc", "-c", script], {
      env: { PATH: process.env.PATH, SLURM_ARRAY_TASK_ID: "2", SLURM_RESTART_COUNT: restarts },
    });
  run("0");
  assert.deepEqual(readdirSync(join(out, "shard-2-of-2")).sort(), ["lock-7-9@lost", "rows.jsonl"]);
  run("1");
  assert.deepEqual(readdirSync(join(out, "shard-2-of-2")), ["rows.jsonl"]);
  assert.deepEqual(readdirSync(join(out, "shard-1-of-2")).sort(), ["lock-7-9@lost", "rows.jsonl"]);
});

test("what is wrong with the plan or the job is said before anything is queued", async () => {
  const folder = temporaryFolder();
  const plan = planIn(folder);
  const refused = (file: string, tasks: number, message: RegExp): Promise<void> =>
    assert.rejects(shardedSweep(file, tasks), { name: "UserError", message });
  await refused(plan, 5, /plan\.mjs has parts for 4 tasks, not for 5; give --tasks 4 or less/);
  await refused(plan, 0, /the number of tasks is 0/);
  await refused(join(folder, "nowhere.json"), 1, /nowhere\.json: the plan cannot be read/);
  const { status, stderr } = cli(["slurm", plan, "--setup", "a\nb", "-o", join(folder, "out")]);
  assert.match(stderr, /--setup is "a\\nb"; it must be one line/);
  assert.equal(status, 2);
  assert.ok(!existsSync(join(folder, "out", "sweep.sbatch")));
});

test("the Job of Kubernetes has an index a shard, a GPU where the plan needs one, and the same words", async () => {
  const folder = temporaryFolder();
  const sweep = await shardedSweep(planIn(folder), 3);
  const job = kubernetesJob(
    { ...sweep, gpu: true },
    { name: "night", image: "lab/ssm:1", claim: "campaigns", mount: "/data" },
  ) as {
    spec: {
      completionMode: string;
      completions: number;
      template: { spec: { containers: { command: string[]; resources: unknown }[] } };
    };
  };
  const [container] = job.spec.template.spec.containers;
  assert.deepEqual([job.spec.completionMode, job.spec.completions], ["Indexed", 3]);
  assert.deepEqual(container!.resources, { limits: { "nvidia.com/gpu": 1 } });
  const [shell, flag, words] = container!.command;
  const run = execFileSync(shell!, [flag!, words!.replace("exec ssm-scope", "echo")], {
    env: { JOB_COMPLETION_INDEX: "2" },
    encoding: "utf8",
  });
  assert.equal(run.trim(), "sweep /data/plan.mjs -o /data --shard 3/3 --resume");
  const printed = cli(["kubernetes", planIn(folder), "--image", "i", "--claim", "c"]);
  assert.equal(
    (JSON.parse(printed.stdout) as { metadata: { name: string } }).metadata.name,
    "ssm-scope-plan",
    printed.stderr,
  );
});
