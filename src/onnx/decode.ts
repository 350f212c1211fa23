import onnxProto from 'onnx-proto';
import { type NeonarrowError, reject } from '../core/diagnostics.ts';
import { formatShape, sizeOf } from '../graph/shape.ts';
import { elementType, fromTypedField, newData, saturated } from './element-types.ts';
import { type ExternalLocation, readExternal } from './external-data.ts';
import {
  type AttributeValue,
  domainOf,
  type ModelNode,
  type SourceModel,
  type SourceTensor,
  type ValueInfo,
} from './model.ts';

const { onnx } = onnxProto;
type Proto = typeof onnx;
type TensorProto = InstanceType<Proto['TensorProto']>;
type AttributeProto = InstanceType<Proto['AttributeProto']>;
type NodeProto = InstanceType<Proto['NodeProto']>;
type ValueInfoProto = InstanceType<Proto['ValueInfoProto']>;

/**
 * Decodes an ONNX file.
 * @param path where the bytes came from: external data lies next to it, and messages name it
 * @throws reject `not-an-onnx-file`, `invalid-model`, `missing-external-data`; unsupported `unsupported-tensor-type`
 */
export async function decodeModel(bytes: Uint8Array, path: string): Promise<SourceModel> {
  const model = parse(bytes, path);
  const { graph } = model;
  if (!graph || graph.node === undefined || model.opsetImport.length === 0 || !graph.output?.length) {
    throw notOnnx(path, 'it holds no complete model');
  }
  const initializers = new Map<string, SourceTensor>();
  for (const t of graph.initializer ?? []) {
    const tensor = onnx.TensorProto.create(t);
    initializers.set(tensor.name, await decodeTensor(tensor, `tensor "${tensor.name}"`, path));
  }
  const nodes: ModelNode[] = [];
  for (const n of graph.node ?? []) nodes.push(await decodeNode(onnx.NodeProto.create(n), nodes.length, path));
  return {
    graphName: graph.name ?? '',
    producer: [model.producerName, model.producerVersion].filter(Boolean).join(' '),
    opsets: new Map(model.opsetImport.map((o) => [domainOf(o.domain ?? ''), number(o.version ?? 0)])),
    metadata: new Map(model.metadataProps.map((p) => [p.key ?? '', p.value ?? ''])),
    inputs: (graph.input ?? []).map(decodeValue).filter((v) => !initializers.has(v.name)),
    outputs: graph.output.map(decodeValue),
    initializers,
    nodes,
  };
}

function parse(bytes: Uint8Array, path: string): InstanceType<Proto['ModelProto']> {
  if (bytes.length === 0) throw notOnnx(path, 'it is empty');
  try {
    return onnx.ModelProto.decode(bytes);
  } catch (error) {
    throw notOnnx(path, 'it is truncated or in another format', error);
  }
}

function notOnnx(path: string, why: string, cause?: unknown): NeonarrowError {
  const hint = 'Export or download the model again; neonarrow reads ONNX files (.onnx).';
  return reject({ code: 'not-an-onnx-file', message: `this is no ONNX model: ${why}`, place: path, hint }, cause);
}

function invalidModel(path: string, message: string): NeonarrowError {
  const hint = 'Check the file with onnx.checker, or export it again.';
  return reject({ code: 'invalid-model', message, place: path, hint });
}

/** int64 fields are Long objects. */
function number(value: number | Long): number {
  return typeof value === 'number' ? value : saturated(BigInt(value.toString()));
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function decodeValue(v: ValueInfoProto | Parameters<Proto['ValueInfoProto']['create']>[0]): ValueInfo {
  const type = elementType(v?.type?.tensorType?.elemType ?? 0);
  const dims = v?.type?.tensorType?.shape?.dim;
  return {
    name: v?.name ?? '',
    dtype: type.dtype,
    elementType: type.name,
    shape: dims?.map((d) => {
      if (d.dimParam) return d.dimParam;
      const extent = number(d.dimValue ?? 0);
      return extent > 0 ? extent : undefined;
    }),
  };
}

async function decodeNode(n: NodeProto, index: number, path: string): Promise<ModelNode> {
  const name = n.name || `${n.opType}_${index}`;
  const attributes = new Map<string, AttributeValue>();
  for (const a of n.attribute) {
    const attribute = onnx.AttributeProto.create(a);
    attributes.set(
      attribute.name,
      await decodeAttribute(attribute, `attribute ${attribute.name} of node "${name}"`, path),
    );
  }
  return { name, opType: n.opType, domain: domainOf(n.domain), inputs: n.input, outputs: n.output, attributes };
}

async function decodeAttribute(a: AttributeProto, what: string, path: string): Promise<AttributeValue> {
  const T = onnx.AttributeProto.AttributeType;
  switch (a.type) {
    case T.INT:
      return { type: 'int', value: number(a.i) };
    case T.FLOAT:
      return { type: 'float', value: a.f };
    case T.STRING:
      return { type: 'string', value: text(a.s) };
    case T.INTS:
      return { type: 'ints', value: a.ints.map(number) };
    case T.FLOATS:
      return { type: 'floats', value: a.floats };
    case T.STRINGS:
      return { type: 'strings', value: a.strings.map(text) };
    case T.TENSOR:
      return { type: 'tensor', value: await decodeTensor(onnx.TensorProto.create(a.t ?? {}), what, path) };
    default:
      return { type: 'other' };
  }
}

async function decodeTensor(t: TensorProto, what: string, path: string): Promise<SourceTensor> {
  const type = elementType(t.dataType);
  const shape = t.dims.map(number);
  const { dtype, field, read } = type;
  if (dtype === undefined || field === undefined || read === undefined) {
    const hint = 'Convert the model to float32, int8 or uint8 weights.';
    const message = `${what} holds elements of ${type.name}`;
    throw reject({ code: 'unsupported-tensor-type', message, place: path, hint });
  }
  const data = newData(dtype, sizeOf(shape));
  const external = t.dataLocation === onnx.TensorProto.DataLocation.EXTERNAL;
  const raw = external ? await readExternal(externalLocation(t), what, path) : t.rawData;
  if (raw.length > 0) {
    if (raw.length !== data.length * type.bytes) {
      throw invalidModel(
        path,
        `${what} holds ${raw.length} bytes, ${formatShape(shape)} needs ${data.length * type.bytes}`,
      );
    }
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    for (let i = 0; i < data.length; i++) data[i] = read(view, i * type.bytes);
    return { shape, dtype, data };
  }
  const typed = t[field];
  if (typed.length !== data.length) {
    throw invalidModel(path, `${what} holds ${typed.length} elements, ${formatShape(shape)} needs ${data.length}`);
  }
  typed.forEach((v, i) => {
    data[i] = fromTypedField(type, number(v));
  });
  return { shape, dtype, data };
}

function externalLocation(t: TensorProto): ExternalLocation {
  const entries = new Map(t.externalData.map((e) => [e.key ?? '', e.value ?? '']));
  const length = entries.get('length');
  return {
    file: entries.get('location') ?? '',
    offset: Number(entries.get('offset') ?? 0),
    length: length === undefined ? undefined : Number(length),
  };
}
