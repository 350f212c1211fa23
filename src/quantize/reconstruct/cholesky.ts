/**
 * The factor of a positive definite matrix H = V·Vᵀ with V upper triangular. With errors e of the weights in order, the
 * error of the output is |eᵀ·V|², and its term k holds e₀ to e_k only: so weight k can make up for all before it.
 * @param matrix n × n, symmetric; what is below the diagonal is not read
 * @param ridge added to the diagonal
 * @returns n × n, row-major; zeros below the diagonal
 */
export function upperFactor(matrix: Float64Array, n: number, ridge: number): Float64Array {
  const v = new Float64Array(n * n);
  const least = ridge > 0 ? ridge : Number.MIN_VALUE;
  for (let j = n - 1; j >= 0; j--) {
    const pivot = Math.sqrt(Math.max(least, matrix[j * n + j]! + ridge - dot(v, j * n, j * n, j + 1, n)));
    v[j * n + j] = pivot;
    for (let i = 0; i < j; i++) v[i * n + j] = (matrix[i * n + j]! - dot(v, i * n, j * n, j + 1, n)) / pivot;
  }
  return v;
}

/** Σ v[a + k]·v[b + k] for k in [from, to): four sums at once, as one would wait for itself. */
function dot(v: Float64Array, a: number, b: number, from: number, to: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let k = from;
  for (; k + 3 < to; k += 4) {
    s0 += v[a + k]! * v[b + k]!;
    s1 += v[a + k + 1]! * v[b + k + 1]!;
    s2 += v[a + k + 2]! * v[b + k + 2]!;
    s3 += v[a + k + 3]! * v[b + k + 3]!;
  }
  for (; k < to; k++) s0 += v[a + k]! * v[b + k]!;
  return s0 + s1 + (s2 + s3);
}

/** x with V·Vᵀ·x = b. */
export function solveUpper(v: Float64Array, n: number, b: Float64Array): Float64Array {
  const x = b.slice();
  // V·y = b, from the last row up; then Vᵀ·x = y, from the first down.
  for (let i = n - 1; i >= 0; i--) {
    let sum = x[i]!;
    for (let k = i + 1; k < n; k++) sum -= v[i * n + k]! * x[k]!;
    x[i] = sum / v[i * n + i]!;
  }
  for (let i = 0; i < n; i++) {
    const value = x[i]! / v[i * n + i]!;
    x[i] = value;
    for (let k = i + 1; k < n; k++) x[k]! -= v[i * n + k]! * value;
  }
  return x;
}
