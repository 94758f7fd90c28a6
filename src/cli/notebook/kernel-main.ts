/** The process behind an installed kernelspec: `node kernel-main.js [--load | --cuda] CONNECTION_FILE`. */
import { startKernel } from "../../notebook/kernel.js";
import { prepareKernel } from "./prepare-kernel.js";

const [connectionFile, ...flags] = process.argv.slice(2).reverse();
if (connectionFile) await startKernel(connectionFile, (handler) => prepareKernel(handler, flags));
else {
  console.error(
    "kernel-main.js is started by Jupyter with a connection file: see `ssm-scope kernel install`",
  );
  process.exitCode = 2;
}
