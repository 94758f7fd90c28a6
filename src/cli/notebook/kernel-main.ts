/** The process behind an installed kernelspec: `node kernel-main.js [--load | --cuda] CONNECTION_FILE`. */
import { startKernel } from "../../notebook/kernel.js";
import { cudaNotice } from "./cuda-notice.js";

const connectionFile = process.argv.at(-1);
const flags = process.argv.slice(2, -1);
const cuda = flags.includes("--cuda");
if (process.argv.length > 2 && connectionFile)
  await startKernel(connectionFile, {
    load: cuda || flags.includes("--load"),
    ...(cuda && { notice: cudaNotice }),
  });
else {
  console.error(
    "kernel-main.js is started by Jupyter with a connection file: see `ssm-scope kernel install`",
  );
  process.exitCode = 2;
}
