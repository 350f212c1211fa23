import type { Graph, Node, Op, Pads } from '../graph/types.ts';
import type { AccumulatorProof } from '../proof/accumulator.ts';
import type { Feature, Target } from '../targets/target.ts';

/** A `static const` array of the generated weights file. */
export interface ConstantArray {
  /** Suffix of the C name: `<model>_<layer>_<name>`. */
  readonly name: string;
  readonly data: Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array;
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
  /**
   * The instructions, each counted as often as the target's vector units are busy with it, in units of one `smlal`: what
   * kernels are compared by. As `instructions` where absent.
   */
  readonly slots?: number;
}

/**
 * An operand in the C function: H×W×C (see `plan/placement`), a pointer to the interior's first element, and how to walk
 * from there. Input pixels lie next to each other (pixelStride = C); the output's may not, where it is a slice of a
 * concatenation. Reading up to `overread` bytes past an input's last element is safe, writing outside the output is not.
 */
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
  /** True where the output is stored over an input (see `Kernel.inPlace`): then no pointer is `restrict`. */
  readonly inPlace: boolean;
  /** C name of a packed array. */
  readonly arrayName: (name: string) => string;
}

/**
 * One way to compute an operator. Its C function is `templates/kernels/<name>.c.hbs`, which holds the NEON body and
 * the portable body behind `#if {{MODEL}}_NEON`; both give the reference's bytes. The template sees the view's members
 * and those of `emit/layer`'s `LayerData`; functions of `templates/helpers/` that it calls are emitted with it.
 */
export interface Kernel<O extends Op = Op> {
  readonly name: string;
  readonly op: O['kind'];
  /** One line for the layer's comment and the report. */
  readonly summary: string;
  /** The extension that its NEON body needs beyond NEON. */
  readonly feature?: Feature;
  /** Why the kernel can't take the node; undefined where it can. */
  misfit(node: Node<O>, graph: Graph, target: Target): string | undefined;
  cost(node: Node<O>, graph: Graph, target: Target): Cost;
  /** Border that input 0 must have in the arena, [top, left, bottom, right]. */
  border?(node: Node<O>, graph: Graph): Pads;
  /** True where the output may be stored over an input of the same shape that is not needed any more. */
  readonly inPlace?: true;
  /** True where output pixels must lie next to each other, so that the output is never a slice of a concatenation. */
  readonly denseOutput?: true;
  /** Bytes of the arena, aligned to 16, that the step needs for itself; its C function takes their pointer last. */
  scratch?(node: Node<O>, graph: Graph): number;
  /** Bytes that the kernel may read past an input's last element; 15 where absent (loads of 16). */
  overread?(node: Node<O>, graph: Graph): number;
  /** Re-certifies what it packs: throws `invariant` where an accumulator that the node calls proven could overflow. */
  pack(node: Node<O>, graph: Graph): Packed;
  /** The template's data: plain objects, everything computed (no arithmetic in templates). */
  view(context: ViewContext<O>): object;
}
