import type { Graph, Node, Op, Pads } from '../graph/types.ts';
import type { Target } from '../targets/target.ts';
import type { AccumulatorProof } from '../quantize/accumulator.ts';

/** A `static const` array of the generated weights file. */
export interface ConstantArray {
  /** Suffix of the C name: `<model>_<layer>_<name>`. */
  readonly name: string;
  readonly data: Int8Array | Uint8Array | Int16Array | Int32Array | Uint32Array | Float32Array;
  /** One line above the array: layout, axes. */
  readonly comment: string;
}

export interface Packed {
  readonly arrays: readonly ConstantArray[];
  /** From the packed bytes, not from the weights they were packed from (DESIGN §4). Absent where nothing accumulates narrowly. */
  readonly proof?: AccumulatorProof;
}

export interface Cost {
  /** Predicted executed instructions of one run of the layer. */
  readonly instructions: number;
}

/** An operand in the C function: pointer to the interior's first element, and how to walk from there. */
export interface Operand {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly rowStride: number;
  readonly pixelStride: number;
}

export interface ViewContext<O extends Op> {
  readonly graph: Graph;
  readonly node: Node<O>;
  readonly target: Target;
  readonly packed: Packed;
  /** The activations, in the order of the C function's parameters: inputs, then the output. */
  readonly inputs: readonly Operand[];
  readonly output: Operand;
  /** C name of a packed array. */
  readonly arrayName: (name: string) => string;
}

/**
 * One way to compute an operator. Its C function is `templates/kernels/<name>.c.hbs`, which holds the NEON body and
 * the portable body behind `#if`; both give the reference's bytes.
 */
export interface Kernel<O extends Op = Op> {
  readonly name: string;
  readonly op: O['kind'];
  /** One line for the layer's comment and the report. */
  readonly summary: string;
  /** Why the kernel can't take the node; undefined where it can. */
  misfit(node: Node<O>, graph: Graph, target: Target): string | undefined;
  cost(node: Node<O>, graph: Graph, target: Target): Cost;
  /** Border that input 0 must have in the arena, [top, left, bottom, right]. */
  border?(node: Node<O>): Pads;
  /** Re-certifies what it packs: throws `invariant` where an accumulator that the node calls proven could overflow. */
  pack(node: Node<O>, graph: Graph): Packed;
  /** The template's data: plain objects, everything computed (no arithmetic in templates). */
  view(context: ViewContext<O>): object;
}

