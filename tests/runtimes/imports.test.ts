import { testImports } from "./imports.js";

testImports("opfs:/kept/large");
