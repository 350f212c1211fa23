import { describe } from 'vitest';
import { type ModelSpec, type NodeSpec, random } from '../onnx/model-helper.ts';
import { check } from './check-cases.ts';

function gemm(attributes: NodeSpec['attributes'], a: number[], b: number[], c?: number[]): ModelSpec {
  return {
    inputs: { x: a },
    nodes: [{ op: 'Gemm', inputs: c === undefined ? ['x', 'w'] : ['x', 'w', 'c'], attributes }],
    constants: { w: random(b, 3), ...(c === undefined ? {} : { c: random(c, 4) }) },
  };
}

function matMul(x: number[]): ModelSpec {
  return { inputs: { x }, nodes: [{ op: 'MatMul', inputs: ['x', 'w'] }], constants: { w: random([10, 5], 3) } };
}

describe('Gemm and MatMul', () => {
  check({
    plain: gemm({}, [1, 10], [10, 5]),
    transB: gemm({ transB: 1 }, [1, 10], [5, 10], [5]),
    transA: gemm({ transA: 1 }, [10, 3], [10, 5], [5]),
    'alpha and beta': gemm({ alpha: { float: 0.5 }, beta: { float: 2 } }, [3, 10], [10, 5], [1, 5]),
    'scalar C': gemm({ transB: 1 }, [2, 10], [5, 10], [1]),
    'MatMul rank 2': matMul([3, 10]),
    'MatMul rank 3': matMul([1, 7, 10]),
    'MatMul rank 4': matMul([1, 2, 7, 10]),
    'MatMul rank 1': matMul([10]),
    'MatMul and a bias': {
      inputs: { x: [1, 7, 10] },
      nodes: [
        { op: 'MatMul', inputs: ['x', 'w'] },
        { op: 'Add', inputs: ['b', 'n0'] },
      ],
      constants: { w: random([10, 5], 3), b: random([5], 4) },
    },
  });
});
