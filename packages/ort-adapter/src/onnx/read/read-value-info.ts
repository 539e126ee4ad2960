import type { WireType } from "@bufbuild/protobuf/wire";
import { type DataType, dataTypeOf } from "../data-type.ts";
import type { Dim, ValueInfo } from "../model.ts";
import { DimField, ShapeField, TensorTypeField, TypeField, ValueInfoField } from "../proto.ts";
import type { WireReader } from "./wire-reader.ts";

/** Memory of a value's type beside its name and sizes, and of a size. */
const VALUE_BYTES = 250;
const DIM_BYTES = 16;

/** Reads the ValueInfoProto in the field at hand; values that are no tensors keep only their name. */
export function readValueInfo(reader: WireReader, wire: WireType): ValueInfo {
  reader.keep(VALUE_BYTES);
  let name = "";
  let type: DataType | undefined;
  let shape: Dim[] | undefined;
  const readTensorType = (field: number, fieldWire: WireType) => {
    if (field === TensorTypeField.elementType) type = dataTypeOf(reader.integer(fieldWire));
    else if (field === TensorTypeField.shape) shape = readShape(reader, fieldWire);
  };
  reader.submessage(wire, (field, fieldWire) => {
    if (field === ValueInfoField.name) name = reader.string(fieldWire);
    else if (field === ValueInfoField.type) {
      reader.submessage(fieldWire, (typeField, typeWire) => {
        if (typeField === TypeField.tensorType) reader.submessage(typeWire, readTensorType);
      });
    }
  });
  return { name, type, shape };
}

function readShape(reader: WireReader, wire: WireType): Dim[] {
  const shape: Dim[] = [];
  reader.submessage(wire, (field, fieldWire) => {
    if (field !== ShapeField.dim) return;
    reader.keep(DIM_BYTES);
    let dim: Dim;
    reader.submessage(fieldWire, (dimField, dimWire) => {
      if (dimField === DimField.value) dim = reader.integer(dimWire);
      else if (dimField === DimField.param) dim = reader.string(dimWire);
    });
    // Old exporters write an unknown size as 0, -1 or an empty name.
    shape.push(dim === "" || (typeof dim === "number" && dim < 0) ? undefined : dim);
  });
  return shape;
}
