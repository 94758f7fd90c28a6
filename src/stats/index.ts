export * from "./quantile.js";
export * from "./random.js";
export * from "./bootstrap.js";
export * from "./least-squares.js";
export * from "./roots.js";
export * from "./student-t.js";
