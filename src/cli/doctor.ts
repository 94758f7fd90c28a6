import { Command } from "commander";
import { EXIT, ExitError } from "./exit.js";

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("say what was found on this machine, and how to get what was not")
    .option("--json", "as JSON, for programs")
    .addHelpText("after", "\nExits with 1 when something that every measurement needs is missing.")
    .action(async ({ json }: { json?: boolean }) => {
      const { examine } = await import("./examine.js");
      const findings = examine();
      if (json) console.log(JSON.stringify(findings, null, 2));
      else
        for (const { name, found, detail, hint } of findings)
          console.log(`${found ? "✓" : "–"} ${name}: ${detail}${hint ? `\n    ${hint}` : ""}`);
      if (findings.some(({ found, required }) => required && !found)) throw new ExitError(EXIT.failed);
    });
}
