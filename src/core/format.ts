/** 12,345,678 */
export function grouped(n: number): string {
  return n.toLocaleString('en-US');
}

/** 0.8748 as 87.48 % */
export function percent(fraction: number, digits = 2): string {
  return `${(fraction * 100).toFixed(digits)} %`;
}
