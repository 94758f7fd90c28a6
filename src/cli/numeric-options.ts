import { type Command, Option } from "commander";
import type { CudaOptions } from "../ort/index.js";
import { collectOption } from "./parse.js";

/** Options of a GPU that may change results, and so are the same for `run` and `verify`. */
export interface NumericFlags {
  tf32?: boolean;
  cudnnConvSearch?: NonNullable<CudaOptions["cudnnConvSearch"]>;
  epOption?: Record<string, string>;
}

export const addNumericOptions = (command: Command): Command =>
  command
    .option("--tf32", "let float32 products on the GPU round their inputs to TF32")
    .addOption(
      new Option("--cudnn-conv-search <how>", "how cuDNN searches for a convolution").choices([
        "EXHAUSTIVE",
        "HEURISTIC",
        "DEFAULT",
      ]),
    )
    .option(
      "--ep-option <key=value>",
      "any other option of ONNX Runtime's CUDA provider; may be repeated",
      collectOption,
    );
