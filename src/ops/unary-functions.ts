import { exhaustive } from '../core/exhaustive.ts';
import type { Expression, PlainFunction, UnaryFunction } from '../graph/types.ts';
import { roundHalfEven } from '../numeric/neon.ts';
import { emitClamp } from './clamp.ts';
import { float as floatAttribute, type OnnxWriter } from './onnx-writer.ts';

/** The functions of one value: their values in double precision, and how ONNX writes them. Formulas are ONNX's. */

/** What each function without parameters is, and its ONNX operator. */
export const plainFunctions: { readonly [F in PlainFunction]: readonly [string, (x: number) => number] } = {
  abs: ['Abs', Math.abs],
  acos: ['Acos', Math.acos],
  acosh: ['Acosh', Math.acosh],
  asin: ['Asin', Math.asin],
  asinh: ['Asinh', Math.asinh],
  atan: ['Atan', Math.atan],
  atanh: ['Atanh', Math.atanh],
  ceil: ['Ceil', Math.ceil],
  cos: ['Cos', Math.cos],
  cosh: ['Cosh', Math.cosh],
  erf: ['Erf', erf],
  exp: ['Exp', Math.exp],
  floor: ['Floor', Math.floor],
  hardSwish: ['HardSwish', (x) => x * Math.min(1, Math.max(0, x / 6 + 0.5))],
  log: ['Log', Math.log],
  neg: ['Neg', (x) => -x],
  reciprocal: ['Reciprocal', (x) => 1 / x],
  round: ['Round', roundHalfEven],
  sigmoid: ['Sigmoid', (x) => 1 / (1 + Math.exp(-x))],
  sign: ['Sign', Math.sign],
  sin: ['Sin', Math.sin],
  sinh: ['Sinh', Math.sinh],
  softplus: ['Softplus', (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))],
  softsign: ['Softsign', (x) => x / (1 + Math.abs(x))],
  sqrt: ['Sqrt', Math.sqrt],
  tan: ['Tan', Math.tan],
  tanh: ['Tanh', Math.tanh],
};

/** The function's value, in double precision; NaN or infinite where it has none. */
export function evaluateUnary(fn: UnaryFunction, x: number): number {
  switch (fn.name) {
    case 'identity':
      return x;
    case 'clip':
      return Math.min(fn.hi, Math.max(fn.lo, x));
    case 'leakyRelu':
      return x < 0 ? fn.alpha * x : x;
    case 'linear':
      return fn.scale * x + fn.shift;
    case 'hardSigmoid':
      return Math.min(1, Math.max(0, fn.alpha * x + fn.beta));
    case 'elu':
      return x < 0 ? fn.alpha * Math.expm1(x) : x;
    case 'selu':
      return fn.gamma * (x <= 0 ? fn.alpha * Math.expm1(x) : x);
    case 'thresholdedRelu':
      return x > fn.alpha ? x : 0;
    case 'power':
      return x ** fn.exponent;
    case 'composed':
      return evaluate(fn.expression, x);
    default:
      return plainFunctions[fn.name][1](x);
  }
}

function evaluate(expression: Expression, x: number): number {
  switch (expression.kind) {
    case 'value':
      return x;
    case 'apply':
      return evaluateUnary(expression.fn, evaluate(expression.to, x));
    case 'combine': {
      const [a, b] = [evaluate(expression.left, x), evaluate(expression.right, x)];
      return combinations[expression.by][1](a, b);
    }
    default:
      return exhaustive(expression);
  }
}

const combinations = {
  add: ['Add', (a: number, b: number) => a + b],
  sub: ['Sub', (a: number, b: number) => a - b],
  mul: ['Mul', (a: number, b: number) => a * b],
  max: ['Max', Math.max],
  min: ['Min', Math.min],
} as const;

/** Writes the function of the value `x`; returns the name of the result. */
export function writeUnary(writer: OnnxWriter, fn: UnaryFunction, x: string): string {
  const constant = (value: number): string => writer.constant('constant', [], Float32Array.of(value));
  switch (fn.name) {
    case 'identity':
      return x;
    case 'clip':
      return emitClamp(writer, x, fn);
    case 'leakyRelu':
      return writer.node('LeakyRelu', [x], { alpha: floatAttribute(fn.alpha) });
    case 'linear':
      return writer.node('Add', [writer.node('Mul', [x, constant(fn.scale)]), constant(fn.shift)]);
    case 'hardSigmoid':
      return writer.node('HardSigmoid', [x], { alpha: floatAttribute(fn.alpha), beta: floatAttribute(fn.beta) });
    case 'elu':
      return writer.node('Elu', [x], { alpha: floatAttribute(fn.alpha) });
    case 'selu':
      return writer.node('Selu', [x], { alpha: floatAttribute(fn.alpha), gamma: floatAttribute(fn.gamma) });
    case 'thresholdedRelu':
      return writer.node('ThresholdedRelu', [x], { alpha: floatAttribute(fn.alpha) });
    case 'power':
      return writer.node('Pow', [x, constant(fn.exponent)]);
    case 'composed':
      return write(writer, fn.expression, x, new Map());
    default:
      return writer.node(plainFunctions[fn.name][0], [x]);
  }
}

/** @param written what has been written already: parts of an expression are shared */
function write(writer: OnnxWriter, expression: Expression, x: string, written: Map<Expression, string>): string {
  const known = expression.kind === 'value' ? x : written.get(expression);
  if (known !== undefined) return known;
  const part = (e: Expression): string => write(writer, e, x, written);
  const name =
    expression.kind === 'apply'
      ? writeUnary(writer, expression.fn, part(expression.to))
      : expression.kind === 'combine'
        ? writer.node(combinations[expression.by][0], [part(expression.left), part(expression.right)])
        : x;
  written.set(expression, name);
  return name;
}

/** The error function: its series near 0, else the continued fraction of its complement; to about 15 digits. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let [term, sum] = [x, x];
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum) && n < 200; n++) {
      term *= -(x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = a;
  for (let n = 80; n > 0; n--) fraction = a + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * fraction));
}
