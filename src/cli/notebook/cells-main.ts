/**
 * The process in which `ssm-scope notebook run` executes cells: tslab pins the working folder and patches the
 * standard streams, and only a process can be stopped in the middle of a busy cell. The parent sends a cell's
 * code, this process answers with the messages of Jupyter's iopub channel and last with `execute_reply`.
 */
import { createCellHandler, surviveStrayErrors } from "../../notebook/cell-handler.js";
import { prepareKernel } from "./prepare-kernel.js";

const send = (type: string, content: object): void => {
  process.send?.({ type, content });
};

const handler = createCellHandler();
surviveStrayErrors();
await prepareKernel(handler, process.argv.slice(2));
process.on("disconnect", () => process.exit(1));
process.on("message", (code: string) => {
  void handler.execute({ code }, send).then((reply) => {
    send("execute_reply", reply);
  });
});
send("ready", handler.handleKernel().language_info);
