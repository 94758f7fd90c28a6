/** `ssm-scope notebook run`: executes notebooks without Jupyter and without Python. */
import { basename, join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { EXIT, interruptible } from "./exit.js";
import { collectParameter, type ParameterValues } from "./notebook/parameters.js";
import { type CellEvent, type NotebookRun, prepareNotebook, runNotebook } from "./notebook/run-notebook.js";

interface RunOptions {
  out: string;
  parameter?: ParameterValues;
  timeout?: number;
  inPlace?: boolean;
  svgOnly?: boolean;
}

export function notebookCommand(): Command {
  const command = new Command("notebook").description("run notebooks");
  command
    .command("run")
    .description("run TypeScript notebooks without Jupyter and write them with their outputs")
    .argument("<file...>", "notebooks (.ipynb)")
    .option("--out <dir>", "folder for the notebooks with their outputs", join("out", "notebooks"))
    .option(
      "-p, --parameter <name=value>",
      'a value for a parameter, JSON or text; may be repeated (parameters: what the cell tagged "parameters" declares by let)',
      collectParameter,
    )
    .option("--timeout <seconds>", "limit for each cell (default: none)", parseSeconds)
    .option("--in-place", "write the outputs into the notebooks themselves")
    .option("--svg-only", "keep of figures the SVG alone, without the Vega-Lite specification: half the size")
    .action(runAll);
  return command;
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() === "" || !Number.isFinite(seconds) || seconds <= 0)
    throw new InvalidArgumentError("a number of seconds above 0 is needed.");
  return seconds;
}

/** Runs all files, also after a failure, but none after Ctrl-C, and none where one lacks a parameter. */
async function runAll(
  files: string[],
  { out, parameter: parameters = new Map(), timeout = Infinity, inPlace, svgOnly }: RunOptions,
): Promise<void> {
  for (const file of files) prepareNotebook(file, parameters);
  await interruptible(async (abort) => {
    for (const file of files) {
      const output = inPlace ? file : join(out, basename(file));
      const onCell = (event: CellEvent): void => {
        showProgress(file, event);
      };
      const run = await runNotebook(file, { output, parameters, timeoutS: timeout, svgOnly, onCell, abort });
      report(file, run);
      if (run.how === "interrupted") {
        process.exitCode = EXIT.interrupted;
        return;
      }
      if (run.how !== "ok") process.exitCode = EXIT.failed;
    }
  });
}

/** A line a cell: begun when the cell begins, so that a long one is seen to run. */
function showProgress(file: string, { number, total, source, ended }: CellEvent): void {
  if (ended) process.stderr.write(`${ended.how}, ${ended.seconds.toFixed(1)} s\n`);
  else process.stderr.write(`${basename(file)} ${number}/${total}  ${firstLine(source)} … `);
}

const firstLine = (source: string): string => {
  const line = source.trim().split("\n")[0] ?? "";
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
};

function report(file: string, { output, failed, how }: NotebookRun): void {
  if (failed) {
    const source = failed.source.trimEnd().replaceAll(/^/gm, "    ");
    console.error(`\nCell ${failed.number} of ${file} ${how}:\n\n${source}\n\n${failed.error}\n`);
  }
  console.log(output);
}
