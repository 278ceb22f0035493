// Asks for pieces over gRPC from Node, and writes them: serialised NoteSequences (.notes), or of a
// model of notes WAV files. Works against the stock server and tfmusicgan-serve alike.
//
//   npm install
//   node client.js 127.0.0.1:8500 chorales 4
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");
const { decodeNoteSequence, isWav } = require("../browser/client.js");

const PROTOS = path.join(__dirname, "..", "protos");
const DEADLINE_SECONDS = 60;

function connect(address) {
  const definition = loader.loadSync("prediction_service.proto", {
    includeDirs: [PROTOS],
    keepCase: true,
    longs: String, // 64 bits are more than a number holds
    enums: String,
  });
  const { PredictionService } = grpc.loadPackageDefinition(definition).tensorflow.serving;
  return new PredictionService(address, grpc.credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
  });
}

// The bytes of each piece, one per seed.
function ask(service, model, seeds) {
  const request = {
    model_spec: { name: model },
    inputs: {
      seed: {
        dtype: "DT_INT64",
        tensor_shape: { dim: [{ size: seeds.length }] },
        int64_val: seeds,
      },
    },
  };
  const deadline = new Date(Date.now() + DEADLINE_SECONDS * 1000);
  return new Promise((resolve, reject) => {
    service.Predict(request, { deadline }, (error, response) => {
      if (error) reject(error);
      else resolve((response.outputs.note_sequence ?? response.outputs.wav).string_val);
    });
  });
}

async function main(address, model, count) {
  const service = connect(address);
  const seeds = Array.from({ length: Number(count) }, (_, i) => i);
  const pieces = await ask(service, model, seeds);
  pieces.forEach((bytes, i) => {
    const name = `piece_${i}.${isWav(bytes) ? "wav" : "notes"}`;
    fs.writeFileSync(name, bytes);
    const { notes, totalTime } = isWav(bytes) ? {} : decodeNoteSequence(bytes);
    console.log(notes ? `${name} ${notes.length} notes, ${totalTime.toFixed(1)} s` : name);
  });
  service.close();
}

const [address, model, count] = process.argv.slice(2);
if (count === undefined) {
  console.error("usage: node client.js SERVER MODEL NUM");
  process.exit(2);
}
main(address, model, count).catch((error) => {
  console.error(error.details || error.message);
  process.exit(1);
});
