import { Option, type Command } from "commander";
import { parseCount, parseLength } from "./parse.js";
import { addQuantOptions } from "./quant-options.js";

/** The options of a setting, wherever models are run: their names in camel case are those of `Settings`. */
export function addSettingOptions(command: Command): Command {
  command
    .option("-n, --new-tokens <count>", "tokens to generate (default 16)", parseCount)
    .option("-b, --batch <count>", "sequences processed together (default 1)", parseCount)
    .addOption(
      new Option("--ep <name>", "execution provider: where to compute (default cpu)").choices([
        "cpu",
        "cuda",
      ]),
    )
    .option("--device-id <number>", "which GPU, as CUDA counts them (default 0)", parseCount)
    .addOption(
      new Option(
        "--dtype <type>",
        "type of weights and activations; int8 and int4 of linear layers' weights alone (default fp32, on a GPU fp16)",
      ).choices(["fp32", "fp16", "bf16", "int8", "int4"]),
    );
  return addQuantOptions(command)
    .addOption(
      new Option(
        "--lowering <name>",
        "how SSM blocks are expressed in ONNX operators (default auto)",
      ).choices(["auto", "linear-attention", "ssd-matmul", "fused"]),
    )
    .addOption(
      new Option(
        "--decode-lowering <name>",
        "the same for decoding (default auto: linear-attention, after fused fused)",
      ).choices(["auto", "linear-attention", "ssd-matmul", "fused"]),
    )
    .addOption(
      new Option(
        "--fused-products <when>",
        "decode with our own operator for products of one token with weights (default auto: on a GPU where it is built)",
      ).choices(["auto", "on", "off"]),
    )
    .addOption(
      new Option("--prefill <mode>", "run the prompt in segments or in one piece (default chunked)").choices([
        "chunked",
        "monolithic",
      ]),
    )
    .option(
      "--segment-tokens <count>",
      "longest segment of a chunked prefill (default 8192; 32768 is faster on a large GPU, for more memory)",
      parseLength,
    )
    .addOption(
      new Option(
        "--logits <which>",
        "logits to compute: of the last position or of all (default last)",
      ).choices(["last", "all"]),
    )
    .option(
      "--threads <count>",
      "threads of an operator (default: ONNX Runtime's, one a physical core)",
      parseCount,
    );
}
