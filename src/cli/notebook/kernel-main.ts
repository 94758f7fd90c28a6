/** The process behind an installed kernelspec: `node kernel-main.js CONNECTION_FILE`. */
import { startKernel } from "../../notebook/kernel.js";

const connectionFile = process.argv[2];
if (connectionFile) await startKernel(connectionFile);
else {
  console.error(
    "kernel-main.js is started by Jupyter with a connection file: see `ssm-scope kernel install`",
  );
  process.exitCode = 2;
}
