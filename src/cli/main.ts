#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { ceilingsCommand } from "./ceilings.js";
import { claimsCommand } from "./claims.js";
import { compareCommand } from "./compare-command.js";
import { cudaCommand } from "./cuda.js";
import { diffCommand } from "./diff.js";
import { doctorCommand } from "./doctor.js";
import { energyCommand } from "./energy.js";
import { exitCodeOf, explain } from "./exit.js";
import { exportCommand } from "./export.js";
import { figuresCommand } from "./figures.js";
import { importCommand } from "./import.js";
import { kernelCommand } from "./kernel.js";
import { kubernetesCommand } from "./kubernetes.js";
import { mergeCommand } from "./merge.js";
import { modelsCommand } from "./models.js";
import { notebookCommand } from "./notebook.js";
import { opsCommand } from "./ops.js";
import { profileCommand } from "./profile.js";
import { queryCommand } from "./query.js";
import { quickCommand } from "./quick.js";
import { reportCommand } from "./report.js";
import { runCommand } from "./run.js";
import { slurmCommand } from "./slurm.js";
import { sweepCommand } from "./sweep.js";
import { verifyCommand } from "./verify.js";
import { watchCommand } from "./watch.js";

// Commands load what they need when they run, so that --help answers at once.
const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const program = new Command("ssm-scope")
  .description(
    "From which context length on is a state-space model better than a Transformer, on this device?",
  )
  .version(version)
  .showHelpAfterError("(add --help for the options)")
  .configureHelp({ showGlobalOptions: false })
  .addHelpText(
    "after",
    "\nExit codes: 0 done, 1 something failed, 2 the command or its input is wrong, 130 interrupted.",
  );

for (const make of [
  quickCommand,
  runCommand,
  profileCommand,
  sweepCommand,
  verifyCommand,
  modelsCommand,
  figuresCommand,
  claimsCommand,
  compareCommand,
  diffCommand,
  importCommand,
  slurmCommand,
  kubernetesCommand,
  mergeCommand,
  queryCommand,
  exportCommand,
  reportCommand,
  notebookCommand,
  kernelCommand,
  cudaCommand,
  opsCommand,
  watchCommand,
  energyCommand,
  ceilingsCommand,
  doctorCommand,
])
  program.addCommand(make().copyInheritedSettings(program));
for (const command of allCommands(program)) command.exitOverride();

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

// A reader that has seen enough (`| head`) closes the pipe: that ends us, and is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  explain(error);
  process.exitCode = exitCodeOf(error);
}
