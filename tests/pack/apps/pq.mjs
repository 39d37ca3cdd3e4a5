import { DiskAnnError, ProductQuantizer } from "diskann/pq";
import { quantize } from "./quantize.mjs";

console.log(JSON.stringify(await quantize({ ProductQuantizer, DiskAnnError })));
