const entries = {
  diskann: require("diskann"),
  inline: require("diskann/inline"),
  native: require("diskann/native"),
  wasm: require("diskann/wasm"),
  worker: require("diskann/worker"),
};

(async () => {
  const { program } = await import("./program.mjs");
  const results = {};
  for (const name of process.argv.slice(2)) results[name] = await program(entries[name]);
  console.log(JSON.stringify(results));
})();
