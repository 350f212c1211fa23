import { describe, expect, it } from 'vitest';
import { hotLoopOf } from '../../src/bench/hot-loop.ts';

const assembly = `
	.type	other, %function
other:
.L1:
	smlal	v0.8h, v1.8b, v2.8b
	smlal2	v0.8h, v1.16b, v2.16b
	smlal	v3.8h, v1.8b, v2.8b
	b.ne	.L1
	.size	other, .-other
	.type	layer.constprop.0, %function
layer.constprop.0:
.LFB7:
	.cfi_startproc
	mov	w0, 0
.L2:                                    // =>This Loop Header
	mul	w4, w5, w6
	sqrdmulh	v9.4s, v9.4s, v10.4s
.L3:
	ldp	q1, q2, [x0], 32	// two loads
	#APP
	#NO_APP
	smlal	v0.8h, v1.8b, v2.8b
	smlal2	v0.8h, v1.16b, v2.16b
	subs	w1, w1, 1
	bne	.L3
.L4:
	smlal	v0.8h, v1.8b, v2.8b
	cbnz	w3, .L4
	b	.L5
.L5:
	sadalp	v7.4s, v0.8h
	tbz	x2, #3, .L2
	ret
	.cfi_endproc
	.size	layer.constprop.0, .-layer.constprop.0
`;

describe('the hot loop of a function', () => {
  it('is the innermost loop with the most multiplications', () => {
    expect(hotLoopOf(assembly, 'layer')).toEqual({
      instructions: [
        'ldp	q1, q2, [x0], 32',
        'smlal	v0.8h, v1.8b, v2.8b',
        'smlal2	v0.8h, v1.16b, v2.16b',
        'subs	w1, w1, 1',
        'bne	.L3',
      ],
      multiplies: 2,
    });
  });

  it('is that of the function of this name, not of one that begins with it', () => {
    expect(hotLoopOf(assembly, 'other')?.multiplies).toBe(3);
    expect(hotLoopOf(assembly, 'lay')).toBeUndefined();
    expect(hotLoopOf(assembly, 'absent')).toBeUndefined();
  });

  it('is an outer loop where the inner one is unrolled, and none where nothing multiplies', () => {
    const unrolled = 'f:\n.L1:\n\tsmull\tv0.8h, v1.8b, v2.8b\n\tb.lt\t.L1\n\t.size\tf, .-f\n';
    expect(hotLoopOf(unrolled, 'f')?.multiplies).toBe(1);
    expect(hotLoopOf('f:\n.L1:\n\tmul\tx0, x1, x2\n\tb\t.L1\n', 'f')).toBeUndefined();
  });
});
