import onnxProto from 'onnx-proto';
import type { TensorData } from '../graph/types.ts';
import { codeOf } from './element-types.ts';
import type { AttributeValue, ModelNode, SourceModel, SourceTensor, ValueInfo } from './model.ts';

const { onnx } = onnxProto;

/** IR version 8: that of opset 17, which is what neonarrow writes. */
const irVersion = 8;

/** The bytes of an ONNX file. The same model always gives the same bytes. */
export function encodeModel(model: SourceModel): Uint8Array {
  const proto = onnx.ModelProto.create({
    irVersion,
    producerName: model.producer,
    opsetImport: [...model.opsets].map(([domain, version]) => ({ domain, version })),
    metadataProps: [...model.metadata].map(([key, value]) => ({ key, value })),
    graph: {
      name: model.graphName || 'graph',
      node: model.nodes.map(encodeNode),
      initializer: [...model.initializers].map(([name, tensor]) => encodeTensor(tensor, name)),
      input: model.inputs.map(encodeValue),
      output: model.outputs.map(encodeValue),
    },
  });
  return onnx.ModelProto.encode(proto).finish();
}

function encodeNode(n: ModelNode): Parameters<typeof onnx.NodeProto.create>[0] & object {
  return {
    name: n.name,
    opType: n.opType,
    domain: n.domain,
    input: [...n.inputs],
    output: [...n.outputs],
    attribute: [...n.attributes].map(([name, value]) => encodeAttribute(name, value)),
  };
}

function encodeAttribute(name: string, a: AttributeValue): InstanceType<typeof onnx.AttributeProto> {
  const T = onnx.AttributeProto.AttributeType;
  const bytes = (s: string): Uint8Array => new TextEncoder().encode(s);
  switch (a.type) {
    case 'int':
      return onnx.AttributeProto.create({ name, type: T.INT, i: a.value });
    case 'float':
      return onnx.AttributeProto.create({ name, type: T.FLOAT, f: a.value });
    case 'string':
      return onnx.AttributeProto.create({ name, type: T.STRING, s: bytes(a.value) });
    case 'ints':
      return onnx.AttributeProto.create({ name, type: T.INTS, ints: [...a.value] });
    case 'floats':
      return onnx.AttributeProto.create({ name, type: T.FLOATS, floats: [...a.value] });
    case 'strings':
      return onnx.AttributeProto.create({ name, type: T.STRINGS, strings: a.value.map(bytes) });
    case 'tensor':
      return onnx.AttributeProto.create({ name, type: T.TENSOR, t: encodeTensor(a.value, '') });
    case 'other':
      return onnx.AttributeProto.create({ name });
  }
}

function encodeTensor(t: SourceTensor, name: string): Parameters<typeof onnx.TensorProto.create>[0] & object {
  return { name, dims: [...t.shape], dataType: codeOf[t.dtype], rawData: rawBytes(t.data) };
}

/** Little-endian bytes; int64 values are held as numbers. */
function rawBytes(data: TensorData): Uint8Array {
  const stored = data instanceof Float64Array ? BigInt64Array.from(data, (v) => BigInt(v)) : data;
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

function encodeValue(v: ValueInfo): Parameters<typeof onnx.ValueInfoProto.create>[0] & object {
  if (v.dtype === undefined) return { name: v.name };
  const dim = v.shape?.map((d) => (typeof d === 'number' ? { dimValue: d } : d === undefined ? {} : { dimParam: d }));
  return {
    name: v.name,
    type: { tensorType: { elemType: codeOf[v.dtype], ...(dim === undefined ? {} : { shape: { dim } }) } },
  };
}
