export {
  CLASSIFIER_VERSION,
  classify,
  layerOf,
  OPERATOR_CLASSES,
  toPaperClass,
  why,
  type Classified,
  type OpClass,
  type Operator,
  type PaperBreakdown,
} from "./classes.js";
