import { type Command, Option } from "commander";
import type { Settings } from "../run/index.js";
import { parseCount } from "./parse.js";

/** Options of the dtypes int8 and int4, the same for `run` and `verify`. */
export type QuantFlags = Pick<Settings, "quantBlock" | "quantCompute">;

export const addQuantOptions = (command: Command): Command =>
  command
    .option(
      "--quant-block <count>",
      "elements of a row of a quantised weight that share a scale: 32 or 128 (default 32)",
      parseCount,
    )
    .addOption(
      new Option(
        "--quant-compute <type>",
        "what products with quantised weights compute in on the CPU (default int8; float is slower, and exact)",
      ).choices(["float", "int8"]),
    );
