import { VectorIndex } from "../../ts/native.js";
import { ProductQuantizer } from "../../ts/pq-native.js";
import { conformanceInNode } from "./node.js";

await conformanceInNode("the addon in Node", VectorIndex, "native", ProductQuantizer);
