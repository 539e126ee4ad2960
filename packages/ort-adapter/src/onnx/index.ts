export type { DataType } from "./data-type.ts";
export type { Attribute, Dim, Graph, Model, ModelFunction, Node, OpsetImport, Tensor, ValueInfo } from "./model.ts";
export { isFolder, publishFolder } from "./publish-folder.ts";
export type { WriteModelOptions } from "./write-model-file.ts";
export { EXTERNAL_DATA_ABOVE_BYTES, writeModelFile } from "./write-model-file.ts";
export { encodeModel, encodeModelToBytes } from "./writer.ts";
