export * from "./quantile.js";
export * from "./random.js";
export * from "./bootstrap.js";
export * from "./median-interval.js";
export * from "./student.js";
export * from "./ratio.js";
export * from "./least-squares.js";
export * from "./roots.js";
