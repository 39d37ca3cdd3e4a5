import { existsSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  allocateElements,
  type Elements,
  type ElementType,
  elementsOver,
  VectorFile,
  VectorWriter,
  writeVectors,
} from "../../ts/cli/formats/index.js";
import { pack, scratchFolder } from "./scratch.js";

const scratch = scratchFolder();

const FORMATS: readonly [string, ElementType][] = [
  ["a.fvecs", "f32"],
  ["a.bvecs", "u8"],
  ["a.ivecs", "i32"],
  ["a.fbin", "f32"],
  ["a.f16bin", "f16"],
  ["a.u8bin", "u8"],
  ["a.i8bin", "i8"],
  ["a.bin", "f32"],
  ["b.bin", "u8"],
  ["c.bin", "i8"],
  ["d.bin", "f16"],
  ["a.npy", "f32"],
  ["b.npy", "f16"],
  ["c.npy", "i8"],
  ["d.npy", "u8"],
];

function bytesOf(elements: Elements): Buffer {
  return Buffer.from(elements.buffer, elements.byteOffset, elements.byteLength);
}

/** Elements of any bits. */
function randomElements(type: ElementType, length: number, seed: number): Elements {
  const elements = allocateElements(type, length);
  const bytes = bytesOf(elements);
  let state = seed >>> 0;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return elements;
}

async function withFile<T>(
  path: string,
  type: ElementType | undefined,
  use: (file: VectorFile) => Promise<T>,
): Promise<T> {
  const file = await VectorFile.open(path, { type });
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

describe("round trips", () => {
  test.each(FORMATS)("%s as %s: any shape, any bits", async (name, type) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 70 }),
        fc.nat(),
        async (count, dimensions, seed) => {
          const path = scratch.path(name);
          const elements = randomElements(type, count * dimensions, seed);
          await writeVectors(path, type, dimensions, elements);
          await withFile(path, type, async (file) => {
            expect([file.count, file.dimensions, file.type]).toEqual([count, dimensions, type]);
            expect(bytesOf(await file.readAll()).equals(bytesOf(elements))).toBe(true);
            const part = await file.readAll({ start: 1, end: count - 1 });
            const expected = elements.subarray(dimensions, Math.max(1, count - 1) * dimensions);
            expect(bytesOf(part).equals(bytesOf(expected))).toBe(true);
          });
        },
      ),
      { numRuns: 25 },
    );
  });

  test("slabs of a file larger than one slab join without seam, in every layout", async () => {
    const dimensions = 1000;
    const count = 2500;
    const elements = randomElements("f32", count * dimensions, 7);
    for (const name of ["big.fvecs", "big.fbin", "big.npy"]) {
      await writeVectors(scratch.path(name), "f32", dimensions, elements);
      await withFile(scratch.path(name), undefined, async (file) => {
        const sizes: number[] = [];
        const parts: Buffer[] = [];
        for await (const slab of file.slabs({ start: 3 })) {
          expect(slab.first).toBe(3 + sizes.reduce((sum, size) => sum + size, 0));
          sizes.push(slab.count);
          parts.push(bytesOf(slab.elements));
        }
        expect(sizes.length).toBeGreaterThan(2);
        expect(Buffer.concat(parts).equals(bytesOf(elements).subarray(3 * dimensions * 4))).toBe(true);
      });
    }
  });

  test("the bytes are those of the formats", async () => {
    await writeVectors(scratch.path("x.fvecs"), "f32", 2, Float32Array.of(1, 2, 3, 4));
    expect(new Uint8Array(readFileSync(scratch.path("x.fvecs")))).toEqual(
      pack(["i32", 2], ["f32", 1, 2], ["i32", 2], ["f32", 3, 4]),
    );
    await writeVectors(scratch.path("x.i8bin"), "i8", 3, Int8Array.of(-1, 2, -3, 4, 5, 6));
    expect(new Uint8Array(readFileSync(scratch.path("x.i8bin")))).toEqual(
      pack(["u32", 2, 3], ["i8", -1, 2, -3, 4, 5, 6]),
    );
    await writeVectors(scratch.path("x.npy"), "f16", 1, Uint16Array.of(0x3c00, 0));
    const npy = readFileSync(scratch.path("x.npy"));
    expect(npy.subarray(0, 10)).toEqual(Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1"));
    expect(npy.subarray(10, 128).toString()).toMatch(
      /^\{'descr': '<f2', 'fortran_order': False, 'shape': \(2, 1\), \} +\n$/,
    );
    expect(npy.length).toBe(128 + 4);
  });

  test("NumPy headers of versions 1, 2 and 3, of any length and spacing", async () => {
    const dicts = [
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }",
      "{'shape':(2,2),'fortran_order':False,'descr':'<f4'}\n",
      `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }${" ".repeat(301)}\n`,
    ];
    for (const [i, dict] of dicts.entries())
      for (const version of [1, 2, 3]) {
        const length = version === 1 ? pack(["u16", dict.length]) : pack(["u32", dict.length]);
        const magic = pack(["u8", 0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
        const data = pack(["f32", 1, 2, 3, 4]);
        const path = scratch.write(
          `v${version}-${i}.npy`,
          Buffer.concat([magic, length, Buffer.from(dict), data]),
        );
        await withFile(path, undefined, async (file) => {
          expect(await file.readAll()).toEqual(Float32Array.of(1, 2, 3, 4));
        });
      }
  });
});

describe("the type of a .bin file", () => {
  test("follows from the size where it can", async () => {
    await withFile(scratch.write("t.bin", pack(["u32", 1, 2], ["f32", 5, 6])), undefined, async (file) => {
      expect(file.type).toBe("f32");
      expect(await file.readAll()).toEqual(Float32Array.of(5, 6));
    });
    await withFile(scratch.write("t.bin", pack(["u32", 1, 2], ["u16", 5, 6])), undefined, async (file) => {
      expect(file.type).toBe("f16");
    });
  });

  test("must be said where the size does not tell", async () => {
    const path = scratch.write("t.bin", pack(["u32", 1, 2], ["u8", 5, 250]));
    await expect(VectorFile.open(path)).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining("--input-type"),
    });
    await withFile(path, "u8", async (file) => expect(await file.readAll()).toEqual(Uint8Array.of(5, 250)));
    await withFile(path, "i8", async (file) => expect(await file.readAll()).toEqual(Int8Array.of(5, -6)));
  });

  test("may fall back on another one, where the size allows that", async () => {
    const path = scratch.write("t.bin", pack(["u32", 1, 2], ["u8", 5, 250]));
    for (const fallback of ["u8", "i8"] as const) {
      const file = await VectorFile.open(path, { fallback });
      expect(file.type).toBe(fallback);
      await file.close();
    }
    await expect(VectorFile.open(path, { fallback: "f32" })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
    const sure = await VectorFile.open(scratch.write("t.bin", pack(["u32", 1, 2], ["u16", 5, 6])), {
      fallback: "u8",
    });
    expect(sure.type).toBe("f16");
    await sure.close();
  });

  test("is checked against the size", async () => {
    const path = scratch.write("t.bin", pack(["u32", 1, 2], ["u8", 5, 6]));
    await expect(VectorFile.open(path, { type: "f32" })).rejects.toMatchObject({
      code: "ERR_CORRUPT",
      message: expect.stringContaining("the size fits i8 or u8"),
    });
  });
});

describe("damage", () => {
  const numpy = (dict: string, ...rest: Parameters<typeof pack>): Uint8Array =>
    Buffer.concat([
      pack(["u8", 0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0], ["u16", dict.length]),
      Buffer.from(dict),
      pack(...rest),
    ]);
  const cases: readonly [string, string, Uint8Array, string, string][] = [
    ["no bytes", "e.fvecs", pack(), "ERR_CORRUPT", "0 bytes hold no vector"],
    ["zero length", "e.fvecs", pack(["i32", 0]), "ERR_CORRUPT", "says it has 0 elements"],
    ["negative length", "e.fvecs", pack(["i32", -2], ["f32", 1]), "ERR_CORRUPT", "says it has -2 elements"],
    [
      "length beyond the file",
      "e.fvecs",
      pack(["i32", 9], ["f32", 1]),
      "ERR_CORRUPT",
      "the file has 8 bytes",
    ],
    [
      "a cut row",
      "e.bvecs",
      pack(["i32", 2], ["u8", 1, 2, 3]),
      "ERR_CORRUPT",
      "no whole number of rows of 6 bytes",
    ],
    ["half a header", "e.fbin", pack(["u32", 1]), "ERR_CORRUPT", "less than a header of 8"],
    ["no dimensions", "e.fbin", pack(["u32", 1, 0]), "ERR_CORRUPT", "0 dimensions"],
    [
      "count too large",
      "e.fbin",
      pack(["u32", 3, 1], ["f32", 1, 2]),
      "ERR_CORRUPT",
      "20 bytes as f32, but it has 16",
    ],
    ["count absurd", "e.fbin", pack(["u32", 0xffffffff, 0xffffffff]), "ERR_CORRUPT", "it is cut off"],
    ["no type fits", "e.bin", pack(["u32", 3, 5], ["f32", 1]), "ERR_CORRUPT", "with no element type"],
    ["no magic", "e.npy", pack(["u32", 1, 2, 3, 4]), "ERR_CORRUPT", "first bytes differ"],
    ["header beyond the file", "e.npy", numpy("{}").subarray(0, 11), "ERR_CORRUPT", "beyond the file"],
    ["no keys", "e.npy", numpy("{'descr': '<f4'}"), "ERR_CORRUPT", "lacks descr, fortran_order or shape"],
    [
      "rows missing",
      "e.npy",
      numpy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", ["f32", 1, 2, 3]),
      "ERR_CORRUPT",
      "the file has",
    ],
    [
      "bytes too many",
      "e.npy",
      numpy("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2), }", ["u8", 1, 2, 3]),
      "ERR_CORRUPT",
      "the file has",
    ],
    [
      "a negative shape",
      "e.npy",
      numpy("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 2), }"),
      "ERR_CORRUPT",
      "its shape is",
    ],
    [
      "doubles",
      "e.npy",
      numpy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }", ["f32", 1, 2]),
      "ERR_UNSUPPORTED",
      "a.astype('<f4')",
    ],
    [
      "big-endian",
      "e.npy",
      numpy("{'descr': '>f4', 'fortran_order': False, 'shape': (1, 1), }", ["f32", 1]),
      "ERR_UNSUPPORTED",
      "elements are >f4",
    ],
    [
      "columns first",
      "e.npy",
      numpy("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }", ["f32", 1]),
      "ERR_UNSUPPORTED",
      "ascontiguousarray",
    ],
    [
      "one dimension",
      "e.npy",
      numpy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", ["f32", 1]),
      "ERR_UNSUPPORTED",
      "reshape",
    ],
  ];

  test.each(cases)("%s", async (_what, name, bytes, code, message) => {
    await expect(VectorFile.open(scratch.write(name, bytes))).rejects.toMatchObject({
      name: "DiskAnnError",
      code,
      message: expect.stringContaining(message),
    });
  });

  test("a row of another length is found when it is read, with its number", async () => {
    const path = scratch.write("e.fvecs", pack(["i32", 2], ["f32", 1, 2], ["i32", 3], ["f32", 3, 4]));
    await expect(withFile(path, undefined, (file) => file.readAll())).rejects.toMatchObject({
      code: "ERR_CORRUPT",
      message: expect.stringContaining("row 1 says it has 3 elements, the first row has 2"),
    });
  });

  test("any header whatsoever gives a file or an error with a code", async () => {
    const names = ["f.fvecs", "f.bvecs", "f.bin", "f.fbin", "f.npy"];
    const header = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc
        .tuple(fc.string({ maxLength: 80 }), fc.nat(70000))
        .map(([dict, length]) =>
          Buffer.concat([
            pack(["u8", 0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0], ["u16", length]),
            Buffer.from(dict),
          ]),
        ),
    );
    await fc.assert(
      fc.asyncProperty(header, fc.constantFrom(...names), async (bytes, name) => {
        try {
          const path = scratch.write(name, bytes);
          const elements = await withFile(path, undefined, (file) => file.readAll());
          expect(elements.byteLength).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toHaveProperty("name", "DiskAnnError");
        }
      }),
      { numRuns: 500 },
    );
  });

  test("unknown names and absent files say what to do", async () => {
    await expect(VectorFile.open(scratch.write("a.csv", "1,2"))).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining(".fvecs .bvecs .ivecs"),
    });
    await expect(VectorFile.open(scratch.path("absent.fvecs"))).rejects.toMatchObject({
      code: "ERR_IO",
      message: `cannot read ${scratch.path("absent.fvecs")}: no such file or folder`,
    });
  });
});

describe("writing", () => {
  test("nothing appears before commit, and discard leaves what was there", async () => {
    const path = scratch.write("kept.fbin", "before");
    const writer = await VectorWriter.create(path, "f32", 2);
    await writer.write(Float32Array.of(1, 2));
    expect(readFileSync(path, "utf8")).toBe("before");
    await writer.discard();
    expect(readFileSync(path, "utf8")).toBe("before");
    expect(readdirSync(scratch.folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("the count in the header is that of the rows written", async () => {
    for (const name of ["n.fbin", "n.npy", "n.fvecs"]) {
      const writer = await VectorWriter.create(scratch.path(name), "f32", 2);
      for (let i = 0; i < 5; i++) await writer.write(Float32Array.of(i, i, -i, -i));
      expect(existsSync(scratch.path(name))).toBe(false);
      await writer.commit();
      await withFile(scratch.path(name), undefined, async (file) => {
        expect(file.count).toBe(10);
        expect((await file.readAll()).at(-1)).toBe(-4);
      });
    }
  });

  test("a type that the name excludes, rows that are not whole, a folder that is not there", async () => {
    await expect(VectorWriter.create(scratch.path("w.u8bin"), "f32", 2)).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining("holds u8, not f32"),
    });
    await expect(
      writeVectors(scratch.path("w.fbin"), "f32", 2, Float32Array.of(1, 2, 3)),
    ).rejects.toMatchObject({
      code: "ERR_DIMENSION_MISMATCH",
    });
    expect(existsSync(scratch.path("w.fbin"))).toBe(false);
    await expect(VectorWriter.create(scratch.path("none/w.fbin"), "f32", 2)).rejects.toMatchObject({
      code: "ERR_IO",
      message: expect.stringContaining("no such file or folder"),
    });
  });
});

test("views with a byte offset are written as what they show", async () => {
  const view = elementsOver("f32", new Float32Array([9, 1, 2, 9]).buffer, 4, 2);
  await writeVectors(scratch.path("view.fbin"), "f32", 2, view);
  const expected = pack(["u32", 1, 2], ["f32", 1, 2]);
  expect(new Uint8Array(readFileSync(scratch.path("view.fbin")))).toEqual(expected);
});
