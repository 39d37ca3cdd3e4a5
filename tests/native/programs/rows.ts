/** Rows of a small generator; the same for the same count. */
export function someRows(count: number, dimensions: number): Float32Array {
  const rows = new Float32Array(count * dimensions);
  let state = 1;
  for (let i = 0; i < rows.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    rows[i] = state / 0x7fffffff;
  }
  return rows;
}
