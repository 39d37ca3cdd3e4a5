/**
 * Where diskann.wasm lies: in dist/, seen from dist/ and from ts/ alike. Bundlers know this form and take the file along;
 * the build shortens it to "./diskann.wasm", so that a copy beside a bundled file is found too.
 */
export function wasmFile(): URL {
  return new URL("../dist/diskann.wasm", import.meta.url);
}
