/** Folder of this package; the same number of steps up from src/record and from dist/record. */
export const PACKAGE_ROOT = new URL("../../", import.meta.url);
