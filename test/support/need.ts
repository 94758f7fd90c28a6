/**
 * What a test needs of the machine. Where it is missing the test is skipped and says what to install; under
 * SSM_SCOPE_NO_SKIP=1 (set by .ci/run) it fails instead, so nothing is skipped where all is installed.
 */

/** The option of node:test for a test that needs `name`. */
export function need(name: string, found: boolean, howToInstall: string): { skip: string | false } {
  if (found) return { skip: false };
  const reason = `${name} is missing: ${howToInstall}`;
  if (process.env.SSM_SCOPE_NO_SKIP === "1")
    throw new Error(`${reason} (SSM_SCOPE_NO_SKIP=1: no test may be skipped)`);
  return { skip: reason };
}
