import type { Recipe } from '../data/recipe.ts';
import type { Graph } from '../graph/types.ts';
import { encodeModel } from '../onnx/encode.ts';
import { exportQdq } from '../onnx/export-qdq.ts';
import { recipeKey, recipeText } from './read-data.ts';

/** The bytes of the QDQ file: a standard quantized ONNX model, which `readModel` takes back. */
export function quantizedFile(graph: Graph, recipe: Recipe): Uint8Array {
  return encodeModel(exportQdq(graph, new Map([[recipeKey, recipeText(recipe)]])));
}
