import { Command, Option } from "commander";
import type { CeilingOptions } from "../run/index.js";
import { parseCount } from "./parse.js";

interface Flags extends Pick<CeilingOptions, "ep" | "dtype" | "deviceId" | "threads" | "tf32" | "out"> {
  json?: true;
}

export function ceilingsCommand(): Command {
  return new Command("ceilings")
    .description("what this device can do at most through ONNX Runtime: FLOP a second, bytes a second")
    .addOption(new Option("--ep <provider>", "execution provider").choices(["cpu", "cuda"]).default("cpu"))
    .addOption(
      new Option("--dtype <type>", "of the numbers (default: fp32 on the CPU, fp16 on a GPU)").choices([
        "fp32",
        "fp16",
        "bf16",
      ]),
    )
    .option("--device-id <number>", "which of several GPUs (default 0)", parseCount)
    .option("--threads <number>", "threads of one operator, on the CPU", parseCount)
    .option("--tf32", "let float32 products on the GPU round their inputs to TF32")
    .option("-o, --out <folder>", "append the row, of kind ceilings, to a campaign's rows.jsonl")
    .option("--json", "the row and every trial as JSON, for programs")
    .addHelpText(
      "after",
      `
Products of square matrices, and copies beyond all caches; the fastest of several runs each. They are the roof of a roofline:
efficiency(rows, { ceilings: { flopsPerS, bytesPerS } }), nodeEfficiency(nodes, { ceilings }).

Example: ssm-scope ceilings --ep cuda --dtype fp16`,
    )
    .action(async ({ json, ...options }: Flags) => {
      const { ceilings } = await import("../run/index.js");
      const { row, trials, flopsPerS, bytesPerS } = await ceilings(options);
      if (json) {
        console.log(JSON.stringify({ row, trials }, null, 2));
        return;
      }
      const { show } = await import("../notebook/display.js");
      await show(trials);
      console.log(
        `${row.device ?? ""}, ${row.dtype ?? ""}: ${tera(flopsPerS)} TFLOP/s, ${giga(bytesPerS)} GB/s; the ridge is at ${(flopsPerS / bytesPerS).toFixed(1)} FLOP/byte`,
      );
    });
}

const tera = (value: number): string => String(Number((value / 1e12).toPrecision(3)));
const giga = (value: number): string => String(Number((value / 1e9).toPrecision(3)));
