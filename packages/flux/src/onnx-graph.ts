// Builds ONNX models node by node. Weights are not copied in: they are references into the safetensors file.
// Source of field numbers: onnx/onnx.proto (ONNX repository), IR version 11.

import { basename } from "node:path";
import { ProtobufWriter } from "./protobuf-writer.ts";
import type { SafetensorsDtype } from "./safetensors.ts";

/** Name of a tensor inside the graph. */
export type Value = string;

export type Attribute = number | { readonly float: number } | { readonly text: string } | readonly number[];

export interface ExternalTensor {
  /** The file that holds the data; only its base name enters the graph. */
  readonly path: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

const elementTypes = { F32: 1, F16: 10, BF16: 16, I64: 7, I32: 6 } as const;

export type ElementType = keyof typeof elementTypes;

const irVersion = 11;
/** RMSNormalization and RotaryEmbedding came with opset 23. */
const opsetVersion = 23;

/** A graph under construction; `toBytes` gives the ONNX model. */
export class OnnxGraph {
  readonly #nodes: ProtobufWriter[] = [];
  readonly #initializers: ProtobufWriter[] = [];
  readonly #inputs: ProtobufWriter[] = [];
  readonly #outputs: ProtobufWriter[] = [];
  readonly #known = new Map<string, Value>();
  #counter = 0;

  /** `shape`: numbers are fixed sizes, texts name free ones. */
  input(name: string, type: ElementType, shape: readonly (number | string)[]): Value {
    this.#inputs.push(valueInfo(name, type, shape));
    return name;
  }

  output(name: string, type: ElementType, shape: readonly (number | string)[], source: Value): void {
    this.#add("Identity", [source], [name], {}, "");
    this.#outputs.push(valueInfo(name, type, shape));
  }

  /** A float32 constant; equal ones are shared. */
  floats(values: readonly number[], shape: readonly number[]): Value {
    return this.#constant("F32", shape, new Uint8Array(Float32Array.from(values).buffer), `f:${shape}:${values}`);
  }

  /** An int64 constant; equal ones are shared. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): Value {
    const raw = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.#constant("I64", shape, raw, `i:${shape}:${values}`);
  }

  /** A tensor that stays in its file, in its own type. */
  external(tensor: ExternalTensor): Value {
    const key = `x:${tensor.path}:${tensor.offsetBytes}:${tensor.sizeBytes}:${tensor.shape}`;
    return this.#once(key, (name) => {
      const entry = (field: string, value: string) => new ProtobufWriter().text(1, field).text(2, value);
      const proto = tensorProto(name, tensor.dtype as ElementType, tensor.shape) // float types only: weight-slice.ts checks
        .message(13, entry("location", basename(tensor.path)))
        .message(13, entry("offset", String(tensor.offsetBytes)))
        .message(13, entry("length", String(tensor.sizeBytes)))
        .integer(14, 1);
      this.#initializers.push(proto);
    });
  }

  /** One node with one output. An empty input name leaves an optional input out. */
  node(operator: string, inputs: readonly Value[], attributes: Record<string, Attribute> = {}, domain = ""): Value {
    return this.nodes(operator, inputs, 1, attributes, domain)[0]!; // asked for one output
  }

  /** One node with several outputs. */
  nodes(
    operator: string,
    inputs: readonly Value[],
    outputCount: number,
    attributes: Record<string, Attribute> = {},
    domain = "",
  ): Value[] {
    const outputs = Array.from({ length: outputCount }, () => this.#fresh("v"));
    this.#add(operator, inputs, outputs, attributes, domain);
    return outputs;
  }

  toBytes(): Uint8Array {
    const graph = new ProtobufWriter();
    for (const node of this.#nodes) graph.message(1, node);
    graph.text(2, "flux");
    for (const tensor of this.#initializers) graph.message(5, tensor);
    for (const input of this.#inputs) graph.message(11, input);
    for (const output of this.#outputs) graph.message(12, output);
    return new ProtobufWriter()
      .integer(1, irVersion)
      .text(2, "atelier")
      .message(7, graph)
      .message(8, new ProtobufWriter().text(1, "").integer(2, opsetVersion))
      .message(8, new ProtobufWriter().text(1, "com.microsoft").integer(2, 1))
      .finish();
  }

  #fresh(prefix: string): Value {
    return `${prefix}${this.#counter++}`;
  }

  #once(key: string, make: (name: Value) => void): Value {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = this.#fresh("c");
    make(name);
    this.#known.set(key, name);
    return name;
  }

  #constant(type: ElementType, shape: readonly number[], raw: Uint8Array, key: string): Value {
    return this.#once(key, (name) => this.#initializers.push(tensorProto(name, type, shape).bytes(9, raw)));
  }

  #add(
    operator: string,
    inputs: readonly Value[],
    outputs: readonly Value[],
    attributes: Record<string, Attribute>,
    domain: string,
  ): void {
    const node = new ProtobufWriter();
    for (const input of inputs) node.text(1, input);
    for (const output of outputs) node.text(2, output);
    node.text(3, `n${this.#nodes.length}`).text(4, operator);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attribute(name, value));
    if (domain !== "") node.text(7, domain);
    this.#nodes.push(node);
  }
}

function tensorProto(name: string, type: ElementType, shape: readonly number[]): ProtobufWriter {
  return new ProtobufWriter().integers(1, shape).integer(2, elementTypes[type]).text(8, name);
}

function valueInfo(name: string, type: ElementType, shape: readonly (number | string)[]): ProtobufWriter {
  const dimensions = new ProtobufWriter();
  for (const size of shape) {
    const dimension = new ProtobufWriter();
    if (typeof size === "number") dimension.integer(1, size);
    else dimension.text(2, size);
    dimensions.message(1, dimension);
  }
  const tensor = new ProtobufWriter().integer(1, elementTypes[type]).message(2, dimensions);
  return new ProtobufWriter().text(1, name).message(2, new ProtobufWriter().message(1, tensor));
}

function attribute(name: string, value: Attribute): ProtobufWriter {
  const proto = new ProtobufWriter().text(1, name);
  if (typeof value === "number") return proto.integer(3, value).integer(20, 2);
  if ("float" in value) return proto.float(2, value.float).integer(20, 1);
  if ("text" in value) return proto.text(4, value.text).integer(20, 3);
  return proto.integers(8, value).integer(20, 7);
}
