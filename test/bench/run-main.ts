import { UserError } from "../../src/errors.js";

/** Runs a bench from the command line: what its user got wrong is said, with `usage` where it is an option, and exits with 2. */
export async function runMain(main: () => Promise<void>, usage: string): Promise<void> {
  try {
    await main();
  } catch (error) {
    const isUsage =
      error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
    if (!isUsage && !(error instanceof UserError)) throw error;
    console.error(isUsage ? `${error.message}\n\n${usage}` : error.message);
    process.exitCode = 2;
  }
}
