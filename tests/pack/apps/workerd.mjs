import * as diskann from "diskann";
import module from "./diskann.wasm";
import { program } from "./program.mjs";

/** No bytes may be compiled here and no file be read: the module comes compiled. */
const VectorIndex = {
  build: (vectors, options) => diskann.VectorIndex.build(vectors, { ...options, module }),
  open: (source) => diskann.VectorIndex.open(source, { module }),
};

export default {
  async fetch() {
    const result = await program({ ...diskann, VectorIndex });
    const without = await diskann.VectorIndex.create({ dimensions: 3 }).catch(({ code }) => code);
    return Response.json({ result, without });
  },
};
