/** The worker of `diskann/worker`, which also tells how much memory its instances of WebAssembly have. */

const memories: WebAssembly.Memory[] = [];
const { instantiate } = WebAssembly;

WebAssembly.instantiate = (async (module: WebAssembly.Module, imports: WebAssembly.Imports) => {
  const instance = await instantiate(module, imports);
  if (instance.exports.memory instanceof WebAssembly.Memory) memories.push(instance.exports.memory);
  return instance;
}) as typeof instantiate;

const channel = new BroadcastChannel("heap");
channel.onmessage = ({ data }) => {
  if (data === "?") channel.postMessage(memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0));
};

await import(String("/dist/worker-host.js"));
