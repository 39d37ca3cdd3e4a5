/* Which npm script needs which tools of the system and which built things. */

const building = ["compiler", "python", "emscripten"];
const everything = ["addon", "wasm", "bundle"];

export const GOALS = {
  build: { tools: building, steps: everything, needs: ["wasm|addon", "bundle"] },
  demo: { tools: building, steps: everything, needs: ["wasm|addon"] },
  bench: { tools: building, steps: everything, needs: ["wasm|addon", "bundle"] },
  check: { tools: ["compiler"], steps: [], needs: [] },
  test: {
    tools: [...building, "clang", "chromium", "arm64", "qemu", "simde"],
    steps: everything,
    needs: ["wasm|addon"],
  },
  "test:all": {
    tools: [...building, "chromium", "arm64", "qemu", "simde", "clang", "firefox"],
    steps: everything,
    needs: ["wasm|addon"],
  },
  prebuild: {
    tools: [...building, "arm64", "qemu", "mingw", "wine"],
    steps: ["wasm", "bundle"],
    needs: ["wasm", "bundle"],
  },
  pack: { tools: building, steps: everything, needs: ["wasm", "bundle"] },
};
