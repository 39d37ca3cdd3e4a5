const { DiskAnnError, ProductQuantizer } = require("diskann/pq");

import("./quantize.mjs").then(async ({ quantize }) => {
  console.log(JSON.stringify(await quantize({ ProductQuantizer, DiskAnnError })));
});
