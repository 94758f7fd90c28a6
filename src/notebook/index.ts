/** What a cell shows its values with. */
export { show } from "./display.js";
export { renderPng, renderSvg } from "./render.js";
