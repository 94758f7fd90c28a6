/** Slurm on this machine for a test: munged, the controller and two nodes of one CPU and one (pretended) GPU each. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import os from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { need } from "./need.js";

const PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "sinfo"];
/** Debian has the daemons where only root looks. */
const PATH = `${process.env.PATH ?? ""}:/usr/sbin:/sbin`;
const found = PROGRAMS.every((name) => spawnSync("which", [name], { env: { PATH } }).status === 0);

/** The option of node:test for a test that runs Slurm. */
export const needSlurm = need("Slurm", found, "`apt-get install slurm-wlm munge`");

/** A running cluster. */
export interface Cluster {
  /** The environment of its commands. */
  readonly env: NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

/** Starts all daemons in a folder and waits until both nodes are idle. */
export async function startSlurm(folder: string): Promise<Cluster> {
  const user = os.userInfo().username;
  const [host] = os.hostname().split(".") as [string];
  const [controller, first, second] = await freePorts();
  const at = (name: string): string => join(folder, name);
  for (const name of ["state", "spool-n1", "spool-n2"]) mkdirSync(at(name));
  // munged refuses a folder that others may write to, and one that the clients may not enter.
  chmodSync(folder, 0o755);
  writeFileSync(at("munge.key"), randomBytes(64), { mode: 0o600 });
  writeFileSync(at("gres.conf"), "NodeName=n[1-2] Name=gpu File=/dev/zero\n");
  const settings = {
    ClusterName: "test",
    SlurmctldHost: `${host}(127.0.0.1)`,
    SlurmctldPort: controller,
    SlurmUser: user,
    SlurmdUser: user,
    AuthType: "auth/munge",
    AuthInfo: `socket=${at("munge.socket")}`,
    StateSaveLocation: at("state"),
    SlurmdSpoolDir: at("spool-%n"),
    SlurmctldPidFile: at("slurmctld.pid"),
    SlurmdPidFile: at("slurmd-%n.pid"),
    ProctrackType: "proctrack/linuxproc",
    TaskPlugin: "task/none",
    JobAcctGatherType: "jobacct_gather/none",
    SelectType: "select/cons_tres",
    SelectTypeParameters: "CR_CPU",
    SchedulerParameters: "batch_sched_delay=0,sched_interval=1",
    ReturnToService: 2,
    MpiDefault: "none",
    GresTypes: "gpu",
    // Each node has one CPU, whatever the machine has.
    SlurmdParameters: "config_overrides",
  };
  const nodes = [first, second].map(
    (port, i) => `NodeName=n${i + 1} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${port!} CPUs=1 Gres=gpu:1`,
  );
  const lines = [...Object.entries(settings).map(([name, value]) => `${name}=${value}`), ...nodes];
  writeFileSync(
    at("slurm.conf"),
    [...lines, "PartitionName=all Nodes=ALL Default=YES State=UP", ""].join("\n"),
  );
  const env = { ...process.env, PATH, SLURM_CONF: at("slurm.conf") };
  const daemons: ChildProcess[] = [];
  const start = (name: string, args: readonly string[]): void => {
    daemons.push(spawn(name, args, { env, stdio: "ignore" }));
  };
  const stop = async (): Promise<void> => {
    // The controller last: nodes that go without it wait for it.
    const ends = daemons.map((daemon) => new Promise((resolve) => daemon.once("close", resolve)));
    for (const daemon of daemons) daemon.kill("SIGKILL");
    await Promise.all(ends);
  };
  try {
    const munge = ["socket", "key-file", "pid-file", "log-file", "seed-file"].map(
      (name) => `--${name}=${at(`munge.${name.replace(/-file$/, "")}`)}`,
    );
    start("munged", ["--foreground", "--force", ...munge]);
    start("slurmctld", ["-D", "-c", "-L", at("slurmctld.log")]);
    for (const node of ["n1", "n2"]) start("slurmd", ["-D", "-N", node, "-L", at(`slurmd-${node}.log`)]);
    await ready(env, () =>
      ["slurmctld.log", "slurmd-n1.log"]
        .map((name) => readFileSync(at(name), "utf8").slice(-1000))
        .join("\n"),
    );
    return { env, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const PATIENCE_MS = 20_000;

async function ready(env: NodeJS.ProcessEnv, logs: () => string): Promise<void> {
  const start = performance.now();
  while (performance.now() - start < PATIENCE_MS) {
    if (/^2 idle$/m.test(spawnSync("sinfo", ["-h", "-o", "%D %T"], { env, encoding: "utf8" }).stdout)) return;
    await delay(200);
  }
  throw new Error(`Slurm's nodes are not ready after ${PATIENCE_MS} ms:\n${logs()}`);
}

/** Three ports that nobody listens at. */
async function freePorts(): Promise<number[]> {
  const servers = [createServer(), createServer(), createServer()];
  await Promise.all(servers.map((server) => once(server.listen(0, "127.0.0.1"), "listening")));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  for (const server of servers) server.close();
  await Promise.all(servers.map((server) => once(server, "close")));
  return ports;
}
