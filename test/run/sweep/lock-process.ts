/** Takes a folder's lock at a time and holds it for a while: `lock-process FOLDER AT_MS`. Ends with 2 where it is refused. */
import { lockFolder } from "../../../src/run/lock.js";

const [, , folder, at] = process.argv;
while (Date.now() < Number(at));
try {
  const lock = lockFolder(folder!);
  setTimeout(() => {
    lock[Symbol.dispose]();
  }, 900);
} catch (error) {
  process.exitCode = (error as Error).name === "UserError" ? 2 : 1;
}
