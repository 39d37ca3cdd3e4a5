import { testImports } from "./imports.js";

testImports("idb:large");
